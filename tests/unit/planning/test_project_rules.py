"""What `nofx.yaml` says beyond single settings."""

from decimal import Decimal

import pytest

from nofx_cli import errors
from nofx_cli.domain.budget import Budget, OnLimit, Period, ProjectBudget
from nofx_cli.domain.plan import Severity
from nofx_cli.domain.policy import Aspect, Rule, Rules
from nofx_cli.domain.project import GateSpec, Parser, ProjectRules, SecretKind, SecretSpec, Weakened
from nofx_cli.planning.project_rules import load_project_rules

FULL = """\
store: elsewhere
policy:
  tools: {allow: [shell], deny: ["agent:*"]}
  commands: {deny: ["git push"]}
gates:
  coverage: {floor: 85.5, severity: warning}
  licences:
    command: [reuse, lint, "{report}"]
    parser: sarif
    report: out/report.sarif
    paths: [src]
    timeout: 2m
    min_examined: 10
  off: {command: "true 'a b'", enabled: false}
secrets:
  github:
    TOKEN: {env: GH_TOKEN}
    KEY: {file: ~/.keys/x}
    RING: {keyring: {service: nofx, user: ada}}
    PASS: {command: pass show x}
approvals: {weakened: fail}
"""


def load(text: str) -> ProjectRules:
    return load_project_rules(text, source="nofx.yaml")


def test_everything_arrives_with_its_line() -> None:
    rules = load(FULL)

    assert rules.policy == {
        Aspect.TOOLS: Rules((Rule("shell", "nofx.yaml:3"),), (Rule("agent:*", "nofx.yaml:3"),), "nofx.yaml:3"),
        Aspect.COMMANDS: Rules(None, (Rule("git push", "nofx.yaml:4"),)),
    }
    assert rules.gates == {
        "coverage": GateSpec("coverage", floor=85.5, severity=Severity.WARNING, source="nofx.yaml:6"),
        "licences": GateSpec(
            "licences",
            command=("reuse", "lint", "{report}"),
            parser=Parser.SARIF,
            report="out/report.sarif",
            paths=("src",),
            timeout_ms=120_000,
            min_examined=10,
            source="nofx.yaml:7",
        ),
        "off": GateSpec("off", command=("true", "a b"), enabled=False, source="nofx.yaml:14"),
    }
    assert rules.secrets == {
        "github": (
            SecretSpec("github", "TOKEN", SecretKind.ENV, ("GH_TOKEN",), "nofx.yaml:17"),
            SecretSpec("github", "KEY", SecretKind.FILE, ("~/.keys/x",), "nofx.yaml:18"),
            SecretSpec("github", "RING", SecretKind.KEYRING, ("nofx", "ada"), "nofx.yaml:19"),
            SecretSpec("github", "PASS", SecretKind.COMMAND, ("pass", "show", "x"), "nofx.yaml:20"),
        )
    }
    assert rules.weakened is Weakened.FAIL
    assert rules.fault == ""


def test_what_all_runs_may_spend_and_what_each_may_at_most() -> None:
    rules = load(
        "budget: {usd: 10.00, tokens: 1000, calls: 50, wall: 1h, per: month, on_limit: fail}\n"
        "policy:\n"
        "  budget: {usd: '2', tokens: 900, calls: 3, wall: 30m}\n"
    )
    assert rules.budget == ProjectBudget(
        Decimal("10.00"), 1000, 50, 3_600_000, Period.MONTH, OnLimit.FAIL, "nofx.yaml:1"
    )
    assert str(rules.budget.usd) == "10.00"
    assert rules.policy_budget == Budget(Decimal(2), 900, 3, 1_800_000, OnLimit.WAIT, "nofx.yaml:3")
    assert not rules.policy
    assert load("budget: {calls: 0}").budget == ProjectBudget(calls=0, source="nofx.yaml:1")


@pytest.mark.parametrize("text", ["", "store: x\n", "# nothing\n", "policy: {}\ngates: {}\nsecrets: {}\n"])
def test_what_is_not_said_has_defaults(text: str) -> None:
    assert load(text) == ProjectRules()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("policy: shell", "nofx.yaml:1:9: error[settings-bad-type]: `policy` takes a mapping, not the text `shell`"),
        ("policy: {tols: {}}", "nofx.yaml:1:10: error[settings-unknown-key]: unknown key `tols` in `policy`"),
        ("policy: {}\npolicy: {}", "nofx.yaml:2:1: error[settings-duplicate-key]: `policy` is there twice"),
        (
            "gates: {lint: {parser: sarif}}",
            "nofx.yaml:1:24: error[settings-bad-value]: `parser` of gate `lint` is for a gate that has a `command`",
        ),
        (
            "gates: {x: {command: [a], floor: 3}}",
            "nofx.yaml:1:34: error[settings-bad-value]: `floor` is for `coverage`, not for gate `x`",
        ),
        (
            "gates: {coverage: {floor: 101}}",
            "error[settings-bad-type]: `floor` of gate `coverage` takes a number from 0 to 100, not `101`",
        ),
        (
            "gates: {x: {command: [], min_examined: 0}}",
            "nofx.yaml:1:22: error[settings-bad-value]: `command` of gate `x` is empty",
        ),
        ("gates: {x: {command: a, paths: [../b]}}", "nofx.yaml:1:33: error[settings-bad-value]: `../b` cannot be"),
        (
            "secrets: {s: {A: {env: X, file: y}}}",
            "nofx.yaml:1:15: error[settings-bad-value]: secret `A` of scope `s` says env and file",
        ),
        ("secrets: {s: {A: {}}}", "nofx.yaml:1:15: error[settings-bad-value]: secret `A` of scope `s` is"),
        ("secrets: {s: {1A: {env: X}}}", "nofx.yaml:1:15: error[settings-bad-name]: `1A` cannot be the name"),
        (
            "budget: {per: week}",
            "nofx.yaml:1:15: error[settings-bad-value]: `per` of `budget` takes day, month or total",
        ),
        ("budget: {usd: $1}", "nofx.yaml:1:15: error[settings-bad-value]: `usd` of `budget` takes US dollars such as"),
        ("policy: {budget: {on_limit: fail}}", "nofx.yaml:1:19: error[settings-unknown-key]: unknown key `on_limit`"),
        ("approvals: {weakened: never}", "nofx.yaml:1:23: error[settings-bad-value]: `weakened` of `approvals`"),
    ],
)
def test_a_fault_is_told_at_its_place(text: str, told: str) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        load(text)
    assert told in caught.value.message
    assert caught.value.code == "settings-invalid"


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        load("gates: {x: {comand: y}}\npolicy: {tools: {alow: []}}\n")
    places = [line.split(": error")[0] for line in caught.value.message.splitlines() if ": error" in line]
    assert places == ["nofx.yaml:1:13", "nofx.yaml:2:18"]


@pytest.mark.parametrize(
    "text",
    [
        "secrets: {v: {TOK: VALUE}}",
        "secrets: {v: VALUE}",
        "secrets: VALUE",
        "secrets: {v: {TOK: {value: VALUE}}}",
        "secrets: {v: {TOK: {env: VALUE}}}",
        "secrets: {v: {TOK: {file: [VALUE]}}}",
        "secrets:\n  v:\n    TOK: {env: A, file: VALUE}",
        "policy: 1\nsecrets: {v: {TOK: &x VALUE, TIC: *x}}",
    ],
)
@pytest.mark.parametrize("value", ["a-secret-by-mistake", "a-very-long-secret-by-mistake-" * 10, "'with # sign and $'"])
def test_a_value_that_stands_where_its_source_should_is_not_told(text: str, value: str) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        load_project_rules(text.replace("VALUE", value), source="nofx.yaml")
    told = refused.value.message + repr(refused.value.context)
    assert "error[settings-" in told
    assert value.strip("'")[:12] not in told
