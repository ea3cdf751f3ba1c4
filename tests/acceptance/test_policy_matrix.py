"""Allow and deny at three levels, for tools, commands, paths, environment, scopes of secrets.

Each run has what the project and the plan say, and four steps, one for each thing that a step can say itself. Steps
follow one another, so that what each of them wrote is told apart.
"""

import json
from itertools import product
from typing import Any, NamedTuple

import pytest

from tests.acceptance.program import Program

pytestmark = pytest.mark.acceptance


class Case(NamedTuple):
    """An aspect of the policy, a rule that fits what steps do, one that does not, and what they do.

    `opens` is whether a level must let it through: then what nobody mentions is denied.
    """

    fits: str
    other: str
    step: dict[str, Any]
    opens: bool = False


CASES = {
    "tools": Case("shell", "codegen", {"inputs": {"command": ": > done.NAME"}}),
    "commands": Case("touch *", "ls *", {"inputs": {"command": "touch done.NAME"}}),
    "write": Case("done.*", "docs/**", {"inputs": {"command": ": > done.NAME"}}),
    "env": Case("MARK", "OTHER", {"inputs": {"command": 'test -z "$MARK" || : > done.NAME'}}, opens=True),
    "secrets": Case("vault", "safe", {"inputs": {"command": ": > done.NAME"}, "secrets_scope": "vault"}),
}
SAYS = ("nothing", "allows", "allows_another", "denies")
LEVELS = [
    ("nothing", "nothing"),
    *product(SAYS[1:], ["nothing"]),
    *product(["nothing"], SAYS[1:]),
    ("allows", "denies"),
]


def rules(aspect: str, says: str) -> dict[str, Any]:
    """The key `policy` of a level that says this."""
    case = CASES[aspect]
    lists = {
        "nothing": {},
        "allows": {"allow": [case.fits]},
        "allows_another": {"allow": [case.other]},
        "denies": {"allow": [case.fits], "deny": [case.fits]},
    }[says]
    return {"policy": {aspect: lists}} if lists else {}


def expected(aspect: str, *says: str) -> bool:
    """Whether a step may: no level says no, and, where it must be let through, project or plan do so."""
    opened = not CASES[aspect].opens or "allows" in says[:2]
    return opened and not {"denies", "allows_another"} & set(says)


@pytest.mark.parametrize(("project", "plan"), LEVELS, ids="_".join)
@pytest.mark.parametrize("aspect", CASES)
def test_a_step_may_what_no_level_denies_and_every_level_that_lists_allows(
    nofx: Program, monkeypatch: pytest.MonkeyPatch, aspect: str, project: str, plan: str
) -> None:
    monkeypatch.setenv("MARK", "a mark that is seen")
    monkeypatch.setenv("VAULT", "a secret of the test")
    scopes = {"vault": {"TOKEN": {"env": "VAULT"}}}
    (nofx.folder / "nofx.yaml").write_text(json.dumps({"secrets": scopes, **rules(aspect, project)}))
    steps = []
    for says in SAYS:
        step = json.loads(json.dumps(CASES[aspect].step).replace("NAME", says))
        step = {"name": says, "tool": "shell", "needs": [], **step, **rules(aspect, says)}
        steps.append(step)
    top = {"version": 1, "concurrency": 1, "workspace": "in_place", **rules(aspect, plan)}
    head = "\n".join(f"{key}: {json.dumps(value)}" for key, value in top.items())

    ended = nofx("run", nofx.plan(f"{head}\nsteps: {json.dumps(steps)}\n"), "--no-wait")

    may = {says for says in SAYS if expected(aspect, project, plan, says)}
    denied = {event.step for event in nofx.events() if event.type == "policy.denied"}
    if CASES[aspect].opens:  # what is not seen is no denial
        assert {says for says in SAYS if (nofx.folder / f"done.{says}").exists()} == may, ended
        assert ended.code == 0, ended
    else:
        assert denied == set(SAYS) - may, ended
        assert ended.code == (0 if may == set(SAYS) else 6), ended
    if aspect in ("tools", "commands", "secrets"):  # what is denied was not even begun
        assert {says for says in SAYS if (nofx.folder / f"done.{says}").exists()} == may


@pytest.mark.parametrize(
    "settings",
    [
        "policy: nonsense\n",
        "policy: {tools: {alow: [shell]}}\n",
        "policy: {commands: {deny: push}}\n",
        "policy: {tools: {allow: [shell}\n",
        "policy: {commands: {deny: [[a]]}}\n",
    ],
)
def test_a_policy_that_cannot_be_read_lets_nothing_run(nofx: Program, settings: str) -> None:
    (nofx.folder / "nofx.yaml").write_text(settings)

    ended = nofx("run", nofx.plan("  - {name: a, tool: shell, inputs: {command: ': > done'}}\n"), "--no-wait")

    assert ended.code in (3, 6), ended
    assert "nofx.yaml" in ended.err
    assert not (nofx.folder / "done").exists()
    (nofx.folder / "nofx.yaml").write_text("")  # so that the runs can be verified


@pytest.mark.parametrize("rule", ["''", "a 'b"])
def test_a_rule_on_commands_that_cannot_be_read_lets_no_command_run(nofx: Program, rule: str) -> None:
    (nofx.folder / "nofx.yaml").write_text(json.dumps({"policy": {"commands": {"deny": [rule]}}}))

    ended = nofx("run", nofx.plan("  - {name: a, tool: shell, inputs: {command: ': > done'}}\n"), "--no-wait")

    assert ended.code in (3, 6), ended
    assert not (nofx.folder / "done").exists()
    (nofx.folder / "nofx.yaml").write_text("")  # so that the runs can be verified


def test_a_denial_names_the_rule_and_its_line_and_is_not_tried_again(nofx: Program) -> None:
    (nofx.folder / "nofx.yaml").write_text("policy:\n  commands:\n    deny:\n      - touch\n      - git push\n")
    plan = nofx.plan(
        "  - {name: a, tool: shell, inputs: {command: git push}, retry: {max_attempts: 3, backoff: [0s]}}\n"
    )

    ended = nofx("run", plan, "--no-wait")

    assert ended.code == 6
    (denied,) = [event for event in nofx.events() if event.type == "policy.denied"]
    told = str(denied)
    assert "git push" in told
    assert "nofx.yaml:5" in told
    assert nofx.types().count("step.started a") == 1
    assert "nofx.yaml:5" in ended.err + ended.out
