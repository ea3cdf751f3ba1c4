"""One line a step: sign, name, tool, what it says, how long it took."""

from nofx_cli.cli.live.rows import Columns, row
from nofx_cli.clock import format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import Retry, Severity
from tests.unit.cli_live.stage import EVIL, NO_ROUTE, Stage, failed, gate, started, step, succeeded

LINT = StepName("lint")


def test_running_shows_newest_line_and_whole_seconds() -> None:
    stage = Stage(step("build"))
    stage.tell(started("build"))
    stage.clock.advance(3_700)
    board = stage.board(build="compiling 3 of 7\n")
    assert stage.rows(board) == [" ⠧ build  shell  compiling 3 of 7" + " " * 44 + "3s"]


def test_running_shows_what_a_progress_bar_shows_now() -> None:
    stage = Stage(step("build"))
    stage.tell(started("build"))
    [line] = stage.rows(stage.board(build="10 %\r20 %\r30 %\r"))
    assert "30 %" in line
    assert "20 %" not in line


def test_new_attempt_begins_without_a_line() -> None:
    stage = Stage(step("build", retry=Retry(3)))
    board = stage.board(build="of the attempt before")
    board.tell(stage.tell(started("build", 2)))
    board.take_in()
    [line] = stage.rows(board)
    assert "of the attempt before" not in line
    assert "attempt 2 of 3" in line


def test_retry_counts_down() -> None:
    stage = Stage(step("deploy", retry=Retry(3)))
    due = format_at(stage.clock.now_us() + 5_000_000)
    stage.tell(started("deploy"), (ev.StepRetryScheduled(NO_ROUTE, 5_000, due, 900), "deploy", 1))
    board = stage.board()
    assert "retry in 5s · attempt 1 of 3 failed · exit code 1: no route to host" in stage.rows(board, columns=120)[0]
    stage.clock.advance(3_500)
    assert "retry in 2s" in stage.rows(board)[0]
    stage.clock.advance(1_500)
    assert "retry is due" in stage.rows(board)[0]


def test_gate_tells_verdict_and_counts() -> None:
    stage = Stage(step("lint", "gate:lint"))
    stage.tell(started("lint"), gate("lint", "passed", "no findings in 120 files"), succeeded("lint"))
    assert stage.rows(stage.board()) == [
        " ✓ lint  gate:lint  passed · no findings in 120 files" + " " * 22 + "1.2s",
    ]


def test_gate_that_does_not_apply_looks_like_no_pass() -> None:
    stage = Stage(step("sast", "gate:sast"))
    stage.tell(started("sast"), gate("sast", "skipped", "the project has nothing for bandit"), succeeded("sast"))
    [line] = stage.rows(stage.board())
    assert line.startswith(" ○ sast  gate:sast  skipped · the project has nothing for bandit")


def test_gate_without_summary_tells_its_counts() -> None:
    stage = Stage(step("lint", "gate:lint"))
    counted = ev.GateEvaluated("gate:lint", "passed", "blocking", "", {"files": 120, "findings": 0}), "lint", 1
    stage.tell(started("lint"), counted, succeeded("lint"))
    assert "passed · 120 files, 0 findings" in stage.rows(stage.board())[0]


def test_warning_is_told_as_what_it_was() -> None:
    stage = Stage(step("lint", "gate:lint", severity=Severity.WARNING))
    error = StepError("gate-failed", "3 findings in 120 files")
    found = gate("lint", "failed", "3 findings in 120 files", severity="warning")
    stage.tell(started("lint"), found, failed("lint", error=error))
    [line] = stage.rows(stage.board())
    assert line.startswith(" ! lint  gate:lint  warning · failed · 3 findings in 120 files")


def test_vacuous_gate_is_no_pass() -> None:
    stage = Stage(step("unit", "gate:unit"))
    error = StepError("gate-vacuous", "no test ran")
    stage.tell(started("unit"), gate("unit", "vacuous", "no test ran"), failed("unit", error=error))
    assert stage.rows(stage.board())[0].startswith(" ✗ unit  gate:unit  vacuous · no test ran")


def test_failure_shows_its_error_not_an_earlier_verdict() -> None:
    stage = Stage(step("lint", "gate:lint"))
    missing = StepError("output-missing", "the step declares the outputs a, but did not set them")
    stage.tell(started("lint"), gate("lint", "passed", "no findings"), failed("lint", error=missing))
    assert "✗ lint  gate:lint  the step declares the outputs a" in stage.rows(stage.board())[0]


def test_skipped_says_why() -> None:
    stage = Stage(*(step(name) for name in ("a", "b", "c", "d")))
    skip = ev.StepSkipped
    stage.tell(
        (skip(ev.SkipReason.NEED_FAILED, "deploy"), "a"),
        (skip(ev.SkipReason.CONDITION, "failure"), "b"),
        (skip(ev.SkipReason.CONDITION, "params.fast"), "c"),
        (skip(ev.SkipReason.WAIVED, "waived by ada: not today"), "d"),
    )
    assert [row[3:].strip() for row in stage.rows(stage.board())] == [
        "a  shell  skipped · deploy failed",
        "b  shell  skipped · nothing failed",
        "c  shell  skipped · not params.fast",
        "d  shell  skipped · waived by ada: not today",
    ]


def test_waiting_shows_the_question_and_approved_who_answered() -> None:
    stage = Stage(step("release", "manual:release"))
    asked = stage.request("release", "Release 1.4?")
    stage.tell(asked)
    assert "? release  manual:release  waits · Release 1.4?" in stage.rows(stage.board())[0]
    stage.tell((ev.ApprovalGranted(asked[0].digest, "go"), "release"), started("release"), succeeded("release"))
    assert "✓ release  manual:release  approved by ada · go" in stage.rows(stage.board())[0]


def test_only_what_is_quiet_is_dim() -> None:
    stage = Stage(step("lint", "gate:lint"))
    stage.tell(started("lint"), gate("lint", "passed", "no findings"), succeeded("lint"))
    board = stage.board()
    text = row(board, board.state.steps[LINT], columns=Columns.fit(stage.plan, 79), now_us=0)
    dim = [text.plain[span.start : span.end].strip() for span in text.spans if "dim" in str(span.style)]
    assert dim == ["gate:lint", "·", "1.2s"]
    assert text.style == ""


def test_foreign_text_is_harmless() -> None:
    stage = Stage(step("build"), step("lint", "gate:lint"), step("ask"))
    error = StepError("exit-code", f"{EVIL}::error::")
    stage.tell(started("build"), started("lint"), failed("lint", error=error), stage.request("ask", EVIL))
    rows = "\n".join(stage.rows(stage.board(build=f"::error file=x::{EVIL}"), columns=140))
    assert rows.replace("\n", "").isprintable()
    assert ": :error file=x::red\\u202egpj" in rows
    assert "\x1b" not in rows


def test_columns_give_way_on_a_narrow_terminal() -> None:
    stage = Stage(step("a_step_with_quite_a_long_name", "workspace:write"))
    stage.tell(started("a_step_with_quite_a_long_name"))
    [line] = stage.rows(stage.board(a_step_with_quite_a_long_name="a long line of output " * 5), columns=40)
    assert line == " ⠋ a_step_wi…  a long line of o…     0s"
