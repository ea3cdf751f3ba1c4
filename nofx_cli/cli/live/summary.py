"""What stays in the scrollback when the view ends: the steps, what failed and why, and the next command."""

from rich.text import Text

from nofx_cli.cli.live import palette
from nofx_cli.cli.live.board import Board
from nofx_cli.cli.live.frame import Size, head
from nofx_cli.cli.live.palette import BAD, GOOD, LOUD, QUIET, WARN
from nofx_cli.cli.live.rows import Columns, row
from nofx_cli.cli.live.telling import LogPath, error_words, failures, headline, log_tail, next_commands, warnings
from nofx_cli.cli.live.window import window
from nofx_cli.cli.output import safe
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.state import RunStatus, StepState

_TOLD_FAILURES = 5
_MOST_ROWS = 50

_ENDED = {
    RunStatus.SUCCEEDED: (palette.DONE, GOOD),
    RunStatus.FAILED: (palette.FAILED, BAD),
    RunStatus.CANCELLED: (palette.CANCELLED, WARN),
    RunStatus.WAITING: (palette.WAITS, WARN),
}


def summary(board: Board, *, log_path: LogPath, size: Size, now_us: int) -> list[Text]:
    """Draw the run as it was left. Lines about failures may be longer than the terminal is wide."""
    columns = Columns.fit(board.plan, size.columns)
    steps, words = window(board.state, max(size.lines, _MOST_ROWS))
    lines = [head(board, size.columns), Text()]
    lines += [row(board, step, columns=columns, now_us=now_us) for step in steps]
    if words:
        lines.append(Text(f"   {words}", style=QUIET))
    lines.append(Text())
    for step in failures(board.state)[:_TOLD_FAILURES]:
        lines += [*_failure(step, log_path, size.columns), Text()]
    if more := len(failures(board.state)) - _TOLD_FAILURES:
        lines += [Text(f" … {more} more failed: nofx show {board.run}", style=QUIET), Text()] if more > 0 else []
    return [*lines, *_warnings(board), *_end(board, now_us)]


def _failure(step: StepState, log_path: LogPath, width: int) -> list[Text]:
    error = step.error
    title = Text.assemble(" ", (f"{palette.FAILED} {step.name}", f"{LOUD} {BAD}"), "  ", error_words(step))
    lines = [title]
    for line in log_tail(log_path, step):
        text = Text.assemble(("   │ ", BAD), (line, QUIET))
        text.truncate(width, overflow="ellipsis")
        lines.append(text)
    if error is not None and error.hint:
        lines.append(Text.assemble(("   hint  ", QUIET), safe(error.hint)))
    return lines


def _warnings(board: Board) -> list[Text]:
    return [
        Text.assemble(" ", (f"{palette.WARNED} {step.name}", f"{LOUD} {WARN}"), "  warning: ", error_words(step))
        for step in warnings(board.state)
    ]


def _end(board: Board, now_us: int) -> list[Text]:
    sign, style = _ENDED.get(board.state.status, (palette.AGAIN, WARN))
    words = headline(board.state, format_duration(board.elapsed_ms(now_us)))
    end = [Text.assemble(" ", (f"{sign} {words}", f"{LOUD} {style}"))]
    commands = next_commands(board.state, board.run)
    return end + [Text.assemble(("   next  ", QUIET), (command, LOUD)) for command in commands]
