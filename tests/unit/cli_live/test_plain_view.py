"""Lines for pipes, files and CI logs."""

import io
from pathlib import Path

import pytest

from nofx_cli.cli.live.plain import PlainView
from nofx_cli.clock import format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import Retry, Severity
from tests.unit.cli_live.stage import EVIL, NO_ROUTE, RUN, Entry, Stage, failed, gate, started, step, succeeded


class Told:
    """A plain view and what it has written."""

    def __init__(self, stage: Stage, *, verbose: bool = False) -> None:
        self.stage, self.file = stage, io.StringIO()
        self.view = PlainView(stage.watched, stream=self.file, verbose=verbose)

    def tell(self, *entries: Entry) -> None:
        self.view.events(self.stage.tell(*entries))

    def lines(self) -> list[str]:
        return self.file.getvalue().splitlines()


def test_a_run_line_by_line() -> None:
    stage = Stage(
        step("lint", "gate:lint"),
        step("types", "gate:lint", severity=Severity.WARNING),
        step("deploy", retry=Retry(2)),
        step("tell", when="failure"),
    )
    told = Told(stage)
    told.tell(started("lint"), started("types"), started("deploy"))
    told.tell(gate("lint", "passed", "120 files, 0 findings"), succeeded("lint", took_ms=800))
    told.tell(gate("types", "failed", "3 findings", severity="warning"), failed("types", took_ms=912))
    due = format_at(stage.clock.now_us() + 2_000_000)
    told.tell((ev.StepRetryScheduled(NO_ROUTE, 2_000, due, 1_500), "deploy", 1))
    told.tell(started("deploy", 2))
    told.tell(failed("deploy", 2), (ev.StepSkipped(ev.SkipReason.NEED_FAILED, "deploy"), "tell"))
    assert told.lines() == [
        "lint    started",
        "types   started",
        "deploy  started",
        "lint    passed     120 files, 0 findings   800ms",
        "types   failed     warning: 3 findings   912ms",
        "deploy  retries    in 2.0s; attempt 1: exit code 1: no route to host   1.5s",
        "deploy  started    attempt 2",
        "deploy  failed     exit code 1: no route to host   1.2s",
        "tell    skipped    deploy failed",
    ]


def test_verdict_of_an_earlier_attempt_is_not_told_again() -> None:
    told = Told(Stage(step("lint", "gate:lint", retry=Retry(2))))
    error = StepError("gate-errored", "ruff is not there")
    told.tell(started("lint"), gate("lint", "errored", "ruff is not there"))
    told.tell((ev.StepRetryScheduled(error, 0, "2026-01-01T00:00:00.000000Z", 5), "lint", 1))
    told.tell(started("lint", 2), failed("lint", 2, error=StepError("handler-fault", "it raised")))
    assert told.lines()[-1] == "lint  failed     it raised   1.2s"


def test_approvals() -> None:
    told = Told(Stage(step("deploy"), step("b"), step("c")))
    asked = told.stage.request("deploy", "Deploy 1.4?")
    digest = asked[0].digest
    told.tell(asked)
    told.tell((ev.ApprovalStale(digest, "e" * 64), "deploy"))
    told.tell((ev.ApprovalGranted(digest, "go"), "deploy"))
    told.tell((ev.ApprovalRejected(digest, ""), "b"), (ev.ApprovalWaived(digest, "by hand"), "c"))
    assert told.lines() == [
        f"deploy  waits      Deploy 1.4?  →  nofx approve deploy --run {RUN}",
        "deploy  stale      what would run has changed since it was shown",
        "deploy  approved   by ada: go",
        "b       rejected   by ada",
        "c       waived     by ada: by hand",
    ]


def test_what_others_left_behind() -> None:
    told = Told(Stage(step("build")))
    told.tell(ev.WorkerLost("host:12", 12, "host"), (ev.StepInterrupted("it was gone", True, "w"), "build", 1))
    told.tell(ev.RunResumed("the process that executed it was gone"), ev.JournalRepaired(17, "torn-1"))
    told.tell((ev.StepReset("retry"), "build"))
    assert told.lines() == [
        "run    lost       the process 12 that executed it is gone",
        "build  cut off    it was gone; it runs again",
        "run    goes on    the process that executed it was gone",
        "run    repaired   17 bytes of a batch cut off its end, kept in torn-1",
        "build  again      retry",
    ]


def test_end_of_a_failure_names_step_error_log_and_command(tmp_path: Path) -> None:
    stage = Stage(step("deploy"), folder=tmp_path)
    stage.log("deploy", "connecting\r\n\nno route\n")
    told = Told(stage)
    with told.view:
        told.tell(started("deploy"), failed("deploy"))
        stage.clock.advance(2_500)
        told.tell(ev.RunFailed("deploy", 1, NO_ROUTE, f"nofx retry {RUN} --from deploy", 2_500))
    assert told.lines()[2:] == [
        "deploy failed: exit code 1: no route to host",
        "  | connecting",
        "  | no route",
        f"  hint: nofx logs {RUN} deploy",
        f"run {RUN} failed in 2.5s: deploy: exit code 1: no route to host",
        f"next: nofx retry {RUN} --from deploy",
    ]


def test_only_the_last_lines_of_a_log_are_told(tmp_path: Path) -> None:
    stage = Stage(step("deploy"), folder=tmp_path)
    stage.log("deploy", "".join(f"line {number} {'x' * 200}\n" for number in range(1_000)))
    told = Told(stage)
    with told.view:
        told.tell(started("deploy"), failed("deploy"), ev.RunFailed("deploy", 1, NO_ROUTE, "", 0))
    tail = [line for line in told.lines() if line.startswith("  | ")]
    assert [line.split()[2] for line in tail] == [str(number) for number in range(990, 1_000)]


def test_end_of_a_success_is_one_line() -> None:
    told = Told(Stage(step("build")))
    with told.view:
        told.tell(started("build"), succeeded("build"))
        told.stage.clock.advance(1_200)
        told.tell(ev.RunSucceeded(1_200))
    assert told.lines()[2:] == [f"run {RUN} succeeded in 1.2s"]


def test_end_of_a_wait_says_what_to_type() -> None:
    told = Told(Stage(step("deploy")))
    with told.view:
        told.tell(told.stage.request("deploy", "Go?"), ev.RunWaiting(("deploy",)))
    assert told.lines()[1:] == [
        f"run {RUN} waits for a person: deploy",
        f"next: nofx approve deploy --run {RUN}",
    ]


@pytest.mark.parametrize(
    ("entry", "end"),
    [
        (ev.RunCancelled("stopped with Ctrl-C"), ["cancelled after 0ms: stopped with Ctrl-C", f"nofx retry {RUN}"]),
        (ev.RunResumed(""), ["was stopped before its end", f"nofx resume {RUN}"]),
    ],
)
def test_end_of_a_run_that_was_stopped(entry: Entry, end: list[str]) -> None:
    told = Told(Stage(step("deploy")))
    with told.view:
        told.tell(entry)
    assert told.lines()[-2:] == [f"run {RUN} {end[0]}", f"next: {end[1]}"]


def test_warning_is_told_at_the_end_of_a_success() -> None:
    told = Told(Stage(step("types", "gate:lint", severity=Severity.WARNING)))
    with told.view:
        told.tell(started("types"), failed("types"), ev.RunSucceeded(1))
    assert "warning: types: exit code 1: no route to host" in told.lines()


def test_output_is_shown_only_when_verbose() -> None:
    quiet, verbose = Told(Stage(step("build"))), Told(Stage(step("build")), verbose=True)
    for told in (quiet, verbose):
        told.tell(started("build"))
        told.view.line(told.stage.plan.steps[0].name, "10 %\r20 %\r")
    assert quiet.lines() == ["build  started"]
    assert verbose.lines() == ["09:15:30.000  build  started", "              build  | 20 %"]


def test_foreign_text_is_harmless_and_commands_of_ci_are_fenced() -> None:
    told = Told(Stage(step("build")), verbose=True)
    told.view.line(told.stage.plan.steps[0].name, "::error::x")
    error = StepError("exit-code", f"::error::{EVIL}\n::set-output::")
    told.tell(started("build"), failed("build", error=error), told.stage.request("build", f"##[error]{EVIL}"))
    text = "\n".join(told.lines())
    assert text.replace("\n", "").isprintable()
    assert not any(line.split("  ")[-1].startswith("::") for line in told.lines())
    assert "##[" not in text


def test_ctrl_c_is_told() -> None:
    told = Told(Stage(step("build")))
    told.view.stopping()
    assert told.lines() == ["stopping… (Ctrl-C again kills)"]


def test_reader_that_went_away_does_not_end_the_run() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    stage = Stage(step("build"))
    view = PlainView(stage.watched, stream=Gone())
    view.events(stage.tell(started("build")))
    view.events(stage.tell(succeeded("build")))


def test_error_is_left_to_whoever_catches_it() -> None:
    told = Told(Stage(step("build")))

    def run() -> None:
        with told.view:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        run()
    assert told.lines() == []
