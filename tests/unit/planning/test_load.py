"""What a good plan becomes."""

from decimal import Decimal

import pytest

from nofx_cli.domain.budget import Budget, OnLimit
from nofx_cli.domain.ids import StepName, digest_of_bytes
from nofx_cli.domain.plan import Param, Plan, Repair, Retry, Severity, Step, WorkspaceMode
from nofx_cli.domain.policy import Aspect, Rule, Rules
from nofx_cli.planning.diagnostics import PlanInvalid
from nofx_cli.planning.load import load_plan
from tests.unit.planning.fake_handlers import FakeHandlers

FULL = """\
version: 1
goal: Publish
params:
  since: {type: string, required: true, description: first tag}
  count: {type: integer, default: 3, choices: [1, 3]}
env: {LANG: C.UTF-8, DEBUG: true, RATIO: 1.10}
workspace: {mode: in_place}
policy: {tools: {allow: ["gate:*", shell], deny: [shell]}, env: {allow: [HOME, "CI_*"]}, budget: {tokens: 900}}
concurrency: 8
steps:
  - name: lint
    tool: gate:lint
    needs: []
    inputs: {paths: [src]}
    severity: warning
    timeout: 2m
  - name: publish
    tool: shell
    depends_on: [lint]
    when: "params.since != ''"
    inputs: {command: "echo {{ params.since }}", deep: [{x: null}, 1.5, false]}
    env: {N: "{{ params.count }}", M: 017}
    retry: {max_attempts: 4, backoff: [0s, 250ms, 1m]}
    continue_on_error: true
    approval: required
    retry_on_interrupt: false
    tools_allowed: [shell]
    env_allowed: [CI_TOKEN]
    outputs: [url, web-url]
    artifacts: [dist/**]
    workspace: in_place
    budget: {usd: 0.10, calls: 3}
    policy: {budget: {wall: 1m}}
  - {name: unit, tool: gate:lint, repair: {step: publish, attempts: 5}}
budget: {usd: "2.00", wall: 30m, on_limit: fail}
"""


def rules(*patterns: str, line: int) -> tuple[Rule, ...]:
    return tuple(Rule(pattern, f"x.yaml:{line}") for pattern in patterns)


def load(text: str) -> Plan:
    return load_plan(text, source="x.yaml", handlers=FakeHandlers())


def first(**fields: str) -> Step:
    given = "".join(f", {name}: {value}" for name, value in fields.items())
    return load(f"steps: [{{name: a, tool: shell{given}}}]").steps[0]


def test_every_field_arrives() -> None:
    assert load(FULL) == Plan(
        goal="Publish",
        params=(
            Param("since", "string", required=True, description="first tag"),
            Param("count", "integer", default=3, choices=(1, 3)),
        ),
        env={"LANG": "C.UTF-8", "DEBUG": "true", "RATIO": "1.10"},
        policy={
            Aspect.TOOLS: Rules(rules("gate:*", "shell", line=8), rules("shell", line=8), "x.yaml:8"),
            Aspect.ENV: Rules(rules("HOME", "CI_*", line=8), source="x.yaml:8"),
        },
        concurrency=8,
        budget=Budget(usd=Decimal("2.00"), wall_ms=1_800_000, on_limit=OnLimit.FAIL, source="x.yaml:35"),
        policy_budget=Budget(tokens=900, source="x.yaml:8"),
        workspace=WorkspaceMode.IN_PLACE,
        digest=digest_of_bytes(FULL.encode()),
        steps=(
            Step(
                StepName("lint"),
                "gate:lint",
                inputs={"paths": ["src"]},
                severity=Severity.WARNING,
                timeout_ms=120_000,
                budget=Budget(on_limit=OnLimit.FAIL),
            ),
            Step(
                StepName("publish"),
                "shell",
                needs=(StepName("lint"),),
                when="params.since != ''",
                inputs={"command": "echo {{ params.since }}", "deep": [{"x": None}, 1.5, False]},
                env={"N": "{{ params.count }}", "M": "017"},
                retry=Retry(4, (0, 250, 60_000)),
                continue_on_error=True,
                approval=True,
                retry_on_interrupt=False,
                policy={
                    Aspect.TOOLS: Rules(rules("shell", line=27), source="x.yaml:27"),
                    Aspect.ENV: Rules(rules("CI_TOKEN", line=28), source="x.yaml:28"),
                },
                outputs=("url", "web-url"),
                artifacts=("dist/**",),
                budget=Budget(usd=Decimal("0.10"), calls=3, on_limit=OnLimit.FAIL, source="x.yaml:32"),
                policy_budget=Budget(wall_ms=60_000, source="x.yaml:33"),
            ),
            Step(
                StepName("unit"),
                "gate:lint",
                needs=(StepName("publish"),),
                budget=Budget(on_limit=OnLimit.FAIL),
                repair=Repair(StepName("publish"), 5),
            ),
        ),
    )


def test_a_step_without_needs_follows_the_step_above() -> None:
    plan = load("""\
steps:
  - {name: a, tool: shell}
  - {name: b, tool: shell}
  - {name: c, tool: shell, needs: []}
  - {name: d, tool: shell, needs: [b, a]}
  - {name: e, tool: shell, depends_on: [c]}
  - {name: f, tool: shell}
""")
    assert [(step.name, step.needs) for step in plan.steps] == [
        ("a", ()),
        ("b", ("a",)),
        ("c", ()),
        ("d", ("b", "a")),
        ("e", ("c",)),
        ("f", ("e",)),
    ]


def test_a_step_may_need_one_that_stands_below_it() -> None:
    plan = load("steps: [{name: a, tool: shell, needs: [b]}, {name: b, tool: shell, needs: []}]")
    assert plan.steps[0].needs == ("b",)


def test_what_is_not_said_has_defaults() -> None:
    plan = load("steps: [{name: a, tool: shell}]")
    assert plan.steps[0] == Step(StepName("a"), "shell")
    assert (plan.version, plan.goal, plan.params, plan.env, plan.policy) == (1, "", (), {}, {})


@pytest.mark.parametrize(
    ("written", "usd"),
    [("0.1", "0.1"), ("'2.00'", "2.00"), ("3", "3"), ("0", "0"), ("123456789.123456789", "123456789.123456789")],
)
def test_an_amount_of_money_is_kept_as_it_is_written(written: str, usd: str) -> None:
    assert str(first(budget=f"{{usd: {written}}}").budget.usd) == usd


@pytest.mark.parametrize(("of_plan", "of_step", "then"), [
    ("wait", "", OnLimit.WAIT), ("fail", "", OnLimit.FAIL), ("fail", ", on_limit: wait", OnLimit.WAIT),
    ("wait", ", on_limit: fail", OnLimit.FAIL),
])  # fmt: skip
def test_a_step_does_at_a_limit_what_the_plan_says_unless_it_says_itself(
    of_plan: str, of_step: str, then: OnLimit
) -> None:
    plan = load(f"budget: {{on_limit: {of_plan}}}\nsteps: [{{name: a, tool: shell, budget: {{calls: 1{of_step}}}}}]")
    assert plan.steps[0].budget.on_limit is then


def test_a_gate_may_repair_what_it_needs_through_others_three_rounds_if_it_does_not_say() -> None:
    plan = load("""\
steps:
  - {name: a, tool: shell}
  - {name: b, tool: gate:lint}
  - {name: c, tool: gate:lint, repair: {step: a}, severity: warning}
""")
    assert plan.steps[2].repair == Repair(StepName("a"), 3)


@pytest.mark.parametrize(
    ("written", "mode"),
    [("", "auto"), ("workspace: worktree", "worktree"), ("workspace: {mode: worktree}", "worktree"),
     ("workspace: in_place", "in_place"), ("workspace: {}", "auto")],
)  # fmt: skip
def test_the_workspace_of_a_run(written: str, mode: str) -> None:
    assert load(f"steps: [{{name: a, tool: shell}}]\n{written}").workspace == WorkspaceMode(mode)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("3", Retry(3)), ("{max_attempts: 2}", Retry(2)), ("{max_attempts: 2, backoff: 1.5s}", Retry(2, (1500,)))],
)
def test_retry_has_shorter_forms(written: str, expected: Retry) -> None:
    assert first(retry=written).retry == expected


@pytest.mark.parametrize(("written", "asks"), [("required", True), ("true", True), ("none", False), ("false", False)])
def test_approval_is_a_word_or_a_boolean(written: str, asks: bool) -> None:
    assert first(approval=written).approval is asks


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("Off", "Off"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("+12", 12),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-0.0", -0.0),
        ("1.", 1.0),
        ("0b11", "0b11"),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("=", "="),
    ],
)
def test_values_are_read_by_the_core_schema_of_yaml_1_2(written: str, value: object) -> None:
    inputs = load(f"steps:\n- name: a\n  tool: shell\n  inputs:\n    x: {written}\n").steps[0].inputs
    assert inputs == {"x": value}
    assert type(inputs["x"]) is type(value)


def test_keys_are_text() -> None:
    inputs = load("steps: [{name: a, tool: shell, inputs: {1: a, true: b, null: c, '<<': d}}]").steps[0].inputs
    assert inputs == {"1": "a", "true": "b", "null": "c", "<<": "d"}


def test_aliases_stand_for_whole_values() -> None:
    plan = load("""\
steps:
  - {name: a, tool: shell, env: &env {A: "1"}, needs: &none []}
  - {name: b, tool: shell, env: *env, needs: *none}
""")
    assert plan.steps[1].env == {"A": "1"}
    assert plan.steps[1].needs == ()


def test_the_digest_is_of_the_bytes_as_they_are() -> None:
    text = "\ufeffsteps: [{name: a, tool: shell}] # größe\r\n"
    assert load(text).digest == digest_of_bytes(text.encode())


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_positions_hold_for_every_line_end_and_after_a_byte_order_mark(line_end: str) -> None:
    with pytest.raises(PlanInvalid) as caught:
        load("\ufeff" + line_end.join(["# größe", "steps:", "  - name: a", "    tool: shel", ""]))
    (found,) = caught.value.diagnostics
    assert (found.line, found.column, found.text, found.length) == (4, 11, "    tool: shel", 4)


def test_each_tool_is_looked_up_once() -> None:
    handlers = FakeHandlers()
    steps = "".join(f"  - {{name: s{n}, tool: {'shell' if n % 2 else 'test:echo'}}}\n" for n in range(20))
    load_plan(f"steps:\n{steps}", source="x.yaml", handlers=handlers)
    assert sorted(handlers.asked) == ["shell", "test:echo"]


def test_the_collector_of_garbage_is_as_it_was_afterwards() -> None:
    import gc

    load("steps: [{name: a, tool: shell}]")
    assert gc.isenabled()
    with pytest.raises(PlanInvalid):
        load("steps: []")
    assert gc.isenabled()
    gc.disable()
    try:
        load("steps: [{name: a, tool: shell}]")
        assert not gc.isenabled()
    finally:
        gc.enable()
