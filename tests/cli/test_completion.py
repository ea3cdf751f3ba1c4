"""What the shell offers: commands, runs, steps, plans; and never a message in the middle of a line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nofx_cli.cli.lazy_group import COMMANDS
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from tests.cli.console import EVIL, RUN, STARTED, TWO_STEPS, Console, Records, failure, success

OTHER = RunId("20260102-120000-bbcccc")


def _offered(cli: Console, line: str) -> list[str]:
    """What bash is offered for a line; the last word is the one that Tab is pressed in."""
    words = line.split(" ")
    env = {"_NOFX_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    result = cli(env=env)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.split()


def _asking(records: Records, step: str, *, run: str = RUN) -> None:
    asked = ev.ApprovalRequested("ab" * 32, "Go on?")
    records.add(TWO_STEPS, [STARTED, (ev.StepEnqueued(), step), (asked, step), ev.RunWaiting((step,))], run=run)


def test_commands_without_loading_them(cli: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nofx_cli.cli.lazy_group.import_module", None)
    assert _offered(cli, "nofx ") == list(COMMANDS)
    assert _offered(cli, "nofx re") == ["reject", "resume", "retry", "rerun", "replay"]


def test_options(cli: Console) -> None:
    assert {"--follow", "--since", "--exit-status"} <= set(_offered(cli, "nofx timeline --"))


@pytest.mark.parametrize("command", ["show", "timeline", "logs", "artifacts", "verify", "export"])
def test_runs(cli: Console, records: Records, command: str) -> None:
    records.add(TWO_STEPS)
    records.add(TWO_STEPS, run=OTHER)
    assert _offered(cli, f"nofx {command} ") == ["latest", OTHER, RUN]
    assert _offered(cli, f"nofx {command} 20260101") == [RUN]
    assert _offered(cli, f"nofx {command} bbc") == ["bbcccc"]
    assert _offered(cli, f"nofx {command} lat") == ["latest"]


@pytest.mark.parametrize("command", ["cancel", "resume", "rerun", "retry", "rollback"])
def test_runs_for_commands_that_go_on(cli: Console, records: Records, command: str) -> None:
    records.add(TWO_STEPS)
    assert _offered(cli, f"nofx {command} 2026") == [RUN]


def test_steps_of_the_run_that_was_typed(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, *success("build"), *failure("check")])
    records.add(TWO_STEPS, [STARTED, *success("build")], run=OTHER)
    assert _offered(cli, f"nofx logs {RUN} ") == ["build", "check"]
    assert _offered(cli, "nofx logs latest ") == ["build"]
    assert _offered(cli, f"nofx show {RUN} --step c") == ["check"]
    assert _offered(cli, f"nofx retry {RUN} --from ") == ["build", "check"]
    assert _offered(cli, f"nofx rollback {RUN} --to ") == ["build", "check"]


@pytest.mark.parametrize("command", ["approve", "reject", "waive"])
def test_an_answer_is_offered_the_steps_that_wait(cli: Console, records: Records, command: str) -> None:
    _asking(records, "build")
    _asking(records, "check", run=OTHER)
    assert _offered(cli, f"nofx {command} ") == ["check", "build"]
    records.append(OTHER, (ev.ApprovalGranted("ab" * 32), "check"))
    assert _offered(cli, f"nofx {command} ") == ["build"]
    assert _offered(cli, f"nofx {command} --run {OTHER} ") == []


def test_a_question_that_was_rolled_back_is_not_offered(cli: Console, records: Records) -> None:
    _asking(records, "build")
    records.append(RUN, ev.RunRolledBack(1))
    assert _offered(cli, "nofx approve ") == []


def test_plans(cli: Console) -> None:
    (cli.folder / "plans").mkdir()
    (cli.folder / "plans" / "mine.yaml").touch()
    assert {"mine", "quality"} <= set(_offered(cli, "nofx run "))
    assert _offered(cli, "nofx plan check mi") == ["mine"]


def test_artifacts(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, (ev.ArtifactCreated("notes.md"), "build", 1), (ev.ArtifactCreated("x"), "check")])
    assert _offered(cli, f"nofx artifacts {RUN} build ") == ["notes.md"]


def test_choices(cli: Console) -> None:
    assert _offered(cli, "nofx list --status r") == ["running"]
    assert _offered(cli, "nofx timeline --type run.s") == ["run.started", "run.succeeded"]


def test_nothing_is_said_whatever_is_wrong(cli: Console, records: Records) -> None:
    assert _offered(cli, "nofx show ") == []
    records.add(TWO_STEPS)
    records.journal().write_bytes(b"no event\n")
    assert _offered(cli, "nofx logs latest ") == []
    (cli.folder / "nofx.yaml").write_text("store: [")
    assert _offered(cli, "nofx show ") == []


def test_those_who_are_told_of_events(cli: Console) -> None:
    (cli.folder / "nofx.yaml").write_text("notify: {team: {url: 'https://x.example'}, ops: {url: 'https://y.example'}}")
    assert _offered(cli, "nofx notify test ") == ["team", "ops"]
    assert _offered(cli, "nofx notify send t") == ["team"]


def test_names_that_would_act_on_a_terminal_are_not_offered(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, (ev.StepEnqueued(), EVIL), (ev.StepEnqueued(), "build")])
    assert _offered(cli, "nofx logs latest ") == ["build"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_installed_script_in_bash(cli: Console, records: Records, tmp_path: Path) -> None:
    records.add(TWO_STEPS, [STARTED, *success("build")])
    program = tmp_path / "bin" / "nofx"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom nofx_cli.__main__ import main\nmain()\n")
    program.chmod(0o755)
    script = """
        nofx --install-completion bash >/dev/null && . ~/.bashrc
        COMP_WORDS=(nofx logs latest bu) COMP_CWORD=3
        _nofx_completion nofx
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    path = f"{program.parent}:{os.environ['PATH']}"
    answer = subprocess.run(
        ["bash", "--norc", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert (answer.stdout, answer.stderr) == ("build\n", "")
