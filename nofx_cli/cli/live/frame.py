"""A whole frame of the live view: head, steps, question, foot, fitted to the terminal."""

from dataclasses import dataclass

from rich.text import Text

from nofx_cli.cli.live.board import Board
from nofx_cli.cli.live.desk import Desk
from nofx_cli.cli.live.palette import BAD, BETWEEN, BUSY, GOOD, LOUD, QUIET, WARN
from nofx_cli.cli.live.panel import panel
from nofx_cli.cli.live.rows import Columns, format_seconds, row
from nofx_cli.cli.live.telling import failures
from nofx_cli.cli.live.window import window
from nofx_cli.cli.output import safe
from nofx_cli.domain.step_state import StepStatus

_ROOMY = 14  # lines from which blank ones are spent


@dataclass(frozen=True, slots=True)
class Size:
    """The room for a frame, in cells."""

    columns: int
    lines: int


def frame(board: Board, desk: Desk, *, size: Size, now_us: int) -> list[Text]:
    """Draw the run as it stands, in at most `size.lines` lines of at most `size.columns` cells."""
    blank = [Text()] if size.lines >= _ROOMY else []
    above = [*blank, head(board, size.columns), *blank] if size.lines >= 5 else []
    below = [*blank, foot(board, size.columns, now_us)]
    room = size.lines - len(above) - len(below)
    asked = panel(board, desk, width=size.columns, room=max(room - min(len(board.plan.steps), max(room // 3, 2)), 0))
    if asked:
        below = [*blank, *asked, *below]
    columns = Columns.fit(board.plan, size.columns)
    steps, words = window(board.state, max(size.lines - len(above) - len(below), 0))
    rows = [row(board, step, columns=columns, now_us=now_us) for step in steps]
    if words:
        rows.append(Text(f"   {words}", style=QUIET))
    return _cut([*above, *rows, *below], size)


def _cut(lines: list[Text], size: Size) -> list[Text]:
    for line in lines:
        line.truncate(size.columns, overflow="ellipsis")
    return lines[-size.lines :]


def head(board: Board, width: int) -> Text:
    """The plan and its goal on the left, the id of the run on the right."""
    created = board.state.created
    run = Text(board.run, style=QUIET)
    left = Text.assemble(" ", (safe(created.plan_name) if created and created.plan_name else "run", LOUD))
    goal = safe(created.goal) if created else ""
    if goal and width >= 60:
        left.append_text(Text(f"  {goal}", style=QUIET))
    return _apart(left, run, width)


def foot(board: Board, width: int, now_us: int) -> Text:
    """How far it is, what is going on, and how long it took so far."""
    elapsed = Text(format_seconds(board.elapsed_ms(now_us)), style=QUIET)
    if board.stopping:
        return _apart(Text.assemble(" ", ("stopping…", f"{LOUD} {WARN}"), " Ctrl-C again kills"), elapsed, width)
    numbers, total = _numbers(board), len(board.plan.steps)
    text = Text(" ")
    if width >= 60:
        text.append_text(_bar(numbers, total, _BAR if total > _BAR // 3 else total * 3)).append("  ")
    text.append(f"{sum(numbers[word] for word in _ENDED)}/{total}", style=LOUD)
    for word, style in _NOTED.items():
        if numbers[word]:
            text.append(BETWEEN, style=QUIET).append(f"{numbers[word]} {word}", style=style)
    return _apart(text, elapsed, width)


_BAR = 24
_ENDED = {"done": GOOD, "warned": WARN, "failed": BAD, "cancelled": WARN, "skipped": QUIET}
_NOTED = {"running": BUSY, "waiting": WARN, **{word: style for word, style in _ENDED.items() if word != "done"}}


def _numbers(board: Board) -> dict[str, int]:
    counts = board.state.counts
    warned = counts[StepStatus.FAILED] - sum(1 for _ in failures(board.state)) if counts[StepStatus.FAILED] else 0
    return {
        "running": counts[StepStatus.RUNNING],
        "waiting": counts[StepStatus.WAITING],
        "done": counts[StepStatus.SUCCEEDED],
        "warned": warned,
        "failed": counts[StepStatus.FAILED] - warned,
        "cancelled": counts[StepStatus.CANCELLED],
        "skipped": counts[StepStatus.SKIPPED],
    }


def _bar(numbers: dict[str, int], total: int, width: int) -> Text:
    """A line of `width` cells, one colour for each way in which steps ended; what is to come is dim."""
    bar, drawn, ended = Text(), 0, 0
    for word, style in _ENDED.items():
        ended += numbers[word]
        until = ended * width // max(total, 1)
        bar.append("━" * (until - drawn), style=style)
        drawn = max(drawn, until)
    return bar.append("─" * (width - drawn), style=QUIET)


def _apart(left: Text, right: Text, width: int) -> Text:
    """Two texts at the two ends of a line; the left one gives way."""
    room = width - right.cell_len - 2
    if room < 8:
        left.truncate(width, overflow="ellipsis")
        return left
    left.truncate(room, overflow="ellipsis", pad=True)
    return left.append("  ").append_text(right)
