"""What a step starts and leaves behind is found and ended, wherever it went; nobody else is touched."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from nofx_cli.safety import process_table
from nofx_cli.safety.process_table import Process
from nofx_cli.testing.waiting import wait_until
from tests.crash.process_bench import REPOSITORY, Bench, is_alive, no_new_zombies, read_pid

pytestmark = pytest.mark.crash

DAEMON = "setsid -f sh -c 'echo $$ >{0}.new; mv {0}.new {0}; exec sleep 300'"
"""Forks, leads a session of its own, and keeps the step's pipe open."""
BARE_DAEMON = "env -i setsid -f /bin/sh -c 'echo $$ >{0}.new; mv {0}.new {0}; exec sleep 300'"
"""The same, and nothing in its environment tells whose it is."""
LOOP = "while :; do sleep 0.05; done"
AFTER = "\nwhile ! [ -e {0} ]; do sleep 0.01; done"


def orphans() -> list[Process]:
    """Whoever became our child by losing its parent, and so might be taken for one that a step has left behind.

    The guardian of a nofx that an earlier test has killed is one, until it has done its work. One that is exiting
    does nothing any more, and nobody can end it faster.
    """
    ours, session, table = os.getpid(), os.getsid(0), process_table.read_table()
    return [
        each
        for each in table.values()
        if each.parent == ours and each.session != session and not (each.dead or each.exiting)
    ]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    try:
        wait_until(lambda: not orphans(), why="the orphans of earlier tests to end")
    except AssertionError as error:
        told = [(each, Path(f"/proc/{each.pid}/cmdline").read_bytes()) for each in orphans()]
        for each, _ in told:
            process_table.send(each, signal.SIGKILL)  # so that one test fails, and tells of whom, and not all of them
        raise AssertionError(f"orphans of earlier tests: {told}") from error
    with no_new_zombies():
        yield Bench(tmp_path)


@contextmanager
def another_step(folder: Path) -> Iterator[Bench]:
    """A step that runs meanwhile."""
    other = Bench(folder, "other")
    with ThreadPoolExecutor() as pool:
        running = pool.submit(other.sh, "echo $$ >other.pid; while ! [ -e go ]; do sleep 0.01; done")
        other.pid("other.pid")
        try:
            yield other
        finally:
            (folder / "go").touch()
            assert running.result(10).exit_code == 0


class TestInTheGroup:
    def test_a_background_process_is_ended_and_counted(self, bench: Bench) -> None:
        result = bench.sh("sleep 300 & echo $! >pid; echo done")

        assert (result.exit_code, result.survivors, bench.log.read_text()) == (0, 1, "done\n")
        assert result.duration_ms < 8_000
        assert not is_alive(bench.pid("pid"))

    def test_one_that_ignores_term_is_killed_after_the_grace(self, bench: Bench) -> None:
        script = "(trap '' TERM; : >ready; while :; do sleep 0.05; done) & echo $! >pid" + AFTER.format("ready")

        result = bench.sh(script, grace_ms=300)

        assert result.exit_code == 0
        assert 300 <= result.duration_ms < 8_000
        assert not is_alive(bench.pid("pid"))

    def test_its_last_words_are_kept(self, bench: Bench) -> None:
        bench.sh("(trap 'echo bye; exit' TERM; : >ready; while :; do sleep 0.01; done) &" + AFTER.format("ready"))

        assert bench.log.read_text().endswith("bye\n")

    def test_who_reads_our_output_may_finish(self, bench: Bench, tmp_path: Path) -> None:
        result = bench.run("bash", "-c", "exec > >(sleep 0.03; cat >copy); echo text")

        assert (result.exit_code, result.survivors) == (0, 0)
        assert (tmp_path / "copy").read_text() == "text\n"

    def test_a_double_fork_that_keeps_the_pipe_does_not_hold_the_step(self, bench: Bench) -> None:
        result = bench.sh("(sleep 300 & echo $! >pid); echo done")

        assert (result.exit_code, bench.log.read_text()) == (0, "done\n")
        assert result.duration_ms < 8_000
        assert not is_alive(bench.pid("pid"))

    def test_one_that_writes_without_end_does_not_hold_the_step(self, bench: Bench) -> None:
        result = bench.sh("(trap '' TERM; yes) & echo $! >pid", grace_ms=100, output_limit=1_000)

        assert result.exit_code == 0
        assert not is_alive(bench.pid("pid"))

    def test_the_time_limit_ends_it_too(self, bench: Bench) -> None:
        result = bench.sh("sleep 300 & echo $! >pid; wait", time_limit_ms=100)

        assert (result.stopped, result.survivors) == ("timeout", 0)
        assert not is_alive(bench.pid("pid"))

    def test_what_outlives_a_main_process_that_was_stopped_has_the_rest_of_its_grace(self, bench: Bench) -> None:
        script = "(trap '' TERM; while :; do sleep 0.05; done) & echo $! >pid; wait"

        result = bench.sh(script, time_limit_ms=300, grace_ms=300)

        assert (result.stopped, result.signal) == ("timeout", "SIGTERM")
        assert 600 <= result.duration_ms < 8_000
        assert not is_alive(bench.pid("pid"))


def test_a_system_that_tells_only_of_groups(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from nofx_cli.safety import process_table
from nofx_cli.safety.process_table import Process
process_table.ON_LINUX = False
from tests.crash.process_bench import Bench
bench = Bench(Path(sys.argv[1]))
print(bench.sh("sleep 300 & echo $! >pid").survivors, bench.sh("true").exit_code, bench.recorded())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )

    assert done.stdout == "1 0 False\n"
    assert not is_alive(read_pid(tmp_path / "pid"))


@pytest.mark.skipif(not process_table.ON_LINUX, reason="only Linux can tell who left the group")
class TestOutOfTheGroup:
    @pytest.mark.parametrize("daemon", [DAEMON, BARE_DAEMON])
    def test_a_daemon_is_ended_and_counted(self, bench: Bench, daemon: str) -> None:
        result = bench.sh((daemon + AFTER).format("pid") + "; echo done")

        assert (result.exit_code, result.survivors, bench.log.read_text()) == (0, 1, "done\n")
        assert result.duration_ms < 8_000
        assert not is_alive(bench.pid("pid"))

    def test_a_daemon_is_ended_though_its_step_ends_at_once(self, bench: Bench, tmp_path: Path) -> None:
        for number in range(5):
            bench.sh(DAEMON.format(f"pid{number}"))

        pids = [int(path.read_text()) for path in tmp_path.glob("pid?")]
        assert [pid for pid in pids if is_alive(pid)] == []

    def test_what_a_daemon_started_goes_with_it(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / "daemon.sh").write_text("echo $$ >pid; env -i /bin/sh -c 'echo $$ >child; exec sleep 300'; true")

        bench.sh("setsid -f sh daemon.sh" + AFTER.format("child"))

        assert not is_alive(bench.pid("pid"))
        assert not is_alive(bench.pid("child"))

    def test_a_daemon_that_ignores_term_is_killed(self, bench: Bench) -> None:
        stubborn = "setsid -f sh -c 'trap \"\" TERM; echo $$ >pid; while :; do sleep 0.05; done'"

        bench.sh(stubborn + AFTER.format("pid"), grace_ms=200)

        assert not is_alive(bench.pid("pid"))

    @pytest.mark.parametrize("daemon", [DAEMON, BARE_DAEMON])
    def test_the_time_limit_ends_it_too(self, bench: Bench, daemon: str) -> None:
        result = bench.sh(daemon.format("pid") + "; sleep 300", time_limit_ms=300)

        assert result.stopped == "timeout"
        assert result.duration_ms < 8_000
        assert not is_alive(bench.pid("pid"))

    def test_it_is_ended_with_its_step_while_others_run(self, bench: Bench, tmp_path: Path) -> None:
        with another_step(tmp_path):
            result = bench.sh((DAEMON + AFTER).format("pid"))

            assert result.survivors == 1
            assert not is_alive(bench.pid("pid"))

    def test_one_that_was_seen_below_its_step_is_ended_with_it(self, bench: Bench, tmp_path: Path) -> None:
        child = "env -i setsid /bin/sh -c 'echo $$ >pid; exec sleep 300' & wait"  # not a daemon: a child that we see
        with another_step(tmp_path):
            bench.sh(child, time_limit_ms=300)

            assert not is_alive(bench.pid("pid"))

    def test_that_of_another_step_is_left_alone(self, bench: Bench, tmp_path: Path) -> None:
        other = Bench(tmp_path, "other")
        with ThreadPoolExecutor() as pool:
            running = pool.submit(other.sh, DAEMON.format("daemon") + AFTER.format("go"))
            daemon = other.pid("daemon")
            assert bench.sh("sleep 300 &").survivors == 1
            assert is_alive(daemon)
            (tmp_path / "go").touch()

            assert running.result(10).survivors == 1
        assert not is_alive(daemon)

    def test_one_that_nothing_tells_of_goes_when_the_last_step_ends(self, bench: Bench, tmp_path: Path) -> None:
        with another_step(tmp_path):
            bench.sh((BARE_DAEMON + AFTER).format("pid"))
            daemon = bench.pid("pid")
            assert is_alive(daemon)  # it might be the other step's

        assert not is_alive(daemon)

    def test_it_goes_also_when_that_step_began_after_it(self, bench: Bench, tmp_path: Path) -> None:
        last = Bench(tmp_path, "last")
        with ThreadPoolExecutor() as pool:
            with another_step(tmp_path):
                bench.sh((BARE_DAEMON + AFTER).format("pid"))
                daemon = bench.pid("pid")
                running = pool.submit(last.sh, "echo $$ >last.pid" + AFTER.format("end"))
                last.pid("last.pid")
            assert is_alive(daemon)
            (tmp_path / "end").touch()
            running.result(10)

        assert not is_alive(daemon)

    def test_two_processes_of_one_attempt_do_not_end_each_others(self, bench: Bench, tmp_path: Path) -> None:
        with ThreadPoolExecutor() as pool:
            running = pool.submit(bench.sh, DAEMON.format("daemon") + AFTER.format("go"))
            daemon = bench.pid("daemon")
            same_attempt = Bench(tmp_path)
            same_attempt.record = tmp_path / "second.json"
            same_attempt.sh("sleep 300 &")
            assert is_alive(daemon)
            (tmp_path / "go").touch()
            running.result(10)

        assert not is_alive(daemon)

    def test_a_nofx_within_a_step_leaves_nothing_behind(self, bench: Bench, tmp_path: Path) -> None:
        inner = tmp_path / "inner"
        inner.mkdir()
        program = [sys.executable, "-m", "tests.crash.process_bench", str(inner), "sleep 300 & echo $! >pid"]

        result = bench.run(*program, cwd=REPOSITORY)

        assert (result.exit_code, result.survivors) == (0, 0)
        assert "survivors=1" in result.last_line
        assert not is_alive(read_pid(inner / "pid"))

    def test_a_nofx_within_a_step_that_is_stopped_goes_with_its_own_step(self, bench: Bench, tmp_path: Path) -> None:
        inner = tmp_path / "inner"
        inner.mkdir()
        program = [sys.executable, "-m", "tests.crash.process_bench", str(inner), "echo $$ >pid; trap '' TERM; " + LOOP]
        with ThreadPoolExecutor() as pool:
            running = pool.submit(bench.run, *program, cwd=REPOSITORY, grace_ms=200)
            pid = read_pid(inner / "pid")
            bench.stop.stop("cancelled")
            result = running.result(10)

        assert result.stopped == "cancelled"
        assert not is_alive(pid)


class TestNobodyElse:
    def test_a_program_that_a_handler_started_itself_is_spared(self, bench: Bench, tmp_path: Path) -> None:
        with subprocess.Popen(["sleep", "300"]) as own:
            bench.sh((DAEMON + AFTER).format("pid"))

            assert own.poll() is None
            own.kill()
        assert own.returncode == -9

    def test_its_exit_code_is_left_to_who_started_it(self, bench: Bench) -> None:
        own = subprocess.Popen(["sh", "-c", "exit 7"])
        wait_until(lambda: not is_alive(own.pid))

        bench.sh((DAEMON + AFTER).format("pid"))

        assert own.wait() == 7

    def test_children_from_before_the_first_step_are_spared(self, tmp_path: Path) -> None:
        program = """
import subprocess, sys, time
from pathlib import Path
from nofx_cli.safety import identity
from tests.crash.process_bench import Bench
older = subprocess.Popen(["sleep", "300"], start_new_session=True)
def now():
    with subprocess.Popen(["true"]) as probe:
        return int(identity.started(probe.pid))
while now() == int(identity.started(older.pid)):
    pass
print(Bench(Path(sys.argv[1])).sh("sleep 300 &").survivors, older.poll())
older.kill()
"""
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )

        assert done.stdout == "1 None\n"

    def test_many_steps_with_daemons_at_a_time(self, tmp_path: Path) -> None:
        barrier = threading.Barrier(4)

        def work(number: int) -> int:
            bench = Bench(tmp_path, f"step{number}")
            barrier.wait(10)
            survivors = 0
            for turn in range(2):
                survivors += bench.sh((DAEMON + AFTER).format(f"pid{number}.{turn}")).survivors
            return survivors

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(work, range(4))) == [2, 2, 2, 2]

        pids = [int(path.read_text()) for path in tmp_path.glob("pid*")]
        assert len(pids) == 8
        assert [pid for pid in pids if is_alive(pid)] == []
