"""By which means a process is shut in, and what is said where there is none."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.clock import SystemClock
from nofx_cli.domain.policy import Sandbox
from nofx_cli.engine.cancellation import StopRequest
from nofx_cli.ports.processes import ProcessSpec
from nofx_cli.safety import process_table, sandbox, sandbox_means
from nofx_cli.safety.masking import Masker
from nofx_cli.safety.processes import LocalProcesses
from nofx_cli.safety.sandbox import Unavailable, first_that_works
from nofx_cli.safety.sandbox_layout import Layout
from nofx_cli.safety.sandbox_means import Bubblewrap, Namespaces

linux = pytest.mark.skipif(not process_table.ON_LINUX, reason="there are no sandboxes but on Linux")


class Broken(Namespaces):
    def __init__(self, why: str, remedy: str = "mend it") -> None:
        self._why, self._remedy = why, remedy

    def why_not(self) -> tuple[str, str]:
        return self._why, self._remedy if self._why else ""


class TestChoice:
    def test_the_first_that_works_is_taken(self) -> None:
        works = Broken("")

        assert first_that_works([Broken("no"), works, Broken("")]) is works

    def test_where_none_works_all_reasons_and_remedies_are_told_once(self) -> None:
        none = first_that_works([Broken("one fails", "a"), Broken("two fails", "b"), Broken("three fails", "a")])

        assert none == Unavailable("one fails; two fails; three fails", "a; or b")

    def test_a_system_that_is_not_linux_has_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sandbox.sys, "platform", "darwin")  # type: ignore[attr-defined]

        assert sandbox.find_means.__wrapped__() == Unavailable("nofx has none for darwin", "run it on Linux")


class TestBubblewrap:
    def bwrap(self, folder: Path, script: str) -> Bubblewrap:
        program = folder / "bwrap"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return Bubblewrap([str(folder)])

    def test_it_may_not_be_installed(self, tmp_path: Path) -> None:
        assert Bubblewrap([str(tmp_path)]).why_not() == (
            "bubblewrap is not installed",
            "install bubblewrap (`bwrap`)",
        )

    def test_one_in_a_relative_folder_is_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bwrap(tmp_path, "exit 0")
        monkeypatch.chdir(tmp_path)

        assert Bubblewrap(["."]).why_not()[0] == "bubblewrap is not installed"

    def test_it_works_when_a_trial_succeeds(self, tmp_path: Path) -> None:
        assert self.bwrap(tmp_path, "exit 0").why_not() == ("", "")

    def test_it_says_itself_why_it_does_not_work(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sandbox_means, "_SWITCHES", ())
        broken = self.bwrap(tmp_path, "echo note >&2; echo 'bwrap: No permissions to create new namespace' >&2; exit 1")

        why, remedy = broken.why_not()

        assert why == "bubblewrap does not work here: bwrap: No permissions to create new namespace"
        assert remedy.startswith("in a container, allow user namespaces")

    def test_a_silent_one_is_told_by_its_exit_code(self, tmp_path: Path) -> None:
        assert self.bwrap(tmp_path, "exit 3").why_not()[0] == "bubblewrap does not work here: exit code 3"

    def test_one_that_hangs_does_not_work(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sandbox_means, "_PROBE_SECONDS", 0.05)

        assert "no answer in 0.05 s" in self.bwrap(tmp_path, "exec sleep 10").why_not()[0]

    def test_only_without_network_it_is_taken_away(self, tmp_path: Path) -> None:
        bwrap = self.bwrap(tmp_path, "")

        with_network, without = (bwrap.command(["x"], Layout(()), network=network) for network in (True, False))

        assert set(without) - set(with_network) == {"--unshare-net"}


@linux
class TestRemedies:
    @pytest.mark.parametrize(("content", "told"), [("0\n", True), ("1\n", False)])
    def test_a_switch_of_the_system_that_forbids_it_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, told: bool
    ) -> None:
        (tmp_path / "switch").write_text(content)
        switches = ((str(tmp_path / "none"), "0", "no"), (str(tmp_path / "switch"), "0", "sysctl -w it=1"))
        monkeypatch.setattr(sandbox_means, "_SWITCHES", switches)
        monkeypatch.setattr(sandbox_means, "launcher_command", lambda: ["/bin/sh", "-c", "exit 1"])

        assert (Namespaces().why_not()[1] == "sysctl -w it=1") is told

    def test_what_the_launcher_could_not_do_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        answer = "echo 'failed 1 make namespaces' >&2; exit 127"
        monkeypatch.setattr(sandbox_means, "launcher_command", lambda: ["/bin/sh", "-c", answer])

        why = Namespaces().why_not()[0]

        assert why == "user namespaces do not work here: it could not make namespaces: Operation not permitted"


class TestWithout:
    """Steps on a machine that has no means."""

    def processes(self) -> LocalProcesses:
        none = Unavailable(
            "bubblewrap is not installed; user namespaces do not work here", "install bubblewrap (`bwrap`)"
        )
        return LocalProcesses(Masker(()), SystemClock(), find_means=lambda: none)

    def spec(self, folder: Path, sandbox: Sandbox) -> ProcessSpec:
        return ProcessSpec(
            argv=["/bin/sh", "-c", "echo ran; touch ran"],
            cwd=folder,
            env={},
            log=folder / "logs" / "step.log",
            record=folder / "process.json",
            time_limit_ms=20_000,
            sandbox=sandbox,
            workspace=folder,
        )

    def test_nothing_runs(self, tmp_path: Path) -> None:
        spec = self.spec(tmp_path, Sandbox(network=False, source="plan.yaml:7"))

        with pytest.raises(errors.Denied) as caught:
            self.processes().run(spec, StopRequest())

        assert (caught.value.code, caught.value.context) == ("sandbox-unavailable", {"sandbox": "plan.yaml:7"})
        assert caught.value.message == (
            "the step must run in a sandbox, and there is none: "
            "bubblewrap is not installed; user namespaces do not work here"
        )
        assert caught.value.hint == (
            "install bubblewrap (`bwrap`); or `sandbox.optional: true`, to run it without where there is none"
        )
        assert not (tmp_path / "ran").exists()

    def test_where_it_is_optional_it_runs_and_the_log_says_once_that_it_was_not_shut_in(self, tmp_path: Path) -> None:
        spec, processes = self.spec(tmp_path, Sandbox(network=False, optional=True)), self.processes()

        assert processes.run(spec, StopRequest()).exit_code == 0
        assert processes.run(spec, StopRequest()).exit_code == 0

        note = (
            "nofx: ran without a sandbox, which is optional: "
            "bubblewrap is not installed; user namespaces do not work here"
        )
        assert spec.log.read_text() == f"{note}\nran\nran\n"

    def test_where_it_is_optional_its_folders_are_made_and_its_faults_are_told_all_the_same(
        self, tmp_path: Path
    ) -> None:
        self.processes().run(self.spec(tmp_path, Sandbox(write=("build/**",), optional=True)), StopRequest())

        assert (tmp_path / "build").is_dir()
        with pytest.raises(errors.InvalidInput):
            self.processes().run(self.spec(tmp_path, Sandbox(write=("../x/**",), optional=True)), StopRequest())

    @linux
    def test_means_that_fail_when_they_are_needed_fail_the_step_though_it_is_optional(self, tmp_path: Path) -> None:
        class Failing(Bubblewrap):
            def command(self, *args: object, **named: object) -> list[str]:
                return ["/bin/sh", "-c", "echo 'bwrap: no' >&2; exit 1"]

        processes = LocalProcesses(Masker(()), SystemClock(), find_means=Failing)
        spec = self.spec(tmp_path, Sandbox(network=False, optional=True))

        with pytest.raises(errors.Denied) as caught:
            processes.run(spec, StopRequest())

        assert caught.value.code == "sandbox-failed"
        assert caught.value.message == "'/bin/sh' could not be shut in by bubblewrap: bwrap: no"
        assert not (tmp_path / "ran").exists()
