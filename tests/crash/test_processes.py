"""One child process: what it gets, what is kept of it, how it is stopped, and what is said when it cannot start."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from nofx_cli import errors
from nofx_cli.safety import identity, process_table
from nofx_cli.testing.waiting import wait_until
from tests.crash.process_bench import REPOSITORY, Bench, is_alive, no_new_zombies

pytestmark = pytest.mark.crash


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with no_new_zombies():
        yield Bench(tmp_path)


class TestWhatItGets:
    def test_standard_input_is_empty(self, bench: Bench) -> None:
        result = bench.sh("cat; readlink /proc/self/fd/0")

        assert (result.exit_code, bench.log.read_text()) == (0, "/dev/null\n")

    def test_the_environment_is_just_what_was_given(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LEAK", "from nofx")

        bench.run("/usr/bin/env", env={"ONLY": "this"})

        assert bench.log.read_text() == "ONLY=this\n"

    def test_it_leads_a_session_of_its_own(self, bench: Bench) -> None:
        bench.sh("echo $$; cut -d' ' -f6 /proc/$$/stat")

        pid, session = bench.log.read_text().split()
        assert pid == session

    def test_no_file_of_ours_is_open_in_it(self, bench: Bench, tmp_path: Path) -> None:
        with open(tmp_path / "ours", "w") as ours:
            os.set_inheritable(ours.fileno(), True)
            bench.sh("ls /proc/self/fd")

        assert bench.log.read_text().split() == ["0", "1", "2", "3"]  # 3 is how ls reads the folder

    def test_the_program_is_looked_up_in_the_path_it_is_given(self, bench: Bench, tmp_path: Path) -> None:
        tool = tmp_path / "bin" / "sometool"
        tool.parent.mkdir()
        tool.write_text("#!/bin/sh\necho $0\n")
        tool.chmod(0o755)

        assert bench.run("sometool", env={"PATH": f"/nowhere:{tool.parent}"}).last_line == str(tool)
        assert bench.run("bin/sometool").exit_code == 0  # relative to its working folder

    def test_it_is_on_record_while_it_runs(self, bench: Bench) -> None:
        bench.sh("until grep pid step.json 2>&-; do :; done; cat /proc/sys/kernel/random/boot_id; cat /proc/$$/stat")

        record, boot_id, stat = bench.log.read_text().splitlines()
        fields = stat.split()
        expected = {"pid": int(fields[0]), "started": fields[21], "boot_id": boot_id, "argv0": "/bin/sh"}
        assert json.loads(record) == expected
        assert not bench.recorded()


class TestOutput:
    def test_both_streams_are_kept_in_order_of_arrival(self, bench: Bench) -> None:
        result = bench.sh("for n in 1 2 3; do echo out$n; echo err$n >&2; done")

        assert bench.log.read_text() == "out1\nerr1\nout2\nerr2\nout3\nerr3\n"
        assert (result.stdout, result.last_line, result.log_bytes) == ("", "err3", 30)

    def test_standard_output_alone_is_captured_and_its_head_only(self, bench: Bench) -> None:
        result = bench.sh("echo héllo; echo err >&2", capture_limit=2)

        assert result.stdout == "h"  # the second byte is but half of an é
        assert sorted(bench.log.read_text().split()) == ["err", "héllo"]

    def test_a_log_that_is_there_is_appended_to(self, bench: Bench) -> None:
        bench.log.write_text("before\n")

        bench.sh("echo after")

        assert bench.log.read_text() == "before\nafter\n"

    def test_secrets_are_masked_everywhere_also_when_they_come_in_two_pieces(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path, secrets=("swordfish",))
        lines: list[str] = []

        result = bench.sh("printf sword; sleep 0.02; echo fish", capture_limit=100, on_line=lines.append)

        assert (bench.log.read_text(), result.stdout, result.last_line, lines[-1]) == ("***\n", "***\n", "***", "***")

    def test_invalid_utf8_is_kept_as_it_is_and_told_replaced(self, bench: Bench) -> None:
        result = bench.sh(r"printf 'a\377b'", capture_limit=100)

        assert bench.log.read_bytes() == b"a\xffb"
        assert (result.stdout, result.last_line) == ("a\ufffdb", "a\ufffdb")

    def test_what_is_in_the_pipe_at_its_end_is_kept(self, bench: Bench) -> None:
        fits = "fcntl.fcntl(1, 1031, 1 << 20)"  # F_SETPIPE_SZ
        program = f"import fcntl, os; {fits}; os.write(1, b'%d\\n' % os.getpid()); os.write(1, b'x' * 1000000)"

        def wait_for_its_end(line: str) -> None:
            if line.isdigit():
                wait_until(lambda: not is_alive(int(line)))

        result = bench.run(sys.executable, "-c", program, on_line=wait_for_its_end)

        assert (result.exit_code, result.cut_bytes) == (0, 0)
        assert result.log_bytes > 1_000_000

    def test_a_line_of_ten_megabytes_without_an_end_is_kept_whole(self, bench: Bench) -> None:
        result = bench.sh("head -c 10000000 /dev/zero | tr '\\0' x")

        assert (bench.log.stat().st_size, result.log_bytes, result.cut_bytes) == (10_000_000, 10_000_000, 0)
        assert len(result.last_line) == 400

    def test_output_beyond_the_limit_is_cut_and_that_is_told(self, bench: Bench) -> None:
        result = bench.sh("printf 123456789; printf abc", output_limit=5)

        note = "[nofx: the output limit of 5 bytes was reached; 7 bytes were cut]"
        assert bench.log.read_text() == f"12345\n{note}\n"
        assert (result.log_bytes, result.cut_bytes, result.last_line) == (5, 7, "123456789abc")

    def test_memory_stays_bounded_whatever_comes(self, tmp_path: Path) -> None:
        program = """
import resource, sys
from pathlib import Path
from typing import NamedTuple
from tests.crash.process_bench import Bench
bench = Bench(Path(sys.argv[1]), secrets=("swordfish-swordfish",))
bench.sh("true", capture_limit=10)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
lines = bench.sh("yes 'a line of text' | head -c 200000000", output_limit=1000000, capture_limit=1000)
one = bench.sh("head -c 10000000 /dev/zero", output_limit=1000000)
print(lines.cut_bytes, one.cut_bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )

        lines_cut, one_cut, grown_kib = (int(word) for word in done.stdout.split())
        assert (lines_cut, one_cut) == (199_000_000, 9_000_000)
        assert grown_kib < 8_000

    def test_lines_are_told_a_few_times_a_second_and_the_newest_at_the_end(self, bench: Bench) -> None:
        lines: list[str] = []

        result = bench.sh("n=0; while [ $n -lt 60 ]; do n=$((n+1)); echo $n; sleep 0.01; done", on_line=lines.append)

        assert lines[-1] == "60"
        assert 1 < len(lines) <= 2 + result.duration_ms / 200

    def test_a_line_is_told_though_nothing_follows_it(self, bench: Bench) -> None:
        told = threading.Event()

        def listen(line: str) -> None:
            if line == "second":
                told.set()
                bench.stop.stop("cancelled")

        result = bench.sh("echo first; sleep 0.02; echo second; sleep 20", on_line=listen)

        assert told.is_set()
        assert result.stopped == "cancelled"

    def test_a_full_disk_is_told_and_the_process_is_ended(self, bench: Bench) -> None:
        bench.log.symlink_to("/dev/full")

        with pytest.raises(errors.StoreFailure, match="No space left") as caught:
            bench.sh("echo $$ >pid; echo text; sleep 20")

        assert caught.value.code == "log-not-written"
        assert not is_alive(bench.pid("pid"))
        assert not bench.recorded()

    def test_a_listener_that_fails_leaves_nothing_running(self, bench: Bench) -> None:
        def listen(line: str) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            bench.sh("echo $$ >pid; echo text; sleep 20", on_line=listen)

        assert not is_alive(bench.pid("pid"))


class TestEnds:
    def test_an_exit_code_is_told(self, bench: Bench) -> None:
        result = bench.sh("exit 3")

        assert (result.exit_code, result.signal, result.stopped, result.ok) == (3, "", "", False)

    def test_kill_9_is_told_as_the_signal(self, bench: Bench) -> None:
        result = bench.sh("kill -9 $$")

        assert (result.exit_code, result.signal, result.stopped, result.ok) == (None, "SIGKILL", "", False)

    def test_a_process_that_closes_its_output_is_waited_for(self, bench: Bench) -> None:
        assert bench.sh("exec >/dev/null 2>&1; sleep 0.05; exit 4").exit_code == 4

    def test_the_time_limit_ends_it_and_what_it_waits_for(self, bench: Bench, tmp_path: Path) -> None:
        result = bench.sh("echo $$ >pid; sleep 30; touch late", time_limit_ms=500)

        assert (result.stopped, result.signal) == ("timeout", "SIGTERM")
        assert 500 <= result.duration_ms < 8_000
        assert [process for process in process_table.read_table().values() if process.group == bench.pid("pid")] == []
        assert not (tmp_path / "late").exists()

    def test_a_child_may_clean_up_within_its_grace(self, bench: Bench) -> None:
        result = bench.sh("trap 'echo bye; exit 5' TERM; sleep 20 & wait", time_limit_ms=100, grace_ms=10_000)

        assert (result.exit_code, result.stopped, bench.log.read_text()) == (5, "timeout", "bye\n")
        assert result.duration_ms < 5_000

    def test_a_child_that_ignores_term_is_killed_after_its_grace(self, bench: Bench) -> None:
        result = bench.sh("trap '' TERM; while :; do sleep 0.05; done", time_limit_ms=200, grace_ms=400)

        assert (result.signal, result.stopped) == ("SIGKILL", "timeout")
        assert 600 <= result.duration_ms < 8_000

    @pytest.mark.parametrize("reason", ["cancelled", "interrupted"])
    def test_a_request_to_stop_wakes_at_once(self, bench: Bench, reason: str) -> None:
        with ThreadPoolExecutor() as pool:
            running = pool.submit(bench.sh, "echo $$ >pid; sleep 20")
            bench.pid("pid")
            bench.stop.stop(reason)
            result = running.result()

        assert (result.stopped, result.signal) == (reason, "SIGTERM")
        assert result.duration_ms < 5_000

    def test_killed_allows_no_grace(self, bench: Bench) -> None:
        with ThreadPoolExecutor() as pool:
            running = pool.submit(bench.sh, "trap '' TERM; echo $$ >pid; while :; do sleep 0.05; done", grace_ms=60_000)
            bench.pid("pid")
            bench.stop.stop("killed")

            assert running.result(10).signal == "SIGKILL"

    def test_killed_cuts_the_grace_short(self, bench: Bench) -> None:
        script = "trap 'touch termed' TERM; echo $$ >pid; while :; do sleep 0.02; done"
        with ThreadPoolExecutor() as pool:
            running = pool.submit(bench.sh, script, grace_ms=60_000)
            bench.pid("pid")
            bench.stop.stop("cancelled")
            wait_until((bench.folder / "termed").exists)
            bench.stop.stop("killed")
            result = running.result(10)

        assert (result.signal, result.stopped) == ("SIGKILL", "cancelled")

    def test_a_system_without_handles_of_processes(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(os, "pidfd_open")

        assert bench.sh("sleep 300 & exit 3").exit_code == 3
        assert bench.sh("exec >/dev/null 2>&1; sleep 0.02; exit 4").exit_code == 4
        assert bench.sh("sleep 300", time_limit_ms=100).stopped == "timeout"

    def test_an_exit_code_that_somebody_else_took_is_no_success(self, bench: Bench) -> None:
        def take(line: str) -> None:
            os.waitpid(int(line), 0)

        assert bench.sh("echo $$; sleep 0.2", on_line=take).exit_code == 255

    def test_exit_codes_are_told_though_who_started_us_ignored_the_end_of_children(self, tmp_path: Path) -> None:
        program = "import sys; from pathlib import Path; from tests.crash.process_bench import Bench\n"
        program += "print(Bench(Path(sys.argv[1])).sh('exit 3').exit_code)"
        ignores = ["sh", "-c", "trap '' CHLD; exec \"$@\"", "sh", sys.executable, "-c", program, str(tmp_path)]

        done = subprocess.run(ignores, cwd=REPOSITORY, capture_output=True, text=True, check=True)

        assert done.stdout == "3\n"

    def test_nothing_starts_after_a_request_to_stop(self, bench: Bench, tmp_path: Path) -> None:
        bench.stop.stop("cancelled")

        result = bench.sh("touch ran")

        assert (result.stopped, result.exit_code) == ("cancelled", None)
        assert not (tmp_path / "ran").exists()


class Refused(NamedTuple):
    argv: tuple[str, ...]
    kind: type[errors.NofxError]
    code: str
    message: str


class TestCannotStart:
    @pytest.mark.parametrize(
        "case",
        [
            Refused(
                ("nosuchtool",), errors.NotFound, "program-not-found", "'nosuchtool' was not found in PATH=/usr/lo"
            ),
            Refused(("./nosuch",), errors.NotFound, "program-not-found", "nosuch does not exist"),
            Refused(
                ("./plain",), errors.Denied, "program-not-executable", "plain cannot be executed: it is not marked"
            ),
            Refused(("/usr",), errors.Denied, "program-not-executable", "/usr cannot be executed: it is a folder"),
            Refused(("./shapeless",), errors.Denied, "program-not-executable", "Exec format error"),
            Refused(("./orphan",), errors.NotFound, "program-not-found", "the interpreter that it names"),
            Refused(("echo", "a\0b"), errors.InvalidInput, "program-arguments", "embedded null byte"),
            Refused(("echo", "\ud800"), errors.InvalidInput, "program-arguments", "surrogates not allowed"),
            Refused(("echo", "x" * 3_000_000), errors.InvalidInput, "arguments-too-long", "have 3000... bytes, more"),
            Refused((), errors.InvalidInput, "program-missing", "no program"),
        ],
        ids=lambda case: f"{case.code}: {case.message[:20]}",
    )
    def test_why_is_told(self, bench: Bench, tmp_path: Path, case: Refused) -> None:
        for name, text, mode in (
            ("plain", "#!/bin/sh", 0o644),
            ("shapeless", "", 0o755),
            ("orphan", "#!/no/sh", 0o755),
        ):
            (tmp_path / name).write_text(text + "\n")
            (tmp_path / name).chmod(mode)

        with pytest.raises(case.kind, match=case.message) as caught:
            bench.run(*case.argv)

        assert caught.value.code == case.code
        assert caught.value.hint
        assert not bench.recorded()

    def test_the_working_folder_is_missing_or_a_file(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        with pytest.raises(errors.NotFound, match="gone does not exist") as caught:
            bench.sh("true", cwd=tmp_path / "gone")
        assert caught.value.code == "cwd-not-found"
        with pytest.raises(errors.NotFound, match="file is not a folder"):
            bench.sh("true", cwd=tmp_path / "file")


class TestNothingLeaks:
    def test_no_files_after_many_runs(self, bench: Bench) -> None:
        bench.sh("true", capture_limit=10)
        before = sorted(os.listdir("/proc/self/fd"))

        for _ in range(200):
            bench.run("true", capture_limit=10)
        with pytest.raises(errors.NotFound):
            bench.run("nosuchtool")

        assert sorted(os.listdir("/proc/self/fd")) == before

    def test_several_at_a_time_do_not_disturb_each_other(self, tmp_path: Path) -> None:
        def work(number: int) -> tuple[int | None, str]:
            bench = Bench(tmp_path, f"step{number}")
            result = bench.sh(f"echo begin {number}; (true); echo end {number}; exit {number}", capture_limit=1000)
            return result.exit_code, result.stdout

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(work, range(40)))

        assert results == [(number, f"begin {number}\nend {number}\n") for number in range(40)]


def test_identity_of_a_process_is_told_until_it_is_gone() -> None:
    with subprocess.Popen(["sleep", "20"]) as process:
        started = identity.started(process.pid)
        process.kill()

    assert started
    assert identity.started(process.pid) == ""
    assert identity.started(os.getpid()) != ""
