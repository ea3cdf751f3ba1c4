"""What a process that is shut in can do, and what it cannot: with real processes, by each means."""

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.policy import Sandbox
from nofx_cli.safety import process_table, sandbox_layout
from nofx_cli.testing.waiting import wait_until
from tests.acceptance.shut_in import ALL_MEANS, IS_ROOT, ShutIn, means_named
from tests.crash.process_bench import REPOSITORY, carriers, no_new_zombies, read_pid

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there are no sandboxes but on Linux"),
]
PYTHON = getattr(sys, "_base_executable", sys.executable)
READ_ONLY = os.strerror(errno.EROFS)


@pytest.fixture(params=list(ALL_MEANS))
def shut(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ShutIn]:
    """Folders of tests lie below /tmp; here that is not private, so that what is outside can be seen at all."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    monkeypatch.setattr(sandbox_layout, "_PRIVATE", (str(hidden), "/run"))
    with no_new_zombies():
        yield ShutIn(tmp_path, means_named(request.param))


def test_a_trial_says_that_it_works_here(shut: ShutIn) -> None:
    assert shut.means.why_not() == ("", "")


def connect(address: object, family: str = "AF_INET") -> list[str]:
    """A program that says which error it meets, or 0."""
    program = f"import socket; s = socket.socket(socket.{family}); s.settimeout(5); print(s.connect_ex({address!r}))"
    return [PYTHON, "-c", program]


class TestNetwork:
    def test_the_loopback_of_the_machine_cannot_be_reached(self, shut: ShutIn) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0)
            refused = shut.run_in(connect(server.getsockname()))
            with pytest.raises(BlockingIOError):
                server.accept()
            allowed = shut.run_in(connect(server.getsockname()), Sandbox(network=True))
            server.settimeout(10)
            server.accept()[0].close()

        assert (refused.last_line, allowed.last_line) == (str(errno.ECONNREFUSED), "0")

    def test_no_other_machine_can_be_reached(self, shut: ShutIn) -> None:
        assert shut.run_in(connect(("192.0.2.1", 80))).last_line == str(errno.ENETUNREACH)

    def test_sockets_with_abstract_names_cannot_be_reached(self, shut: ShutIn, tmp_path: Path) -> None:
        name = f"\0{tmp_path}"[:100]
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(name)
            server.listen()
            refused = shut.run_in(connect(name, "AF_UNIX"))

        assert refused.last_line == str(errno.ECONNREFUSED)

    def test_processes_inside_may_talk_to_each_other(self, shut: ShutIn) -> None:
        program = (
            "import socket; s = socket.create_server(('127.0.0.1', 0)); "
            "c = socket.create_connection(s.getsockname()); print('talked')"
        )

        assert shut.run_in([PYTHON, "-c", program]).last_line == "talked"


class TestFiles:
    @pytest.mark.parametrize(
        "script", ["echo x >{}", "echo x >>{}", "rm {}", "mv {} {}.old", "chmod 777 {}", "touch {}", "ln {} {}.link"]
    )
    def test_what_is_outside_can_be_read_and_not_changed(self, shut: ShutIn, script: str) -> None:
        told = shut.told(f"cat ../outside; {script.replace('{}', '../outside')}; {script.replace('{}', '/new')}")

        assert told.startswith("as it was\n")
        assert READ_ONLY in told
        assert shut.outside.read_text() == "as it was\n"
        assert shut.outside.stat().st_mode & 0o777 != 0o777
        assert not os.path.exists("/new")

    def test_the_whole_workspace_can_be_written_where_nothing_is_named(self, shut: ShutIn) -> None:
        result = shut.sh_in("mkdir src && echo new >src/file && rm docs/page && mv src renamed")

        assert result.ok
        assert (shut.workspace / "renamed" / "file").read_text() == "new\n"
        assert not (shut.workspace / "docs" / "page").exists()

    def test_only_what_is_named_can_be_written(self, shut: ShutIn) -> None:
        (shut.workspace / "one").write_text("as it was\n")
        (shut.workspace / "two").write_text("as it was\n")

        told = shut.told(
            "echo new >docs/page; echo new >one; echo new >build/deep/file; echo new >two; mv docs docs2; touch three",
            Sandbox(write=("docs/**", "one", "build/deep/**")),
        )

        written = ["docs/page", "one", "build/deep/file"]
        assert [(shut.workspace / name).read_text() for name in written] == ["new\n"] * 3
        assert (shut.workspace / "two").read_text() == "as it was\n"
        assert sorted(os.listdir(shut.workspace)) == [".git", "build", "data", "docs", "nofx.yaml", "one", "two"]
        assert told.count(READ_ONLY) == 3

    def test_nothing_can_be_written_where_an_empty_list_stands(self, shut: ShutIn) -> None:
        told = shut.told("touch x; touch $SCRATCH/output", Sandbox(write=()), env={"SCRATCH": str(shut.scratch)})

        assert (told.count(READ_ONLY), os.listdir(shut.scratch).count("output")) == (1, 1)

    @pytest.mark.parametrize("write", [None, ("**",), (".",), ("./**", "data/**")])
    def test_git_settings_and_store_stay_as_they_were(self, shut: ShutIn, write: tuple[str, ...] | None) -> None:
        kept = (shut.git_config, shut.settings, shut.journal)

        told = shut.told(
            """
            for file in .git/config nofx.yaml data/store/journal.jsonl; do
                echo x >$file; rm -f $file; mv $file $file.old; touch new; mv new $file; ln -sf ../outside $file
            done
            touch .git/hook data/store/new; mv .git .git2; mv data data2; mv data/store data/store2
            rm -rf .git data nofx.yaml; mv ../workspace ../workspace2; mkdir .git/hooks; chmod 777 .git
            echo x >data/store/scratch/process.json; rm data/store/scratch/process.json
            """,
            Sandbox(write=write),
        )

        assert [file.read_text() for file in kept] == ["as it was\n"] * 3
        assert os.listdir(shut.workspace / ".git") == ["config"]
        assert sorted(os.listdir(shut.store)) == ["journal.jsonl", "scratch", "step.log"]
        assert not shut.recorded()  # it was written and emptied by nofx, and by nobody else
        assert "x" not in shut.record.read_text()
        assert READ_ONLY in told

    def test_links_and_dots_lead_to_where_nothing_can_be_written(self, shut: ShutIn) -> None:
        (shut.workspace / "link").symlink_to(shut.outside)

        told = shut.told(
            "echo x >link; echo x >../outside; echo x >docs/../../outside; ln -s ../outside own; echo x >own; "
            "cd docs && cd .. && echo x >../outside"
        )

        assert told.count(READ_ONLY) == 5
        assert shut.outside.read_text() == "as it was\n"

    @pytest.mark.parametrize("write", ["docs/**", "docs/deep/**"])
    def test_a_folder_that_becomes_a_link_at_the_last_moment_is_refused(
        self, shut: ShutIn, monkeypatch: pytest.MonkeyPatch, write: str
    ) -> None:
        beyond = shut.folder / "beyond"
        (beyond / "deep").mkdir(parents=True)
        true_command = shut.means.command

        def swap(*args: object, **named: object) -> list[str]:
            (shut.workspace / "docs").rename(shut.workspace / "docs.old")
            (shut.workspace / "docs").symlink_to(beyond)
            return true_command(*args, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(shut.means, "command", swap)

        with pytest.raises(errors.Denied) as caught:
            shut.sh_in("touch docs/x docs/deep/x", Sandbox(write=(write,)))

        assert caught.value.code == "sandbox-failed"
        assert [*beyond.rglob("*")] == [beyond / "deep"]

    def test_devices_are_the_harmless_ones(self, shut: ShutIn) -> None:
        told = shut.told(
            "ls /dev; echo x >/dev/null && head -c 3 /dev/zero | od -An -tx1; head -c 9 /dev/urandom | wc -c"
        )

        listed = set(told.split()) - {"core"}
        devices = {"null", "zero", "full", "random", "urandom", "tty"}
        assert listed == devices | {"fd", "stdin", "stdout", "stderr", "ptmx", "pts", "shm", "00", "9"}
        assert shut.run_in([PYTHON, "-c", "import os; print(os.ttyname(os.openpty()[1]))"]).last_line == "/dev/pts/0"

    def test_shared_memory_is_its_own(self, shut: ShutIn) -> None:
        assert shut.told("echo x >/dev/shm/x && ls /dev/shm") == "x\n"
        assert not os.path.exists("/dev/shm/x")

    @pytest.mark.parametrize("file", ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/power/state"])
    def test_switches_of_the_kernel_cannot_be_turned(self, shut: ShutIn, file: str) -> None:
        if not os.path.exists(file):
            pytest.skip(f"there is no {file}")
        told = shut.told(f"true >>{file}")  # nothing is written where it can be opened

        assert READ_ONLY in told or os.strerror(errno.EACCES) in told


class TestPrivateFolders:
    @pytest.fixture(params=list(ALL_MEANS))
    def shut(self, request: pytest.FixtureRequest, tmp_path: Path) -> ShutIn:
        """Here /tmp, in which the test's own folder lies, is private."""
        return ShutIn(tmp_path, means_named(request.param))

    def test_temporary_files_are_its_own_and_go_with_it(self, shut: ShutIn) -> None:
        assert shut.folder.is_relative_to("/tmp")

        told = shut.told(
            f"ls -A /tmp | wc -l; ls -d /tmp/nofx-* | wc -l; mktemp | wc -l; touch /tmp/nofx-mine /var/tmp/nofx-mine;"
            f" ls /var/tmp; cat {shut.outside}"
        )

        # What a process needs is let in: the test's own folder, and the interpreter where that lies in /tmp too.
        lets_in, others, made, listed, outside = (line for line in told.splitlines() if "nofx-*" not in line)
        assert (int(lets_in) <= 2, others, made, listed) == (True, "0", "1", "nofx-mine")
        assert os.strerror(errno.ENOENT) in outside
        assert not os.path.exists("/tmp/nofx-mine")
        assert not os.path.exists("/var/tmp/nofx-mine")

    def test_workspace_and_store_are_there_all_the_same(self, shut: ShutIn) -> None:
        told = shut.told("cat nofx.yaml data/store/journal.jsonl; echo x >nofx.yaml; echo x >data/store/journal.jsonl")

        assert told.startswith("as it was\nas it was\n")
        assert told.count(READ_ONLY) == 2

    def test_the_folder_that_tmpdir_names_is_its_own(self, shut: ShutIn) -> None:
        own = shut.folder / "own tmp"
        own.mkdir()
        (own / "theirs").touch()

        told = shut.told(
            'ls "$TMPDIR"; touch "$TMPDIR/mine"; ls "$TMPDIR"', env={"TMPDIR": str(own), "PATH": "/usr/bin:/bin"}
        )

        assert (told, os.listdir(own)) == ("mine\n", ["theirs"])

    def test_sockets_of_services_are_not_there(self, shut: ShutIn) -> None:
        resolver = os.path.realpath("/etc/resolv.conf")

        seen = shut.told("find /run ! -type d").split()

        assert set(seen) <= {resolver, "/run/current-system"}

    def test_a_program_that_is_not_there_is_refused(self, shut: ShutIn) -> None:
        tool = shut.folder / "tool"
        tool.write_text("#!/bin/sh\n")
        tool.chmod(0o755)

        with pytest.raises(errors.Denied) as caught:
            shut.run_in([str(tool)])

        assert caught.value.code == "sandbox-hides-program"


@pytest.mark.skipif(not shutil.which("unshare"), reason="util-linux is not installed")
class TestWayOut:
    @pytest.mark.parametrize(
        "script",
        [
            "mount -o remount,rw /",
            "mount -o remount,bind,rw {folder}",
            "mount --bind {folder} {folder} && mount -o remount,bind,rw {folder}",
            "umount -l {workspace}/.git; umount -l {workspace}; echo x >{workspace}/nofx.yaml",
            "unshare -Urm sh -c 'mount -o remount,bind,rw / ; mount -o remount,rw /; echo x >{outside}'",
            "unshare -Urm sh -c 'umount -l {workspace}/nofx.yaml; echo x >{workspace}/nofx.yaml; echo x >{outside}'",
            "unshare -Urm sh -c 'mount --rbind / /mnt; mount -o remount,bind,rw /mnt; echo x >/mnt{outside}'",
            "unshare -Urmpf --mount-proc sh -c 'echo x >/proc/1/root{outside}'",
            "nsenter -t {nofx} -m sh -c 'echo x >{outside}'",
            "nsenter -t {nofx} -U -m sh -c 'echo x >{outside}'",
            "nsenter -t 1 -m sh -c 'echo x >{outside}'",
            "echo x >/proc/{nofx}/root{outside}",
            "echo x >/proc/{nofx}/cwd/outside; echo x >/proc/1/root{outside}",
            "chroot /proc/{nofx}/root sh -c 'echo x >{outside}'",
            "capsh --caps=all+eip -- -c 'mount -o remount,rw /'",
            "setpriv --reuid 0 --clear-groups mount -o remount,rw /",
        ],
    )
    def test_nothing_undoes_it(self, shut: ShutIn, script: str) -> None:
        names = {"folder": shut.folder, "workspace": shut.workspace, "outside": shut.outside, "nofx": os.getpid()}

        shut.sh_in(f"{script.format(**names)}; echo x >{shut.outside}", env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})

        assert shut.outside.read_text() == "as it was\n"
        assert shut.settings.read_text() == "as it was\n"

    def test_there_is_no_way_back_to_the_network(self, shut: ShutIn) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            again = " ".join(f"'{word}'" if "(" in word else word for word in connect(server.getsockname()))
            again = again.replace("('127", '("127').replace("'127.0.0.1'", '"127.0.0.1"')
            for way in (f"nsenter -t {os.getpid()} -n", f"nsenter -t {os.getpid()} -U -n", "unshare -Urn"):
                assert not shut.sh_in(f"{way} {again} | grep -qx 0").ok

    def test_it_has_no_capabilities_and_gains_none(self, shut: ShutIn) -> None:
        status = dict(line.split(":\t") for line in shut.told("cat /proc/self/status").splitlines() if ":\t" in line)

        assert {name: int(status[name], 16) for name in status if name.startswith("Cap")} == {
            "CapInh": 0,
            "CapPrm": 0,
            "CapEff": 0,
            "CapBnd": 0,
            "CapAmb": 0,
        }
        assert status["NoNewPrivs"] == "1"

    def test_it_stays_who_it_was(self, shut: ShutIn) -> None:
        assert shut.told("id -u; id -g").split() == [str(os.geteuid()), str(os.getegid())]

    @pytest.mark.skipif(not IS_ROOT, reason="only root can give a program away")
    def test_a_program_of_another_user_gains_nothing(self, shut: ShutIn) -> None:
        tool = shut.workspace / "whoami"
        shutil.copy("/usr/bin/id", tool)
        os.chown(tool, 65534, 65534)
        tool.chmod(0o6755)

        assert subprocess.run([tool, "-u"], capture_output=True, check=True).stdout == b"65534\n"
        assert shut.told("./whoami -u") == "0\n"

    def test_processes_outside_cannot_be_looked_into(self, shut: ShutIn) -> None:
        told = shut.told(
            f"cat /proc/{os.getpid()}/environ; cat /proc/{os.getppid()}/environ; head -c 1 /proc/{os.getpid()}/mem"
        )

        assert told.count(os.strerror(errno.EACCES)) == 3

    def test_another_process_that_is_shut_in_cannot_be_looked_into(self, shut: ShutIn) -> None:
        other = ShutIn(shut.folder / "other", shut.means)
        before = shut.folder / "other" / "workspace" / "pid"

        def look(line: str) -> None:
            shut.sh_in(f"cat /proc/{read_pid(before)}/environ")
            other.stop.stop("cancelled")

        other.sh_in("echo $$ >pid; echo here; while :; do sleep 1; done", on_line=look)

        assert os.strerror(errno.EACCES) in shut.log.read_text()


class TestLife:
    @pytest.mark.parametrize("code", [0, 1, 7, 127, 137, 143, 255])
    def test_the_exit_code_is_that_of_the_program(self, shut: ShutIn, code: int) -> None:
        result = shut.sh_in(f"exit {code}")

        assert (result.exit_code, result.signal, result.survivors) == (code, "", 0)

    @pytest.mark.parametrize("name", ["KILL", "TERM", "SEGV", "HUP", "INT", "USR1", "PIPE"])
    def test_the_signal_that_ends_it_is_seen(self, shut: ShutIn, name: str) -> None:
        result = shut.sh_in(f"kill -{name} $$; exit 3")

        assert (result.exit_code, result.signal) == (None, f"SIG{name}")

    def test_a_kernel_that_tells_no_ends_of_processes_will_do(
        self, shut: ShutIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr(os, "pidfd_open")

        assert shut.sh_in("kill -TERM $$").signal == "SIGTERM"
        assert shut.sh_in("exit 143").exit_code == 143

    def test_it_gets_what_it_gets_without_a_sandbox(self, shut: ShutIn) -> None:
        program = (
            "import os, sys; text = open('/proc/self/status').read(); "
            "print(sorted(os.environ.items()), os.getcwd(), os.listdir('/proc/self/fd'), os.umask(0)); "
            "print(sys.stdin.read(), [x for x in text.splitlines() if x[:6] in ('SigIgn', 'SigBlk', 'Groups')], "
            "os.getuid(), os.getegid(), open('/proc/self/cmdline').read())"
        )
        argv = ["python-by-another-name", "-I", "-c", program, "an 'arg'", "", "ü"]
        (shut.workspace / "python-by-another-name").symlink_to(PYTHON)
        env = {
            "PATH": f"{shut.workspace}:/usr/bin:/bin",
            "LD_LIBRARY_PATH": "/none",
            "A": "ü\n=",
            "E": "",
            "LC_ALL": "C.UTF-8",
        }

        shut.run(*argv, env=env, cwd=shut.workspace)
        shut.run_in(argv, env=env)

        lines = shut.log.read_text().splitlines()
        assert len(lines) == 4
        assert lines[2:] == lines[:2]

    def test_a_signal_that_nofx_was_told_to_ignore_is_ignored(self, shut: ShutIn) -> None:
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            result = shut.sh_in("kill -HUP $$; kill -TERM $$")
        finally:
            signal.signal(signal.SIGHUP, before)

        assert result.signal == "SIGTERM"

    def test_nothing_is_preloaded_before_it_is_shut_in(self, shut: ShutIn) -> None:
        told = shut.told(":", env={"LD_PRELOAD": "/none.so"})

        assert told.count("/none.so") == 1  # the program itself tried

    def test_arguments_and_environment_are_nowhere_to_be_read_by_others(self, shut: ShutIn) -> None:
        told = shut.told("cat /proc/*/cmdline 2>&-", env={"TOKEN": "sword" + "fish", "PATH": "/usr/bin:/bin"})

        assert "/bin/sh" in told
        assert "sword" + "fish" not in told

    @pytest.mark.parametrize(
        ("text", "code"), [("#!/none\n", "program-not-found"), ("no program", "program-not-executable")]
    )
    def test_what_cannot_be_executed_is_told_as_ever(self, shut: ShutIn, text: str, code: str) -> None:
        tool = shut.workspace / "tool"
        tool.write_text(text)
        tool.chmod(0o755)
        caught = []

        for sandbox in (None, Sandbox(network=False)):
            with pytest.raises(errors.NofxError) as each:
                shut.run(str(tool), cwd=shut.workspace, workspace=shut.workspace, sandbox=sandbox)
            caught.append(each.value)

        assert [(error.code, error.message, error.hint) for error in caught] == [
            (code, caught[0].message, caught[0].hint)
        ] * 2

    def test_too_many_arguments_are_told_as_ever(self, shut: ShutIn) -> None:
        with pytest.raises(errors.InvalidInput) as caught:
            shut.run_in(["/bin/true", *["x" * 100_000] * 100])

        assert caught.value.code == "arguments-too-long"

    @pytest.mark.parametrize("env", [{"A": "\0"}, {"A=B": "x"}, {"A": "\ud800"}])
    def test_what_no_process_can_have_is_refused(self, shut: ShutIn, env: dict[str, str]) -> None:
        with pytest.raises(errors.InvalidInput) as caught:
            shut.run_in(["/bin/true"], env=env)

        assert caught.value.code == "program-arguments"

    def test_it_may_end_by_itself_when_it_is_asked_to(self, shut: ShutIn) -> None:
        def stop(line: str) -> None:
            shut.stop.stop("cancelled")

        result = shut.sh_in("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done", on_line=stop)

        assert (result.stopped, result.exit_code, result.last_line) == ("cancelled", 3, "bye")

    def test_the_time_limit_ends_all_that_it_started(self, shut: ShutIn) -> None:
        daemon = f'{PYTHON} -c \'import os, time; os.setsid(); open("up", "w"); time.sleep(60)\''
        script = f"trap '' TERM; sleep 60 & {daemon} & until [ -e up ]; do :; done; echo up; while :; do sleep 1; done"

        result = shut.sh_in(script, time_limit_ms=1_000, grace_ms=50)

        assert (result.stopped, result.signal, result.last_line) == ("timeout", "SIGKILL", "up")
        assert carriers(shut.marks) == []

    def test_a_time_limit_that_is_over_before_it_starts_is_a_time_limit(self, shut: ShutIn) -> None:
        result = shut.sh_in("sleep 60", time_limit_ms=1)

        assert result.stopped == "timeout"
        assert carriers(shut.marks) == []

    def test_what_it_leaves_behind_is_ended_and_counted(self, shut: ShutIn) -> None:
        result = shut.sh_in("sleep 60 & setsid sleep 60 & sleep 0.1")

        assert (result.exit_code, result.survivors) == (0, 2)
        assert carriers(shut.marks) == []


def is_reaped(pid: int) -> bool:
    """Whether nothing is left of a process; one that became our child by the death of its parent is reaped now."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return process_table.look_up(pid) is None


class TestDeathOfNofx:
    @pytest.fixture(params=list(ALL_MEANS))
    def shut(self, request: pytest.FixtureRequest, tmp_path: Path) -> ShutIn:
        """A bench whose children nobody counts: those of another nofx become ours when it dies."""
        return ShutIn(tmp_path, means_named(request.param))

    def test_it_ends_with_nofx_and_what_escapes_that_is_found_by_its_marks(self, shut: ShutIn) -> None:
        name = next(name for name, kind in ALL_MEANS.items() if type(shut.means) is kind)
        program = (
            "import sys; from pathlib import Path; from tests.acceptance.shut_in import *; "
            f"ShutIn(Path(sys.argv[1]), ALL_MEANS[{name!r}]())"
            ".sh_in('echo $$ >pid; setsid sleep 60 & sleep 60', time_limit_ms=60_000)"
        )
        folder = shut.folder / "dying"
        folder.mkdir()
        own_mark = {"TEST_NOFX": str(folder)}
        command = [sys.executable, "-c", program, str(folder)]
        nofx = subprocess.Popen(command, cwd=REPOSITORY, env=os.environ | own_mark)
        marks = shut.marks | {"NOFX_RUN_ID": str(folder)}
        record = folder / "workspace" / "data" / "store" / "scratch" / "process.json"
        read_pid(folder / "workspace" / "pid")
        wait_until(lambda: record.read_text().strip(), why="the record")
        assert json.loads(record.read_text())["argv0"] == "/bin/sh"
        orphans = [process for process in [*carriers(own_mark), *carriers(marks)] if process.pid != nofx.pid]
        nofx.send_signal(signal.SIGKILL)
        nofx.wait()

        wait_until(lambda: len(carriers(marks)) == 1, why="the guardian to end the group")
        assert shut.processes.end_recorded([record], marks) == 1
        assert carriers(marks) == []
        wait_until(lambda: all(is_reaped(orphan.pid) for orphan in orphans), why="the dead to be gone")
