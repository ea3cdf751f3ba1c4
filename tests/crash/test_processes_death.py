"""When nofx itself dies, also by `kill -9`: the guardian ends its processes, and a later nofx what is left even so."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.safety import identity, leftovers, process_table
from nofx_cli.safety.guardian import Guardian
from nofx_cli.safety.process_table import Process
from nofx_cli.testing.waiting import wait_until
from tests.crash.process_bench import REPOSITORY, Bench, carriers, is_alive, read_pid

pytestmark = pytest.mark.crash

LOOP = "while :; do sleep 0.05; done"
DAEMON = f"setsid -f sh -c 'echo $$ >daemon.new; mv daemon.new daemon; {LOOP}'"


class Nofx:
    """A process that runs a script as a step, with a mark of its own in its environment."""

    def __init__(self, folder: Path, script: str) -> None:
        self.mark = {"TEST_NOFX": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.process_bench", str(folder), script],
            cwd=REPOSITORY,
            env=os.environ | self.mark,
            stdout=subprocess.PIPE,
            text=True,
        )

    def guardian(self) -> Process:
        (guardian,) = (process for process in carriers(self.mark) if process.pid != self.process.pid)
        return guardian

    def is_gone(self) -> bool:
        return not carriers(self.mark)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=10)


@pytest.fixture
def clean_up() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start_nofx(folder: Path, script: str, clean_up: ExitStack) -> Nofx:
    nofx = Nofx(folder, script)

    def end() -> None:
        nofx.process.kill()
        nofx.process.communicate()
        for process in [*carriers(nofx.mark), *carriers(Bench(folder).marks)]:
            process_table.send(process, signal.SIGKILL)
        wait_until(lambda: nofx.is_gone() and not carriers(Bench(folder).marks))

    clean_up.callback(end)
    return nofx


def sleeper(clean_up: ExitStack, **options: Any) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(["sleep", "300"], **options)

    def end() -> None:
        process.kill()
        process.wait()

    clean_up.callback(end)
    return process


def guarded_pid(folder: Path, name: str) -> int:
    """The pid that a script wrote; the guardian knows of its group, since the record is written behind that."""
    pid = read_pid(folder / name)
    wait_until(Bench(folder).recorded, why="the record")
    return pid


class TestGuardian:
    def test_it_ends_the_steps_of_a_nofx_that_was_killed(self, tmp_path: Path, clean_up: ExitStack) -> None:
        nofx = start_nofx(tmp_path, f"sh -c 'echo $$ >inner; {LOOP}' & echo $$ >pid; wait", clean_up)
        pid, inner = guarded_pid(tmp_path, "pid"), guarded_pid(tmp_path, "inner")
        assert not nofx.is_gone()

        nofx.kill()

        wait_until(lambda: not is_alive(pid) and not is_alive(inner))

    def test_it_kills_what_ignores_term_holds_no_terminal_meanwhile_and_goes(
        self, tmp_path: Path, clean_up: ExitStack
    ) -> None:
        nofx = start_nofx(tmp_path, f"trap '' TERM; echo $$ >pid; {LOOP}", clean_up)
        pid = guarded_pid(tmp_path, "pid")

        nofx.kill()  # reads its standard output to the end, which the guardian would keep open

        assert is_alive(pid)
        wait_until(lambda: not is_alive(pid))
        wait_until(nofx.is_gone)

    def test_signals_for_us_do_not_end_it(self, tmp_path: Path, clean_up: ExitStack) -> None:
        nofx = start_nofx(tmp_path, f"echo $$ >pid; {LOOP}", clean_up)
        pid = guarded_pid(tmp_path, "pid")
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process_table.send(nofx.guardian(), sig)

        nofx.kill()

        wait_until(lambda: not is_alive(pid))

    def test_it_is_no_child_of_ours_and_in_nobodys_session(self, tmp_path: Path, clean_up: ExitStack) -> None:
        nofx = start_nofx(tmp_path, f"echo $$ >pid; {LOOP}", clean_up)
        guarded_pid(tmp_path, "pid")
        guardian = nofx.guardian()

        assert guardian.parent != nofx.process.pid
        assert guardian.session not in {nofx.process.pid, os.getsid(0)}
        assert os.readlink(f"/proc/{guardian.pid}/cwd") == "/"

    def test_nothing_is_left_behind_when_nofx_ends(self, tmp_path: Path, clean_up: ExitStack) -> None:
        nofx = start_nofx(tmp_path, "echo done", clean_up)
        nofx.process.communicate(timeout=10)

        assert nofx.is_gone()

    def test_it_is_gone_when_it_was_dismissed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TEST_NOFX", str(tmp_path))
        guardian = Guardian()
        guardian.wait_until_detached()
        assert len(carriers({"TEST_NOFX": str(tmp_path)})) == 1

        guardian.dismiss()

        assert carriers({"TEST_NOFX": str(tmp_path)}) == []
        assert not guardian.watch(1)

    def test_it_ends_only_the_groups_that_it_was_told_of_and_that_still_run(self, clean_up: ExitStack) -> None:
        one, two, three = (sleeper(clean_up, start_new_session=True) for _ in range(3))
        guardian = Guardian()
        guardian.wait_until_detached()
        guardian.watch(one.pid)
        guardian.watch(two.pid)
        guardian.release(one.pid)
        guardian.release(three.pid)

        guardian.dismiss()

        assert two.wait(10) == -signal.SIGTERM
        assert (one.poll(), three.poll()) == (None, None)

    def test_a_new_one_takes_over_when_it_was_ended(self, tmp_path: Path, clean_up: ExitStack) -> None:
        program = """
import os, signal, sys
from pathlib import Path
from nofx_cli.safety import process_table
from tests.crash.process_bench import Bench, carriers
bench = Bench(Path(sys.argv[1]))
bench.sh("true")
(guardian,) = (each for each in carriers({"TEST_NOFX": sys.argv[1]}) if each.pid != os.getpid())
process_table.send(guardian, signal.SIGKILL)
while carriers({"TEST_NOFX": sys.argv[1]})[1:]:
    pass
bench.sh("true")
print(bench.sh("true").survivors, flush=True)
bench.sh("echo $$ >pid; sleep 300")
"""
        nofx = start_nofx(tmp_path, "true", clean_up)
        nofx.process.communicate(timeout=10)
        nofx.process = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            cwd=REPOSITORY,
            env=os.environ | nofx.mark,
            stdout=subprocess.PIPE,
            text=True,
        )
        pid = guarded_pid(tmp_path, "pid")

        nofx.process.kill()

        assert nofx.process.communicate(timeout=10)[0] == "0\n"
        wait_until(lambda: not is_alive(pid))


class TestEndRecorded:
    def record(self, bench: Bench, pid: int, **changes: str) -> None:
        record = {"pid": pid, "started": identity.started(pid), "boot_id": identity.boot_id(), "argv0": "sleep"}
        bench.record.write_text(json.dumps(record | changes))

    def test_the_process_on_record_is_ended_and_the_record_removed(self, tmp_path: Path, clean_up: ExitStack) -> None:
        bench = Bench(tmp_path)
        process = sleeper(clean_up, start_new_session=True)
        self.record(bench, process.pid)

        assert bench.processes.end_recorded([bench.record], {}) == 1
        assert process.wait(10) == -signal.SIGTERM
        assert not bench.recorded()
        assert bench.processes.end_recorded([bench.record], {}) == 0

    @pytest.mark.parametrize("change", [{"started": "1"}, {"boot_id": "another boot"}])
    def test_another_process_with_that_pid_is_spared(
        self, tmp_path: Path, clean_up: ExitStack, change: dict[str, str]
    ) -> None:
        bench = Bench(tmp_path)
        process = sleeper(clean_up, start_new_session=True)
        self.record(bench, process.pid, **change)

        assert bench.processes.end_recorded([bench.record], {}) == 0
        assert process.poll() is None

    @pytest.mark.parametrize(
        "text", ["", "{", '{"pid": 1', "[]", "{}", '{"pid": "x", "started": 1, "boot_id": 2}', "\0"]
    )
    def test_a_torn_record_names_nobody(self, tmp_path: Path, text: str) -> None:
        bench = Bench(tmp_path)
        bench.record.write_text(text)

        assert bench.processes.end_recorded([bench.record], {}) == 0

    def test_its_whole_group_goes_and_what_ignores_term_is_killed(self, tmp_path: Path, clean_up: ExitStack) -> None:
        bench = Bench(tmp_path)
        script = f"trap '' TERM; sh -c 'echo $$ >inner; {LOOP}' & echo $$ >pid; {LOOP}"
        process = subprocess.Popen(["sh", "-c", script], cwd=tmp_path, start_new_session=True)
        clean_up.callback(process.kill)
        inner = read_pid(tmp_path / "inner")
        read_pid(tmp_path / "pid")
        self.record(bench, process.pid)

        assert bench.processes.end_recorded([bench.record], {}) >= 2
        assert process.wait(10) == -signal.SIGKILL
        assert not is_alive(inner)
        with suppress(ChildProcessError):  # where a step ran before, this process is given its orphans
            os.waitpid(inner, 0)

    def test_all_that_carry_the_marks_are_ended_and_only_they(self, tmp_path: Path, clean_up: ExitStack) -> None:
        bench = Bench(tmp_path)
        marked = sleeper(clean_up, env=os.environ | bench.marks)
        other_attempt = sleeper(clean_up, env=os.environ | bench.marks | {"NOFX_ATTEMPT": "2"})

        assert bench.processes.end_recorded([bench.record], bench.marks) == 1
        assert marked.wait(10) == -signal.SIGTERM
        assert other_attempt.poll() is None

    def test_those_whose_session_began_outside_of_our_container_are_found(
        self, tmp_path: Path, clean_up: ExitStack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench = Bench(tmp_path)
        marked, unmarked = sleeper(clean_up, env=os.environ | bench.marks), sleeper(clean_up)
        read_table = process_table.read_table

        def as_in_a_container() -> process_table.ProcessTable:
            return {pid: process._replace(group=0, session=0) for pid, process in read_table().items()}

        monkeypatch.setattr(process_table, "read_table", as_in_a_container)

        assert bench.processes.end_recorded([bench.record], bench.marks) == 1
        assert marked.wait(10) == -signal.SIGTERM
        assert unmarked.poll() is None

    def test_what_a_process_starts_as_it_is_ended_goes_too_though_nothing_marks_it(
        self, tmp_path: Path, clean_up: ExitStack
    ) -> None:
        bench = Bench(tmp_path)
        script = f"trap 'env -i sh -c \"echo \\$\\$ >heir; exec sleep 300\" & exit' TERM; echo $$ >pid; {LOOP}"
        process = subprocess.Popen(
            ["sh", "-c", script], cwd=tmp_path, env=os.environ | bench.marks, start_new_session=True
        )
        clean_up.callback(process.kill)
        threading.Thread(target=process.wait, daemon=True).start()  # it is reaped at once, as the child of another
        read_pid(tmp_path / "pid")

        bench.processes.end_recorded([bench.record], bench.marks)

        heir = tmp_path / "heir"
        assert not (heir.exists() and heir.read_text().strip() and is_alive(read_pid(heir)))
        assert not [one for one in process_table.read_table().values() if one.session == process.pid and not one.dead]

    def test_a_process_that_is_just_executing_another_program_is_not_overlooked(
        self, tmp_path: Path, clean_up: ExitStack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench = Bench(tmp_path)
        process = sleeper(clean_up, env=os.environ | bench.marks)
        looks: list[int] = []
        environment_of = process_table.settled_environment_of

        def as_in_execve(pid: int) -> frozenset[bytes] | None:
            looks.extend([pid] * (pid == process.pid))
            return None if pid == process.pid and len(looks) < 100 else environment_of(pid)

        monkeypatch.setattr(process_table, "settled_environment_of", as_in_execve)

        assert bench.processes.end_recorded([bench.record], bench.marks) == 1
        assert process.wait(10) == -signal.SIGTERM

    def test_one_that_never_has_an_environment_is_waited_for_once_and_costs_nobody_its_grace(
        self, tmp_path: Path, clean_up: ExitStack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench = Bench(tmp_path)
        marked, stuck = sleeper(clean_up, env=os.environ | bench.marks), sleeper(clean_up, start_new_session=True)
        settled = process_table.settled_environment_of
        monkeypatch.setattr(
            process_table, "settled_environment_of", lambda pid: None if pid == stuck.pid else settled(pid)
        )
        begun = time.monotonic()

        assert bench.processes.end_recorded([bench.record], bench.marks) == 1
        assert marked.wait(10) == -signal.SIGTERM
        assert stuck.poll() is None
        assert time.monotonic() - begun < 2 * (leftovers._EXECUTING_MS / 1000), "it was waited for again"

    def test_one_that_is_exiting_is_not_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with subprocess.Popen(["true"]) as process:
            pid = process.pid
            wait_until(lambda: not is_alive(pid))  # dead, it has no arguments any more, as one that is exiting
            dead = process_table.look_up(pid)
            assert dead
            for exiting, environment in ((True, frozenset()), (False, None)):
                seen = dead._replace(state="D", exiting=exiting)
                monkeypatch.setattr(process_table, "look_up", lambda pid, seen=seen: seen)
                monkeypatch.setattr(process_table, "environment_of", lambda pid: process_table.NO_ENVIRONMENT)

                assert process_table.settled_environment_of(pid) == environment
            monkeypatch.undo()

    def test_without_record_and_marks_nobody_is_ended(self, tmp_path: Path) -> None:
        assert Bench(tmp_path).processes.end_recorded([tmp_path / "none"], {}) == 0

    def test_who_asks_is_spared_though_it_carries_the_marks(self, tmp_path: Path, clean_up: ExitStack) -> None:
        program = """
import sys
from pathlib import Path
from tests.crash.process_bench import Bench
bench = Bench(Path(sys.argv[1]))
print(bench.processes.end_recorded([bench.record], bench.marks))
"""
        script = 'env -i sleep 300 >&- & "$@"; kill $! && echo survived, and its other child'
        marked = os.environ | Bench(tmp_path).marks
        sibling = sleeper(clean_up, env=marked)

        done = subprocess.run(
            ["sh", "-c", script, "sh", sys.executable, "-c", program, str(tmp_path)],
            cwd=REPOSITORY,
            env=marked,
            capture_output=True,
            text=True,
            check=True,
        )

        assert done.stdout == "1\nsurvived, and its other child\n"
        assert sibling.wait(10) == -signal.SIGTERM

    def test_what_outlived_nofx_and_its_guardian_is_ended_by_the_next_one(
        self, tmp_path: Path, clean_up: ExitStack
    ) -> None:
        nofx = start_nofx(tmp_path, f"{DAEMON}; echo $$ >pid; sh -c 'echo $$ >inner; {LOOP}'", clean_up)
        pids = [guarded_pid(tmp_path, name) for name in ("pid", "inner", "daemon")]
        process_table.send(nofx.guardian(), signal.SIGKILL)
        wait_until(lambda: [process.pid for process in carriers(nofx.mark)] == [nofx.process.pid])
        nofx.kill()
        assert all(is_alive(pid) for pid in pids)
        bench = Bench(tmp_path)
        assert bench.recorded()

        ended = bench.processes.end_recorded([bench.record], bench.marks)

        assert ended >= 3
        assert not any(is_alive(pid) for pid in pids)
        assert not bench.recorded()
