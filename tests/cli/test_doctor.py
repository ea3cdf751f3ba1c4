"""`nofx doctor`: what is wrong with the machine, the project or the store, and what mends it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.clock import SystemClock, format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import WorkerId, new_run_id
from tests.cli.console import ADA, EVIL, RUN, STARTED, TWO_STEPS, Console, Records, harmless
from tests.cli.jobs import OTHER, Jobs, gone_worker, job, worker_elsewhere


@pytest.fixture(autouse=True)
def _quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No program is started to ask for its version, but where that is what is tested."""
    if "programs" not in request.node.name:
        monkeypatch.setattr("nofx_cli.wiring.doctor.machine.version_of", lambda argv: "git version 2")
        monkeypatch.setattr("nofx_cli.wiring.doctor.project.version_of", lambda argv: "1.0")
        monkeypatch.setattr("nofx_cli.wiring.doctor.agents.version_of", lambda argv: "2.0")


def _found(cli: Console, *, code: int = 0) -> dict[str, dict[str, Any]]:
    result = cli("doctor", "--json")
    assert result.exit_code == code, result.output
    told = json.loads(result.stdout)
    assert set(told) == {"ok", "repairs", "checks"}
    assert told["repairs"] == []
    assert told["ok"] is (code == 0)
    assert all(set(check) == {"check", "status", "message", "remedy"} for check in told["checks"])
    return {check["check"]: check for check in told["checks"]}


def test_what_is_examined(cli: Console) -> None:
    found = _found(cli)
    assert {
        "nofx", "python", "platform", "git", "limits", "completion", "settings", "store", "durability", "space",
        "file events", "queue", "workers", "gate:lint", "gate:unit", "plugins",
    } <= set(found)  # fmt: skip
    assert found["durability"]["status"] == "warn"
    assert found["durability"]["remedy"] == "unset NOFX_SYNC"


def test_each_line_says_how_it_is(cli: Console) -> None:
    lines = cli.ok("doctor").splitlines()
    assert {line.split()[0] for line in lines} <= {"ok", "warn", "→"}


def test_it_leaves_nothing_behind(cli: Console, records: Records) -> None:
    cli.ok("doctor")
    assert list(cli.folder.iterdir()) == [cli.folder / "nofx.yaml"]
    assert not records.layout.root.exists()
    records.add(TWO_STEPS)
    before = sorted(records.layout.root.rglob("*"))
    cli.ok("doctor")
    assert sorted(records.layout.root.rglob("*")) == before


def test_an_interrupted_run(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED])
    found = _found(cli)["interrupted"]
    remedy = f"nofx resume {RUN}; or leave it to a worker: nofx doctor --repair"
    assert (found["status"], found["remedy"]) == ("warn", remedy)
    with records.liveness.hold(RUN):
        assert "interrupted" not in _found(cli)


def test_a_run_that_was_left_to_workers_is_interrupted_only_without_its_job(cli: Console, records: Records) -> None:
    jobs = Jobs(records)
    records.add(TWO_STEPS)
    assert _found(cli)["interrupted"]["message"].startswith(f"run {RUN}: no process executes it")
    jobs.put(job())
    assert "interrupted" not in _found(cli)
    jobs.claim("w-1")
    assert "interrupted" not in _found(cli)
    jobs.queue.ack(WorkerId("w-1"), [job().key])
    assert "interrupted" in _found(cli)
    jobs.dead_letter(job())
    assert "interrupted" not in _found(cli)


def test_a_run_that_waits_for_a_person_has_ended_or_was_only_just_made_is_not_interrupted(
    cli: Console, records: Records
) -> None:
    asked = [(ev.StepEnqueued(), "build"), (ev.ApprovalRequested("d1"), "build")]
    records.add(TWO_STEPS, [STARTED, *asked], [ev.RunWaiting(("build",))])
    records.add(TWO_STEPS, [STARTED, *asked], [ev.RunCancelled("enough")], run=OTHER)
    at = format_at(SystemClock().now_us())
    made = new_run_id(at=at, randomness=1)
    records.store.create(made, TWO_STEPS, [ev.Draft(records.created(TWO_STEPS))], at=at, actor=ADA)
    assert "interrupted" not in _found(cli)
    records.append(RUN, (ev.ApprovalStale("d1", "d2"), "build"), (ev.ApprovalRequested("d2"), "build"))
    assert "interrupted" not in _found(cli)
    records.append(RUN, (ev.ApprovalGranted("d2"), "build"))
    assert RUN in _found(cli)["interrupted"]["message"]


def test_many_interrupted_runs_are_not_all_named(cli: Console, records: Records) -> None:
    for number in range(8):
        records.add(TWO_STEPS, run=f"20260101-120000-aaaaa{number}")
    told = json.loads(cli("doctor", "--json").stdout)["checks"]
    messages = [check["message"] for check in told if check["check"] == "interrupted"]
    assert len(messages) == 6
    assert messages[-1] == "3 more such runs"


def test_the_queue(cli: Console, records: Records) -> None:
    jobs = Jobs(records)
    assert _found(cli)["queue"]["message"] == "0 due, 0 delayed, 0 claimed"
    jobs.dead_letter(job("dead"))
    jobs.put(job("held"))
    jobs.claim("w-1")
    jobs.put(job("one"), job("two"))
    jobs.damage()
    found = _found(cli)
    assert found["queue"]["status"] == "ok"
    assert found["queue"]["message"].startswith("2 due, 0 delayed, 1 claimed; the oldest is due for ")
    assert (found["dead letters"]["status"], found["dead letters"]["remedy"]) == ("warn", "nofx dlq list")
    assert found["dead letters"]["message"] == "1 job could not be delivered"
    assert (found["queue records"]["status"], found["queue records"]["remedy"]) == ("warn", "nofx doctor --repair")
    jobs.queue.pause()
    found = _found(cli)
    assert (found["queue"]["status"], found["queue"]["remedy"]) == ("warn", "nofx queue resume")


def test_a_queue_that_cannot_be_read(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS)
    (records.layout.root / "queue").write_text("")
    assert _found(cli, code=1)["queue"]["status"] == "fail"


def test_jobs_and_nobody_who_takes_them(cli: Console, records: Records) -> None:
    jobs = Jobs(records)
    assert _found(cli)["workers"]["message"] == "none; none is needed now"
    jobs.put(job())
    found = _found(cli)["workers"]
    assert (found["status"], found["remedy"]) == ("warn", "nofx worker start")
    assert found["message"] == "1 job in the queue, and no worker lives"
    with jobs.workers.register(concurrency=1):
        found = _found(cli)["workers"]
    assert (found["status"], found["message"]) == ("ok", "1 alive")


def test_workers_that_are_gone_or_elsewhere(cli: Console, records: Records) -> None:
    jobs = Jobs(records)
    records.add(TWO_STEPS, [STARTED], [ev.RunCancelled("enough")])
    jobs.leave_record(worker_elsewhere())
    found = _found(cli)["workers"]
    assert found["status"] == "ok"
    assert found["remedy"] == f"if it is gone: nofx worker forget {worker_elsewhere()}"
    jobs.leave_record(gone_worker())
    told = json.loads(cli("doctor", "--json").stdout)["checks"]
    assert {
        "check": "workers",
        "status": "warn",
        "message": f"{gone_worker()} is gone; its record is left",
        "remedy": "nofx doctor --repair",
    } in told


def test_jobs_in_the_hands_of_a_worker_without_a_record(cli: Console, records: Records) -> None:
    jobs = Jobs(records)
    jobs.put(job())
    jobs.claim(gone_worker())
    found = _found(cli)["workers"]
    assert (found["status"], found["remedy"]) == ("warn", "nofx doctor --repair")
    assert found["message"] == f"{gone_worker()} is gone, and jobs are in its hands"


def test_a_damaged_run(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS)
    records.journal().write_bytes(b"")
    assert _found(cli, code=1)["damaged"]["remedy"] == f"nofx verify {RUN}"


def test_a_run_whose_creation_was_cut_off(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS)
    left = records.layout.day(RUN) / ".new-20260101-120000-bbbbbb"
    left.mkdir()
    assert "leftover" not in _found(cli)
    os.utime(left, (1, 1))
    found = _found(cli)["leftover"]
    assert found["message"] == f"{left}: a run whose creation was cut off"
    assert found["remedy"] == "nofx doctor --repair"


def test_a_store_that_cannot_be_made(cli: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    (cli.folder / "file").touch()
    monkeypatch.setenv("NOFX_HOME", "/proc/store")
    assert _found(cli, code=1)["store"]["status"] == "fail"


def test_a_store_of_a_newer_nofx(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS)
    (records.layout.root / "format").write_text("999\n")
    found = _found(cli, code=1)["store"]
    assert "this nofx knows up to" in found["message"]


def test_settings_that_are_wrong_do_not_hide_the_rest(cli: Console) -> None:
    (cli.folder / "nofx.yaml").write_text("grace: soon\n")
    found = _found(cli, code=1)
    assert found["settings"]["status"] == "fail"
    assert "nofx.yaml:1: grace" in found["settings"]["message"]
    assert found["git"]["status"] == "ok"


def test_a_plugin_that_cannot_be_loaded(cli: Console) -> None:
    (cli.folder / "nofx_handlers").mkdir()
    (cli.folder / "nofx_handlers" / "deploy.py").write_text("import nothing_of_that_name\n")
    found = _found(cli, code=1)["plugins"]
    assert found["message"].startswith("nofx_handlers/deploy.py:1: ModuleNotFoundError")


def test_programs_are_asked_for_their_version(cli: Console) -> None:
    found = _found(cli)
    assert found["git"]["message"].startswith("git version ")
    assert found["gate:lint"]["message"].startswith("ruff ")
    assert found["gate:unit"]["message"].startswith("pytest ")


def test_programs_that_are_not_there(cli: Console, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    found = _found(cli)
    assert [found[check]["status"] for check in ("git", "gate:lint", "gate:unit")] == ["warn"] * 3
    assert "pip install ruff" in found["gate:lint"]["remedy"]


def test_completion_that_is_installed(cli: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/bash")
    assert _found(cli)["completion"]["remedy"] == "nofx --install-completion"
    script = Path.home() / ".bash_completions" / "nofx.sh"
    script.parent.mkdir()
    script.touch()
    assert _found(cli)["completion"]["message"] == "installed for bash"


def test_foreign_text_is_harmless(cli: Console) -> None:
    (cli.folder / "nofx_handlers").mkdir()
    (cli.folder / "nofx_handlers" / "deploy.py").write_text(f"raise RuntimeError({EVIL!r})\n")
    shown = cli("doctor").stdout
    assert harmless(shown)
    assert "gpj.exe" in shown


class TestAgents:
    @pytest.fixture
    def programs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The only folder of the PATH."""
        folder = tmp_path / "programs"
        folder.mkdir()
        monkeypatch.setenv("PATH", str(folder))
        return folder

    def install(self, folder: Path, name: str, script: str) -> str:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    def test_programs_that_are_installed_are_told_with_their_version(self, cli: Console, programs: Path) -> None:
        claude = self.install(programs, "claude", 'test "$1" = --version && echo "2.1.7 (Claude Code)"')
        codex = self.install(programs, "codex", "exit 3")

        found = _found(cli)

        assert found["agent:claude"]["status"] == "ok"
        assert found["agent:claude"]["message"] == f"2.1.7 (Claude Code), {claude}"
        assert found["agent:codex"]["status"] == "warn"
        assert found["agent:codex"]["message"] == f"{codex} cannot be used: exited with 3"
        assert found["agent:codex"]["remedy"] == "npm install -g @openai/codex"

    def test_that_none_is_installed_is_no_fault(self, cli: Console, programs: Path) -> None:
        found = _found(cli)["agents"]

        assert (found["status"], found["message"]) == ("ok", "not installed: claude, codex, aider, gemini")

    def test_those_of_the_project_are_looked_for_and_not_started(self, cli: Console, programs: Path) -> None:
        mine = self.install(programs, "mine", "touch started")
        self.install(cli.folder, "own.sh", "touch started")
        (cli.folder / "nofx.yaml").write_text(
            "agents:\n  mine: {command: mine}\n  own: {command: [./own.sh]}\n  gone: {command: gone}\n"
        )

        found = _found(cli)

        assert found["agent:mine"]["message"] == mine
        assert found["agent:own"]["status"] == "ok"
        assert (found["agent:gone"]["status"], found["agent:gone"]["message"]) == ("warn", "there is no program gone")
        assert found["agent:gone"]["remedy"] == "install it, or mend its `command` in nofx.yaml:4"
        assert not (cli.folder / "started").exists()
