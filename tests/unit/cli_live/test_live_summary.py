"""What stays in the scrollback when a run was watched to its end."""

from pathlib import Path

from nofx_cli.domain import events as ev
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import Retry, Severity
from tests.unit.cli_live.stage import EVIL, NO_ROUTE, RUN, Stage, failed, started, step, succeeded


def test_success_is_the_steps_and_one_line() -> None:
    stage = Stage(step("build"))
    stage.tell(started("build"), succeeded("build"))
    stage.clock.advance(1_300)
    stage.tell(ev.RunSucceeded(1_300))
    assert stage.summary() == [
        " release  Try it                                         20261122-091530-7k3f9q",
        "",
        " ✓ build  shell                                                            1.2s",
        "",
        " ✓ succeeded in 1.3s",
    ]


def test_failure_tells_what_why_and_what_to_type(tmp_path: Path) -> None:
    stage = Stage(step("build"), step("deploy", retry=Retry(2)), step("tell"), folder=tmp_path)
    stage.log("deploy", "connecting\nno route\n", attempt=2)
    stage.tell(started("build"), succeeded("build"), started("deploy", 2), failed("deploy", 2))
    stage.clock.advance(61_000)
    skipped = (ev.StepSkipped(ev.SkipReason.NEED_FAILED, "deploy"), "tell")
    stage.tell(skipped, ev.RunFailed("deploy", 2, NO_ROUTE, f"nofx retry {RUN} --from deploy", 61_000))
    assert stage.summary()[2:] == [
        " ✓ build   shell                                                           1.2s",
        " ✗ deploy  shell  attempt 2 of 2 · exit code 1: no route to host           1.2s",
        " ○ tell    shell  skipped · deploy failed",
        "",
        " ✗ deploy  attempt 2 of 2 · exit code 1: no route to host",
        "   │ connecting",
        "   │ no route",
        f"   hint  nofx logs {RUN} deploy",
        "",
        " ✗ failed in 1m01s: deploy, attempt 2",
        f"   next  nofx retry {RUN} --from deploy",
    ]


def test_warning_is_told_beside_the_success() -> None:
    stage = Stage(step("types", severity=Severity.WARNING))
    stage.tell(started("types"), failed("types"), ev.RunSucceeded(1))
    assert stage.summary()[-2:] == [" ! types  warning: exit code 1: no route to host", " ✓ succeeded in 0ms"]


def test_wait_that_was_left_says_what_to_type() -> None:
    stage = Stage(step("deploy"))
    stage.tell(stage.request("deploy", "Go?"), ev.RunWaiting(("deploy",)))
    assert stage.summary()[-2:] == [" ? waits for a person: deploy", f"   next  nofx approve deploy --run {RUN}"]


def test_many_failures_are_told_in_part(tmp_path: Path) -> None:
    stage = Stage(*(step(f"step_{number}") for number in range(80)), folder=tmp_path)
    for number in range(80):
        stage.tell(started(f"step_{number}"), (failed if number < 12 else succeeded)(f"step_{number}"))
    stage.tell(ev.RunFailed("step_0", 1, NO_ROUTE, "nofx retry", 1))
    told = stage.summary()
    assert sum(line.startswith(" ✗ step_") and "shell" not in line for line in told) == 5
    assert f" … 7 more failed: nofx show {RUN}" in told
    assert len(told) < 50


def test_hint_that_is_the_next_command_is_told_once() -> None:
    command = f"nofx retry {RUN} --from deploy"
    stage = Stage(step("deploy"))
    error = StepError("rejected", "rejected by ada", command)
    stage.tell(failed("deploy", error=error), ev.RunFailed("deploy", 0, error, command, 1))
    assert sum(command in line for line in stage.summary()) == 1


def test_foreign_text_is_harmless(tmp_path: Path) -> None:
    stage = Stage(step("deploy"), folder=tmp_path, goal=EVIL)
    stage.log("deploy", f"{EVIL}\n::error::x\n")
    error = StepError("exit-code", EVIL, EVIL)
    stage.tell(started("deploy"), failed("deploy", error=error), ev.RunFailed("deploy", 1, error, EVIL, 1))
    assert all(line.isprintable() for line in stage.summary())
    assert "   │ : :error::x" in stage.summary()
