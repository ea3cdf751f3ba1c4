"""Attacks on the policy, through the program: what project, plan or step deny is used all the same, or tried to be."""

import os
import subprocess
import sys

import pytest

from tests.acceptance.program import Program
from tests.acceptance.workplace import GO

pytestmark = pytest.mark.acceptance


def _settings(nofx: Program, text: str) -> None:
    (nofx.folder / "nofx.yaml").write_text(text, "utf-8")


def _denied(nofx: Program) -> list[str]:
    return [str(event.payload.message) for event in nofx.events() if event.type == "policy.denied"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "narrowed", ["policy: {env: {deny: [MARK]}}", "policy: {env: {allow: [OTHER]}}", "env_allowed: []"]
)
def test_a_template_of_a_step_sees_no_variable_that_the_step_does_not(
    nofx: Program, monkeypatch: pytest.MonkeyPatch, narrowed: str
) -> None:
    monkeypatch.setenv("MARK", "hello-there")
    monkeypatch.setenv("OTHER", "else")
    _settings(nofx, "policy: {env: {allow: [MARK, OTHER]}}\n")
    spliced = "tool: shell, inputs: {command: 'echo {{ env.MARK }} > seen.'}"
    through = "tool: shell, env: {X: '{{ env.MARK }}'}, inputs: {command: 'echo $X > seen.'}"
    asked = "tool: shell, when: \"env.MARK == 'hello-there'\", inputs: {command: 'echo > seen.'}"
    steps = "".join(
        f"  - {{name: s{n}, needs: [], {step.replace('seen.', f'seen.{n}')}, {narrowed}}}\n"
        for n, step in enumerate((spliced, through, asked))
    )

    ended = nofx("run", nofx.plan(steps))

    assert ended.code == 1, ended
    assert "the policy does not allow it" in ended.err
    assert list(nofx.folder.glob("seen.*")) == []
    assert nofx("run", nofx.plan(steps.replace(f", {narrowed}", ""))).code == 0
    assert (nofx.folder / "seen.0").read_text() == "hello-there\n"


GUARDED = 'policy: {commands: {deny: ["git push"]}}\n'
LOOSE = "policy: {}\n"
PUSH = "tool: shell, inputs: {command: 'git push --help >/dev/null; : > pushed'}"


def _keeps_the_rules(nofx: Program) -> bool:
    return not (nofx.folder / "pushed").exists()


@pytest.mark.parametrize(
    ("change", "more"),
    [
        (": > nofx.yaml", "when: always"),
        ("rm nofx.yaml", "when: always"),
        ("mv nofx.yaml x", "when: failure"),
        ("ln -sf /dev/null nofx.yaml", "when: always"),
        ("echo policy: > nofx.yaml", "when: always"),
    ],
)
def test_rules_that_a_step_changed_hold_for_no_later_step(nofx: Program, change: str, more: str) -> None:
    _settings(nofx, GUARDED)
    steps = f"  - {{name: a, tool: shell, inputs: {{command: '{change}'}}}}\n  - {{name: b, {more}, {PUSH}}}\n"

    ended = nofx("run", nofx.plan(steps))

    assert ended.code == 6, ended
    assert _keeps_the_rules(nofx)
    (nofx.folder / "nofx.yaml").unlink(missing_ok=True)
    _settings(nofx, GUARDED)


def test_nor_for_a_step_that_begins_while_that_one_runs(nofx: Program) -> None:
    _settings(nofx, GUARDED)
    steps = (
        f"  - {{name: a, tool: shell, needs: [], inputs: {{command: ': > nofx.yaml; {GO}'}}}}\n"
        "  - {name: wait, tool: shell, needs: [], inputs: {command: 'while [ -s nofx.yaml ]; do sleep 0.02; done'}}\n"
        f"  - {{name: b, needs: [wait], when: always, {PUSH}}}\n"
        "  - {name: end, needs: [b], when: always, tool: shell, inputs: {command: ': > go'}}\n"
    )
    run = nofx.start("run", nofx.plan(steps))
    nofx.shows("step.finished end")
    (nofx.folder / "go").touch()

    assert run.wait() == 6
    assert _keeps_the_rules(nofx)
    assert any("was changed since" in message for message in _denied(nofx))


def test_nor_after_a_step_has_ended_nofx_itself(nofx: Program) -> None:
    """Its next attempt finds the rules changed already, and changes nothing."""
    _settings(nofx, GUARDED)
    change = "if [ -s nofx.yaml ]; then : > nofx.yaml; kill -9 $PPID; fi"
    steps = (
        f"  - {{name: a, tool: shell, retry_on_interrupt: true, inputs: {{command: '{change}'}}}}\n"
        f"  - {{name: b, {PUSH}}}\n"
    )
    assert nofx("run", nofx.plan(steps)).code == -9
    assert nofx("resume", "latest").code == 6
    assert _keeps_the_rules(nofx)
    assert nofx("retry", "latest").code == 0  # a person has seen it


def test_a_person_may_change_the_rules_while_nothing_runs(nofx: Program) -> None:
    _settings(nofx, GUARDED)
    steps = (
        "  - {name: a, tool: shell, inputs: {command: 'true'}}\n"
        "  - {name: ok, tool: 'manual:release'}\n"
        f"  - {{name: b, {PUSH}}}\n"
    )
    assert nofx("run", nofx.plan(steps), "--no-wait").code == 8
    _settings(nofx, LOOSE)
    assert nofx("approve", "ok").code == 0
    assert not _keeps_the_rules(nofx)


def test_rules_that_were_tightened_between_enqueue_and_start_hold(nofx: Program) -> None:
    assert nofx("run", nofx.plan(f"  - {{name: b, {PUSH}}}\n"), "--detach", "--no-start-worker").code == 0
    _settings(nofx, GUARDED)
    nofx("worker", "--drain")
    assert "git push" in _denied(nofx)[0]
    assert _keeps_the_rules(nofx)


HANDLER = """\
from nofx_cli.plugin import Succeeded


class Own:
    def match(self, tool):
        return tool == "own:tool"

    def run(self, ctx):
        return Succeeded({"who": "honest"})


HANDLERS = [Own()]
"""
COMPILE = """\
import os, pathlib, py_compile
honest = pathlib.Path("nofx_handlers/own.py")
other = pathlib.Path("own.py")
other.write_text(honest.read_text().replace("honest", "cheats"))
os.utime(other, ns=(honest.stat().st_mtime_ns,) * 2)
py_compile.compile(str(other), "nofx_handlers/__pycache__/own.cpython-%d%d.pyc" % __import__("sys").version_info[:2])
"""


@pytest.fixture
def with_handlers(nofx: Program) -> Program:
    (nofx.folder / "nofx_handlers").mkdir()
    (nofx.folder / "nofx_handlers" / "own.py").write_text(HANDLER)
    (nofx.folder / "real.py").write_text("HANDLERS = []\n")
    (nofx.folder / "nofx_handlers" / "linked.py").symlink_to("../real.py")
    return nofx


@pytest.mark.parametrize("settings", ["", 'policy: {write: {allow: ["**"]}}'])
@pytest.mark.parametrize(
    "command",
    [
        "echo >> nofx_handlers/own.py",
        "echo > nofx_handlers/more.py",
        "echo > nofx_handlers/_more.py",
        "mkdir nofx_handlers/more; echo > nofx_handlers/more/__init__.py",
        "rm nofx_handlers/own.py",
        "echo >> real.py",
        "mv nofx_handlers x",
        "cp -r nofx_handlers x; mv nofx_handlers y; ln -s x nofx_handlers",
    ],
)
def test_no_step_writes_the_handlers_that_nofx_runs(with_handlers: Program, settings: str, command: str) -> None:
    _settings(with_handlers, settings)
    plan = with_handlers.plan(
        f"  - {{name: a, tool: shell, inputs: {{command: '{command}'}}}}\n  - {{name: b, tool: 'own:tool'}}\n"
    )

    ended = with_handlers("run", plan)

    assert ended.code == 6, ended
    assert "nofx_handlers" in _denied(with_handlers)[0]
    assert "step.started b" not in with_handlers.types()
    _restore(with_handlers)


def _restore(nofx: Program) -> None:
    """So that the runs can be verified."""
    for name in ("nofx_handlers", "x", "y"):
        subprocess.run(["rm", "-rf", name], cwd=nofx.folder, check=True)
    (nofx.folder / "nofx_handlers").mkdir()
    (nofx.folder / "nofx_handlers" / "own.py").write_text(HANDLER)


def test_a_module_that_was_compiled_from_something_else_is_not_what_nofx_runs(with_handlers: Program) -> None:
    (with_handlers.folder / "compile.py").write_text(COMPILE)
    steps = (
        f"  - {{name: a, tool: shell, inputs: {{command: '{sys.executable} compile.py'}}}}\n"
        "  - {name: wait, tool: 'manual:go'}\n"
        "  - {name: b, tool: 'own:tool'}\n"
    )
    assert with_handlers("run", with_handlers.plan(steps), "--no-wait").code == 8
    assert list(with_handlers.folder.glob("nofx_handlers/__pycache__/own.*"))

    assert with_handlers("approve", "wait").code == 0

    assert "honest" in with_handlers("show", "latest", "--json").out


def test_handlers_that_a_step_changed_hold_for_no_later_step(with_handlers: Program) -> None:
    change = "sed -i s/honest/cheats/ nofx_handlers/own.py; if [ ! -e once ]; then : > once; kill -9 $PPID; fi"
    plan = with_handlers.plan(
        f"  - {{name: a, tool: shell, retry_on_interrupt: true, inputs: {{command: '{change}'}}}}\n"
        "  - {name: b, when: always, tool: 'own:tool'}\n"
    )
    assert with_handlers("run", plan).code == -9
    assert with_handlers("resume", "latest").code == 6
    assert "cheats" not in with_handlers("show", "latest", "--json").out


@pytest.mark.parametrize("tool", ["shell", "workspace:write"])
def test_the_store_is_not_for_handlers_to_write(nofx: Program, tool: str) -> None:
    _settings(nofx, 'store: kept\npolicy: {write: {allow: ["**"]}}\n')
    inputs = "{path: kept/runs/x, content: x}" if tool == "workspace:write" else "{command: 'true'}"
    plan = nofx.plan(f"  - {{name: a, tool: '{tool}', inputs: {inputs}}}\n")
    environment = {name: value for name, value in os.environ.items() if name != "NOFX_HOME"}

    done = subprocess.run([*nofx.command, "run", plan], cwd=nofx.folder, env=environment, check=False)

    assert done.returncode == (0 if tool == "shell" else 6)
    assert not (nofx.folder / "kept" / "runs" / "x").exists()


@pytest.mark.parametrize("command", ["git init -q sub", "mkdir .GIT; echo > .GIT/config", "ln -s ../.git docs/g"])
def test_no_git_folder_comes_to_be_however_wide_the_rule(nofx: Program, command: str) -> None:
    _settings(nofx, 'policy: {write: {allow: ["**"]}}')
    (nofx.folder / "docs").mkdir()
    assert nofx("run", nofx.plan(f"  - {{name: a, tool: shell, inputs: {{command: '{command}'}}}}\n")).code == 6
    assert "belongs to .git" in _denied(nofx)[0]


def test_looking_at_a_checkout_further_down_is_no_writing(nofx: Program) -> None:
    _settings(nofx, "policy: {write: {allow: []}}")
    subprocess.run(["git", "init", "-q", "sub"], cwd=nofx.folder, check=True)
    (nofx.folder / "sub" / "f").touch()
    subprocess.run(["git", "add", "f"], cwd=nofx.folder / "sub", check=True)
    look = "touch -d 2020-01-01 ../kept; cd sub; git status; git diff"
    (nofx.folder / "kept").touch()
    assert nofx("run", nofx.plan(f"  - {{name: a, tool: shell, inputs: {{command: '{look}'}}}}\n")).code == 0


def test_links_that_lead_in_a_circle_are_judged_like_others(nofx: Program) -> None:
    _settings(nofx, 'policy: {write: {allow: ["docs/**"]}}')
    (nofx.folder / "docs").mkdir()
    plan = nofx.plan(
        "  - {name: a, tool: shell, inputs: {command: 'ln -s l docs/l; ln -s b docs/a; ln -s a docs/b'}}\n"
    )
    assert nofx("run", plan).code == 0
    assert nofx("run", nofx.plan("  - {name: a, tool: shell, inputs: {command: 'ln -s l src'}}\n")).code == 6
    assert "`src`" in _denied(nofx)[0]


def test_a_step_that_changes_what_the_settings_are_a_link_to_is_denied(nofx: Program) -> None:
    (nofx.folder / "nofx.yaml").unlink()
    (nofx.folder / "real").write_text(GUARDED)
    (nofx.folder / "nofx.yaml").symlink_to("real")
    plan = nofx.plan(f"  - {{name: a, tool: shell, inputs: {{command: ': > real'}}}}\n  - {{name: b, {PUSH}}}\n")
    assert nofx("run", plan).code == 6
    assert _denied(nofx) == ["step a may not write nofx.yaml: no step may"]


@pytest.mark.parametrize("variable", ["PATH", "LD_PRELOAD", "NODE_OPTIONS", "PYTHONPATH"])
def test_a_plan_does_not_choose_programs_behind_those_of_a_gate(nofx: Program, variable: str) -> None:
    _settings(nofx, 'policy: {commands: {allow: ["ls *"]}}')
    (nofx.folder / "a.py").write_text("x = 1\n")
    (nofx.folder / "pyproject.toml").write_text("[tool.ruff]\n")
    plan = f"  - {{name: a, tool: 'gate:lint', env: {{{variable}: /nowhere}}}}\n"
    assert nofx("run", nofx.plan(plan)).code == 6
    assert f"sets `{variable}`" in _denied(nofx)[0]
    assert nofx("run", nofx.plan(plan.replace(variable, "HARMLESS"))).code == 0


def test_a_step_does_not_answer_for_its_own_run(nofx: Program) -> None:
    own = " ".join(nofx.command)
    wait = "until grep -q approval.requested $NOFX_HOME/runs/*/*/journal.jsonl; do sleep 0.02; done"
    steps = (
        "policy: {env: {allow: [NOFX_HOME]}}\nsteps:\n"
        f"  - {{name: a, tool: shell, needs: [], inputs: {{command: '{wait}; {own} approve release'}}}}\n"
        "  - {name: release, tool: 'manual:release', needs: []}\n"
        "  - {name: b, tool: shell, needs: [release], inputs: {command: ': > released'}}\n"
    )
    ended = nofx("run", nofx.plan(steps), "--no-wait")
    assert ended.code == 8, ended
    assert "cannot answer for its own run" in nofx.log("a")
    assert not (nofx.folder / "released").exists()


@pytest.mark.parametrize("command", ["nofx run x.yaml", "python3 -m nofx_cli approve a", "nofx worker"])
def test_nofx_runs_what_nobody_sees(nofx: Program, command: str) -> None:
    _settings(nofx, GUARDED)
    assert nofx("run", nofx.plan(f"  - {{name: a, tool: shell, inputs: {{command: '{command}'}}}}\n")).code == 6
    assert "one must allow just" in _denied(nofx)[0]


@pytest.mark.parametrize("write", ["", ', write: ["**"]'])
def test_a_step_that_is_shut_in_makes_no_git_folder_for_those_outside(nofx: Program, write: str) -> None:
    step = f"  - {{name: a, tool: shell, sandbox: {{optional: true{write}}}, inputs: {{command: 'COMMAND'}}}}\n"
    assert nofx("run", nofx.plan(step.replace("COMMAND", "git init -q .; git status"))).code == 6
    assert _denied(nofx) == ["step a may not write .git: no step may"]
    assert nofx("run", nofx.plan(step.replace("COMMAND", "git status"))).code == 0
