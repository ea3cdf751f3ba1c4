"""What stays in the scrollback when the view ends: the steps, what failed and why, and the next command."""

from rich.text import Text

from nofx_cli.cli.live import palette
from nofx_cli.cli.live.board import Board
from nofx_cli.cli.live.frame import Size, head
from nofx_cli.cli.live.palette import BAD, BETWEEN, GOOD, LOUD, QUIET, WARN
from nofx_cli.cli.live.rows import Columns, row
from nofx_cli.cli.live.telling import (
    LogPath,
    attempt_words,
    error_words,
    failures,
    findings_lines,
    headline,
    log_tail,
    next_commands,
    warnings,
)
from nofx_cli.cli.live.window import window
from nofx_cli.cli.output import safe
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepState

_TOLD_FAILURES = 5
_FOR_THE_END, _LEAST_ROWS = 10, 15

_ENDED = {
    RunStatus.SUCCEEDED: (palette.DONE, GOOD),
    RunStatus.FAILED: (palette.FAILED, BAD),
    RunStatus.CANCELLED: (palette.CANCELLED, WARN),
    RunStatus.WAITING: (palette.WAITS, WARN),
}


def summary(board: Board, *, log_path: LogPath, size: Size, now_us: int) -> list[Text]:
    """Draw the run as it was left. Lines about failures may be longer than the terminal is wide."""
    columns = Columns.fit(board.plan, size.columns)
    steps, words = window(board.state, max(size.lines - _FOR_THE_END, _LEAST_ROWS))
    lines = [head(board, size.columns), Text()]
    lines += [row(board, step, columns=columns, now_us=now_us) for step in steps]
    if words:
        lines.append(Text(f"   {words}", style=QUIET))
    lines.append(Text())
    for step in failures(board.state)[:_TOLD_FAILURES]:
        lines += [*_failure(board, step, log_path, size.columns), Text()]
    if more := len(failures(board.state)) - _TOLD_FAILURES:
        lines += [Text(f" … {more} more failed: nofx show {board.run}", style=QUIET), Text()] if more > 0 else []
    return [*lines, *_warnings(board), *_end(board, now_us)]


def _failure(board: Board, step: StepState, log_path: LogPath, width: int) -> list[Text]:
    title = Text.assemble(" ", (f"{palette.FAILED} {step.name}", f"{LOUD} {BAD}"), "  ")
    if attempt := attempt_words(step, board.plan):
        title.append(attempt, style=WARN).append(BETWEEN, style=QUIET)
    lines = [title.append(error_words(step.error))]
    for line in findings_lines(board.findings(step), board.run) or log_tail(log_path, step):
        text = Text.assemble(("   │ ", BAD), (line, QUIET))
        text.truncate(width, overflow="ellipsis")
        lines.append(text)
    hint = step.error.hint if step.error else ""
    if hint and hint not in next_commands(board.state, board.run):
        lines.append(Text.assemble(("   hint  ", QUIET), safe(hint)))
    return lines


def _warnings(board: Board) -> list[Text]:
    return [
        Text.assemble(" ", (f"{palette.WARNED} {step.name}", f"{LOUD} {WARN}"), "  warning: ", error_words(step.error))
        for step in warnings(board.state)
    ]


def _end(board: Board, now_us: int) -> list[Text]:
    sign, style = _ENDED.get(board.state.status, (palette.AGAIN, WARN))
    told = board.state.failure
    took = format_duration(board.elapsed_ms(now_us))
    words = headline(
        board.state, took, why=safe(f"{told.step}, attempt {told.attempt}") if told and told.attempt else ""
    )
    end = [Text.assemble(" ", (f"{sign} {words}", f"{LOUD} {style}"))]
    commands = next_commands(board.state, board.run)
    return end + [Text.assemble(("   next  ", QUIET), (command, LOUD)) for command in commands]
