import pytest

from nofx_cli.domain.ids import StepName
from nofx_cli.domain.plan import Policy, Step
from nofx_cli.safety.policy import allowed_env, check_tool


def step(tool: str = "gate:lint", tools: tuple[str, ...] | None = None, env: tuple[str, ...] = ()) -> Step:
    return Step(StepName("check"), tool, tools_allowed=tools, env_allowed=env)


class TestCheckTool:
    @pytest.mark.parametrize(
        ("policy", "tools"),
        [
            (Policy(), None),
            (Policy(tools_allow=("gate:*",)), None),
            (Policy(tools_allow=("gate:lint",), tools_deny=("gate:unit",)), None),
            (Policy(tools_allow=("*",)), ("gate:[kl]int",)),
            (Policy(), ("gate:*",)),
        ],
    )
    def test_what_is_allowed(self, policy: Policy, tools: tuple[str, ...] | None) -> None:
        assert check_tool(policy, step(tools=tools)) is None

    @pytest.mark.parametrize(
        ("policy", "tools", "source", "rule"),
        [
            (Policy(tools_allow=("gate:*",), tools_deny=("gate:l*",)), None, "policy.tools.deny", "deny: gate:l*"),
            (Policy(tools_allow=("gate:unit", "shell")), None, "policy.tools.allow", "allow: `gate:unit`, `shell`"),
            (Policy(tools_allow=("Gate:*",)), None, "policy.tools.allow", "allow: `Gate:*`"),
            (Policy(tools_allow=()), None, "policy.tools.allow", "allow: no tool"),
            (Policy(tools_allow=("gate:*",)), ("shell",), "steps.check.tools_allowed", "allow: `shell`"),
            (Policy(tools_allow=("shell",)), ("gate:*",), "policy.tools.allow", "allow: `shell`"),
            (Policy(), (), "steps.check.tools_allowed", "allow: no tool"),
        ],
    )
    def test_what_is_denied_and_by_which_rule(
        self, policy: Policy, tools: tuple[str, ...] | None, source: str, rule: str
    ) -> None:
        denial = check_tool(policy, step(tools=tools))

        assert denial is not None
        assert (denial.source, denial.rule) == (source, rule)
        assert denial.message.startswith("step check may not use `gate:lint`: ")


@pytest.mark.parametrize(
    ("plan", "narrowed", "seen"),
    [
        ((), (), ()),
        (("CI", "GH_*"), (), ("CI", "GH_*")),
        ((), ("CI",), ()),
        (("CI", "GH_*"), ("CI",), ("CI",)),
        (("GH_*",), ("GH_TOKEN", "AWS_KEY"), ("GH_TOKEN",)),
        (("GH_TOKEN", "CI"), ("GH_*",), ("GH_TOKEN",)),
        (("GH_*",), ("GH_ACTIONS_*",), ("GH_ACTIONS_*",)),
        (("GH_ACTIONS_*",), ("GH_*",), ("GH_ACTIONS_*",)),
        (("*",), ("CI", "GH_*"), ("CI", "GH_*")),
        (("GH_*",), ("*_TOKEN",), ()),
        (("GH_*", "GH_TOKEN"), ("GH_TOKEN",), ("GH_TOKEN",)),
    ],
)
def test_a_step_only_narrows_the_environment(
    plan: tuple[str, ...], narrowed: tuple[str, ...], seen: tuple[str, ...]
) -> None:
    assert allowed_env(Policy(env_allow=plan), step(env=narrowed)) == seen
