"""The question of a waiting step, in a box with the keys that answer it."""

import textwrap

from rich.text import Text

from nofx_cli.cli.live.board import Board
from nofx_cli.cli.live.desk import Desk, Mode, Question
from nofx_cli.cli.live.palette import BAD, BETWEEN, BUSY, GOOD, LOUD, QUIET, WARN
from nofx_cli.cli.live.shown import Kind, ShownLine
from nofx_cli.cli.live.telling import approve_command
from nofx_cli.cli.output import safe

_LEAST, _ROOMY = 4, 10
_TABS = 9
_LABEL_LIMIT = 16
_ALERT = f"{LOUD} {WARN}"
_KINDS: dict[Kind, str] = {"plain": "", "added": GOOD, "removed": BAD, "place": BUSY}
_DOING = {"granted": "approving…", "rejected": "rejecting…", "waived": "waiving…"}


def panel(board: Board, desk: Desk, *, width: int, room: int) -> list[Text]:
    """Draw the question that is looked at in at most `room` lines; nothing where none is open or there is no room."""
    question = desk.current
    if question is None or room < _LEAST or width < 20:
        return []
    inner = width - 5
    fixed = [*_tabs(desk), *_asked(board, question, inner)]
    fixed = [*fixed, Text()] if room > _ROOMY else fixed[: room - 2]
    below = [Text(desk.message, style=BAD)] if desk.message else []
    *more_keys, keys = _packed(_keys(board, desk, question, width=inner), inner)
    below += more_keys
    body = _body(board, desk, question, width=inner, room=room - 2 - len(fixed) - len(below))
    lines = [*fixed, *body][: room - 2 - len(below)] + below
    title = Text(f"{question.step} waits for {'you' if desk.is_open else 'a person'}", style=_ALERT)
    return [
        _edge("╭", title, "╮", width),
        *(_inside(line, inner) for line in lines),
        _edge("╰", keys, "╯", width),
    ]


def _tabs(desk: Desk) -> list[Text]:
    if len(desk.questions) < 2:
        return []
    text = Text()
    for place, question in enumerate(desk.questions[:_TABS]):
        here = place == desk.place
        text.append(f"{'▸' if here else ' '}{place + 1} {question.step}  ", style=_ALERT if here else QUIET)
    more = len(desk.questions) - _TABS
    return [text.append(f"… {more} more", style=QUIET) if more > 0 else text]


def _asked(board: Board, question: Question, width: int) -> list[Text]:
    approval = board.state.steps[question.step].approval
    words = safe(approval.question) if approval else ""
    return [Text(line, style=LOUD) for line in textwrap.wrap(words, width)[:3]]


def _body(board: Board, desk: Desk, question: Question, *, width: int, room: int) -> list[Text]:
    """What the answer is bound to, as much of it as there is room for."""
    document = board.documents.of(board.state.steps[question.step])
    if document.problem:
        return [Text(line, style=BAD) for line in textwrap.wrap(safe(document.problem), width)][: max(room, 0)]
    labels = min(max((len(line.label) for line in document.brief), default=0), _LABEL_LIMIT)
    lines = [styled(line, labels) for line in document.brief[: max(room - 1, 0)]]
    bound = Text(f"bound to {question.digest[:12]}", style=QUIET)
    if more := len(document.brief) - len(lines):
        bound.append(f"{BETWEEN}{more} more lines{', v shows all' if desk.is_open else ''}")
    return [*lines, bound][: max(room, 0)]


def styled(line: ShownLine, labels: int) -> Text:
    """A line of a document, its label in a column of `labels` cells."""
    label = Text(line.label, style=QUIET)
    label.truncate(labels, overflow="ellipsis", pad=True)
    return Text.assemble(label, "  ", (line.text, _KINDS[line.kind]))


def _keys(board: Board, desk: Desk, question: Question, *, width: int) -> list[Text]:
    """What can be done now, in parts that stay whole."""
    if not desk.is_open:
        return [Text(approve_command(board.run, question.step), style=LOUD)]
    if desk.mode is Mode.RECORDING:
        return [Text(_DOING[desk.decision], style=_ALERT)]
    if desk.mode is Mode.NOTING:
        verb = "rejects" if desk.decision == "rejected" else "waives"
        note = desk.note[-max(width - len("why? ▏"), 1) :]
        why = Text.assemble("why? ", (note, LOUD), ("▏", _ALERT))
        return [why, Text.assemble(("Enter ", LOUD), verb), Text.assemble(("Esc ", LOUD), "back")]
    keys = [("a", "approve"), ("r", "reject"), ("w", "waive"), ("v", "view all")]
    keys += [("↑↓", "choose")] if len(desk.questions) > 1 else []
    keys += [("d", "leave")] if desk.may_leave else []
    return [Text.assemble((key, _ALERT), f" {word}") for key, word in keys]


def _packed(parts: list[Text], width: int) -> list[Text]:
    """Put parts on as few lines as they need, two cells apart."""
    lines = [Text()]
    for part in parts:
        if lines[-1].cell_len and lines[-1].cell_len + part.cell_len + 2 > width:
            lines.append(Text())
        lines[-1].append("  " if lines[-1].cell_len else "").append_text(part)
    return lines


def _edge(left: str, words: Text, right: str, width: int) -> Text:
    words.truncate(width - 7, overflow="ellipsis")
    line = Text.assemble((f" {left}─ ", WARN), words, " ")
    return line.append("─" * (width - line.cell_len - 1) + right, style=WARN)


def _inside(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis", pad=True)
    return Text.assemble((" │ ", WARN), line, (" │", WARN))
