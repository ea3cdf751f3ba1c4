"""What three levels of rules allow and deny, and how a denial is told."""

import pytest

from nofx_cli.domain.policy import Aspect, Level
from nofx_cli.safety.policy import Permissions
from nofx_cli.testing.levels import level


def permissions(*levels: Level, fault: str = "") -> Permissions:
    return Permissions("check", list(zip(("project", "plan", "step"), levels, strict=False)), fault=fault)


class TestTools:
    @pytest.mark.parametrize(
        "levels",
        [
            (),
            (level(Aspect.TOOLS, allow=["gate:*"]),),
            (level(Aspect.TOOLS, allow=["gate:lint"], deny=["gate:unit"]),),
            (level(Aspect.TOOLS, allow=["*"]), {}, level(Aspect.TOOLS, allow=["gate:[kl]int"])),
            ({}, {}, level(Aspect.TOOLS, allow=["gate:*"])),
        ],
    )
    def test_what_is_allowed(self, levels: tuple[Level, ...]) -> None:
        assert permissions(*levels).check_tool("gate:lint") is None

    @pytest.mark.parametrize(("tool", "other"), [("gate:test", "gate:unit"), ("gate:unit", "gate:test")])
    def test_what_denies_a_tool_denies_it_by_its_other_name(self, tool: str, other: str) -> None:
        denial = permissions({}, level(Aspect.TOOLS, deny=[other], source="p:3")).check_tool(tool)
        assert denial is not None
        assert (denial.rule, denial.source) == (f"tools.deny: {other}", "p:3")
        assert permissions(level(Aspect.TOOLS, allow=[other])).check_tool(tool) is not None  # its own name is asked for

    @pytest.mark.parametrize(
        ("levels", "rule", "source"),
        [
            ([level(Aspect.TOOLS, allow=["gate:*"], deny=["gate:l*"], source="a:7")], "tools.deny: gate:l*", "a:7"),
            (
                [level(Aspect.TOOLS, allow=["gate:unit", "shell"], source="a:8")],
                "tools.allow: `gate:unit`, `shell`",
                "a:8",
            ),
            ([level(Aspect.TOOLS, allow=["Gate:*"])], "tools.allow: `Gate:*`", "x.yaml:1"),
            ([level(Aspect.TOOLS, allow=[])], "tools.allow: nothing", "x.yaml:1"),
            (
                [level(Aspect.TOOLS, allow=["gate:*"]), level(Aspect.TOOLS, allow=["shell"], source="p:3")],
                "tools.allow: `shell`",
                "p:3",
            ),
            (
                [level(Aspect.TOOLS, allow=["shell"]), level(Aspect.TOOLS, allow=["gate:*"])],
                "tools.allow: `shell`",
                "x.yaml:1",
            ),
            ([{}, {}, level(Aspect.TOOLS, deny=["*"], source="")], "tools.deny: *", "step: policy.tools.deny"),
        ],
    )
    def test_what_is_denied_by_which_rule_and_where_it_stands(
        self, levels: list[Level], rule: str, source: str
    ) -> None:
        denial = permissions(*levels).check_tool("gate:lint")

        assert denial is not None
        assert (denial.rule, denial.source) == (rule, source)
        assert denial.message.startswith(f"step check may not use the tool `gate:lint`: {source} ")


def test_a_policy_that_cannot_be_read_allows_nothing() -> None:
    unreadable = permissions(fault="nofx.yaml:3:1: unknown key")

    for denial in (
        unreadable.check_tool("shell"),
        unreadable.check_scope("github"),
        unreadable.check_host("https://example.org"),
        unreadable.check_table("users"),
        unreadable.check_operation("select"),
        unreadable.check_write("a.txt"),
    ):
        assert denial is not None
        assert "nofx.yaml:3:1: unknown key" in denial.message
        assert denial.source == "nofx.yaml"
    assert not unreadable.sees("CI")


@pytest.mark.parametrize(
    ("levels", "seen", "unseen"),
    [
        ((), "", "CI GH_TOKEN"),
        ((["CI"], None, None), "CI", "GH_TOKEN"),
        ((None, ["CI", "GH_*"], None), "CI GH_TOKEN", "AWS_KEY"),
        ((None, None, ["CI"]), "", "CI"),
        ((None, ["CI", "GH_*"], ["CI"]), "CI", "GH_TOKEN"),
        ((None, ["GH_*"], ["*_TOKEN"]), "GH_TOKEN", "GH_USER NPM_TOKEN"),
        ((["GH_*"], ["*"], None), "GH_TOKEN", "CI"),
        ((None, ["*"], []), "", "CI GH_TOKEN"),
    ],
)
def test_a_level_only_narrows_the_environment(levels: tuple[list[str] | None, ...], seen: str, unseen: str) -> None:
    allowed = permissions(*({} if one is None else level(Aspect.ENV, allow=one) for one in levels))

    assert [name for name in seen.split() if not allowed.sees(name)] == []
    assert [name for name in unseen.split() if allowed.sees(name)] == []


def test_a_variable_can_be_denied_to_one_step() -> None:
    allowed = permissions({}, level(Aspect.ENV, allow=["*"]), level(Aspect.ENV, deny=["AWS_*"]))

    assert allowed.sees("CI")
    assert not allowed.sees("AWS_KEY")


@pytest.mark.parametrize(
    ("pattern", "path", "allowed"),
    [
        ("docs/**", "docs/a/b.md", True),
        ("docs/**", "docs", True),
        ("docs/**", "documents/a.md", False),
        ("docs/*", "docs/a/b.md", False),
        ("**/*.md", "a.md", True),
        ("**/*.md", "x/y/a.md", True),
        ("*.md", "x/a.md", False),
        ("src/**/test_*.py", "src/test_a.py", True),
        ("src/**/test_*.py", "src/a/b/test_a.py", True),
        ("src/**/test_*.py", "src/a/b/a.py", False),
        ("**", "a/b/c", True),
    ],
)
def test_paths_that_may_be_written(pattern: str, path: str, allowed: bool) -> None:
    assert (permissions(level(Aspect.WRITE, allow=[pattern])).check_write(path) is None) is allowed
