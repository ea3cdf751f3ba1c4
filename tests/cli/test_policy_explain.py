"""`nofx policy explain`: every rule with its line, before anything runs."""

import pytest

from tests.cli.runner import Runner

SETTINGS = """\
policy:
  tools: {allow: [shell, "manual:*"]}
  write: {allow: ["docs/**"], deny: ["docs/api/**"]}
secrets: {github: {TOKEN: {env: TOKEN}}}
"""
PLAN = """\
policy:
  env: {allow: [CI]}
secrets_scope: github
steps:
  - name: notes
    tool: shell
    inputs: {command: [echo, hi]}
    policy: {commands: {allow: ["echo *"], deny: ["echo no"]}}
    sandbox: {network: none, write: ["docs/**"]}
  - name: later
    tool: "test:echo"
"""


def _lines(nofx: Runner, *words: str, code: int = 0) -> list[str]:
    (nofx.cli.folder / "nofx.yaml").write_text(SETTINGS)
    result = nofx("policy", "explain", nofx.plan(PLAN), *words, code=code)
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_each_rule_is_told_with_its_line(nofx: Runner) -> None:
    assert _lines(nofx, "notes") == [
        "notes shell",
        "tools only shell, manual:* nofx.yaml:2",
        "commands only echo * plan.yaml:8",
        "commands never echo no plan.yaml:8",
        "write only docs/** nofx.yaml:3",
        "write never docs/api/** nofx.yaml:3",
        "write never .git, nofx.yaml, nofx_handlers, the store nofx",
        "env only CI plan.yaml:2",
        "has secrets of github",
        "sandbox no network, writes docs/** plan.yaml:9",
        "no rule on secrets, hosts, tables, operations",
    ]


def test_a_step_that_may_not_use_its_tool_is_told_and_ends_with_6(nofx: Runner) -> None:
    told = _lines(nofx, code=6)
    assert "later test:echo" in told
    denied = "step later may not use the tool `test:echo`: nofx.yaml:2 allows only `shell`, `manual:*`"
    assert f"denied: {denied}" in told


def test_a_scope_that_is_not_declared_is_told(nofx: Runner) -> None:
    plan = nofx.plan("secrets_scope: [gitlab]\nsteps:\n  - {name: a, tool: 'test:echo'}\n")
    told = nofx("policy", "explain", plan, code=6).stdout
    assert "step a has the scope gitlab, which `secrets` in nofx.yaml does not declare" in told


def test_an_unknown_step_is_told(nofx: Runner) -> None:
    (nofx.cli.folder / "nofx.yaml").write_text(SETTINGS)
    result = nofx("policy", "explain", nofx.plan(PLAN), "note", code=4)
    assert "the plan has no step note" in result.stderr
    assert "it has notes, later" in result.stderr


def test_settings_that_cannot_be_read_are_told_with_every_fault(nofx: Runner) -> None:
    (nofx.cli.folder / "nofx.yaml").write_text("policy: {tols: {}}\ngates: {x: {comand: y}}\n")
    result = nofx("policy", "explain", nofx.plan(PLAN), code=3)
    assert "nofx.yaml:1:10: error[settings-unknown-key]: unknown key `tols` in `policy`" in result.stderr
    assert "did you mean `tools`?" in result.stderr
    assert "nofx.yaml:2:13: error[settings-unknown-key]: unknown key `comand` in gate `x`" in result.stderr


def test_the_fields_are_pinned(nofx: Runner) -> None:
    (nofx.cli.folder / "nofx.yaml").write_text(
        "policy: {tools: {deny: [shell]}, budget: {usd: 2.00}}\nbudget: {tokens: 9, per: month, on_limit: fail}\n"
    )
    plan = nofx.plan("steps:\n  - {name: a, tool: 'test:echo', sandbox: {optional: true}, budget: {calls: 3}}\n")
    assert nofx.json("policy", "explain", plan) == [
        {
            "step": "a",
            "tool": "test:echo",
            "rules": [
                {
                    "aspect": "tools",
                    "says": "deny",
                    "patterns": ["shell"],
                    "source": "nofx.yaml:1",
                    "level": "project",
                }
            ],
            "unlimited": ["commands", "write", "secrets", "hosts", "tables", "operations"],
            "secrets_scope": [],
            "sandbox": {"network": True, "write": None, "optional": True, "source": "plan.yaml:2"},
            "denied": [],
            "fault": "",
            "budget": {
                "usd": None,
                "tokens": None,
                "calls": {"limit": 3, "source": "plan.yaml:2", "of_policy": False},
                "wall_ms": None,
                "on_limit": "wait",
            },
            "run_budget": {
                "usd": {"limit": "2.00", "source": "nofx.yaml:1", "of_policy": True},
                "tokens": None,
                "calls": None,
                "wall_ms": None,
                "on_limit": "wait",
            },
            "project_budget": {
                "usd": None,
                "tokens": {"limit": 9, "source": "nofx.yaml:2", "of_policy": False},
                "calls": None,
                "wall_ms": None,
                "per": "month",
                "on_limit": "fail",
            },
            "database_approval": {"approval": "dangerous", "source": ""},
        }
    ]


BUDGETS = """\
budget: {usd: "0.50", wall: 30m, on_limit: fail}
policy: {budget: {tokens: 9000, usd: 3}}
steps:
  - {name: a, tool: "test:echo", budget: {usd: 0.125, calls: 1}}
  - {name: b, tool: "test:echo"}
"""


def test_what_may_be_spent_is_told_with_the_place_of_each_limit(nofx: Runner) -> None:
    (nofx.cli.folder / "nofx.yaml").write_text(
        "policy:\n  budget: {wall: 10m, usd: 1}\nbudget: {usd: 5, calls: 20, wall: 1h, per: month}\n"
    )
    run = "budget: $0.50 (plan.yaml:1), 9000 tokens (policy, plan.yaml:2), 10m00s (policy, nofx.yaml:2); then it fails"
    project = "budget of all runs: $5.00 a month, 20 calls a month, 1h00m a run (nofx.yaml:3); then a person is asked"
    step = "budget: $0.125 (plan.yaml:4), 1 call (plan.yaml:4); then it fails"

    lines = nofx("policy", "explain", nofx.plan(BUDGETS)).stdout.splitlines()
    assert lines[:5] == [run, project, "", "a  test:echo", f"  {step}"]
    assert "b  test:echo" in lines
    assert sum("budget" in line for line in lines) == 3

    rehearsed = nofx("run", "plan.yaml", "--dry-run").stdout.splitlines()
    assert rehearsed[1:3] == [run, project]
    assert f"    {step}" in rehearsed


@pytest.mark.parametrize(
    ("budget", "then"),
    [
        ("budget: {calls: 3}", "3 calls (plan.yaml:1); then a person is asked"),
        ("budget: {calls: 3, on_limit: fail}", "3 calls (plan.yaml:1); then it fails"),
        ("policy: {budget: {calls: 3}}", "3 calls (policy, plan.yaml:1); then it fails"),
        (
            "{budget: {calls: 1}, policy: {budget: {wall: 1s}}",
            "1 call (plan.yaml:1), 1.0s (policy, plan.yaml:1); then a person is asked, but what policy limits fails",
        ),
    ],
)
def test_what_happens_at_a_limit(nofx: Runner, budget: str, then: str) -> None:
    steps = "steps: [{name: a, tool: 'test:echo'}]"
    plan = f"{budget}, {steps}}}" if budget.startswith("{") else f"{budget}\n{steps}\n"
    assert nofx("policy", "explain", nofx.plan(plan)).stdout.splitlines()[0] == f"budget: {then}"


def test_where_nothing_is_limited_nothing_is_said_of_budgets(nofx: Runner) -> None:
    plan = nofx.plan("steps: [{name: a, tool: 'test:echo'}]\n")
    assert "budget" not in nofx("policy", "explain", plan).stdout
    assert "budget" not in nofx("run", "plan.yaml", "--dry-run").stdout
