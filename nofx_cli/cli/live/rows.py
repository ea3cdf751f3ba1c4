"""One step on one line: sign, name, tool, what it says, how long it took."""

from dataclasses import dataclass

from rich.text import Text

from nofx_cli.cli.live import palette
from nofx_cli.cli.live.board import Board
from nofx_cli.cli.live.palette import BAD, BETWEEN, BUSY, GOOD, LOUD, QUIET, WARN
from nofx_cli.cli.live.telling import attempt_words, error_words, gate_words, skip_words, verdict_word
from nofx_cli.cli.output import safe
from nofx_cli.clock import parse_at
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.step_state import StepState, StepStatus

_TIME = 6  # as wide as 59m59s


@dataclass(frozen=True, slots=True)
class Columns:
    """How wide each column is, in cells. `tool` 0 leaves the tool out."""

    width: int
    name: int
    tool: int

    @classmethod
    def fit(cls, plan: Plan, width: int) -> "Columns":
        """Give names and tools what they need, within a share of the width."""
        name = min(max((len(step.name) for step in plan.steps), default=0), max(width // 4, 10))
        tool = min(max((len(step.tool) for step in plan.steps), default=0), max(width // 5, 12))
        return cls(width, name, tool if width >= 60 else 0)


def row(board: Board, step: StepState, *, columns: Columns, now_us: int) -> Text:
    """Draw a step, exactly `columns.width` cells wide."""
    sign, style = _sign(board, step, now_us)
    name = Text(step.name, style=QUIET if step.status is StepStatus.PENDING else LOUD)
    text = Text.assemble(" ", (sign, style), " ", _cell(name, columns.name), "  ")
    if columns.tool:
        text.append_text(_cell(Text(safe(board.plan.steps[step.place].tool), style=QUIET), columns.tool)).append("  ")
    detail = _detail(board, step, now_us)
    text.append_text(_cell(detail, max(columns.width - text.cell_len - _TIME - 1, 0)))
    return text.append(f"{_time(step, now_us):>{_TIME + 1}}", style="" if step.status is StepStatus.RUNNING else QUIET)


def _cell(text: Text, width: int) -> Text:
    text.truncate(width, overflow="ellipsis", pad=True)
    return text


def _sign(board: Board, step: StepState, now_us: int) -> tuple[str, str]:
    match step.status:
        case StepStatus.RUNNING:
            return palette.spinner(now_us), BUSY
        case StepStatus.SUCCEEDED:
            return (palette.SKIPPED, QUIET) if _was_let_through(step) else (palette.DONE, GOOD)
        case StepStatus.FAILED:
            return (palette.FAILED, f"{LOUD} {BAD}") if _blocks(board, step) else (palette.WARNED, f"{LOUD} {WARN}")
        case StepStatus.WAITING:
            return palette.WAITS, f"{LOUD} {WARN}"
        case StepStatus.QUEUED:
            return (palette.AGAIN, WARN) if step.failures else (palette.OPEN, BUSY)
        case StepStatus.SKIPPED:
            return palette.SKIPPED, QUIET
        case StepStatus.CANCELLED:
            return palette.CANCELLED, WARN
        case StepStatus.PENDING:
            return palette.OPEN, QUIET


def _detail(board: Board, step: StepState, now_us: int) -> Text:
    match step.status:
        case StepStatus.RUNNING:
            return _joined((attempt_words(step, board.plan), WARN), (safe(board.line_of(step)), QUIET))
        case StepStatus.SUCCEEDED:
            return _done(board, step)
        case StepStatus.FAILED:
            return _failed(board, step)
        case StepStatus.WAITING:
            question = safe(step.approval.question) if step.approval else ""
            return _joined(("waits", WARN), (question, ""))
        case StepStatus.QUEUED:
            return _queued(board, step, now_us)
        case StepStatus.SKIPPED:
            return _joined(("skipped", QUIET), (skip_words(step.skip_reason, step.cause), QUIET))
        case StepStatus.CANCELLED:
            return Text("cancelled", style=QUIET)
        case StepStatus.PENDING:
            return Text()


def _done(board: Board, step: StepState) -> Text:
    attempt = (attempt_words(step, board.plan), WARN)
    approval = step.approval
    if step.gate is not None:
        colour = QUIET if _was_let_through(step) else GOOD
        return _joined(attempt, (verdict_word(step.gate), colour), (gate_words(step.gate), ""))
    if approval is not None and approval.decision == "granted":
        who = approval.by.id if approval.by else "somebody"
        return _joined(attempt, (f"approved by {safe(who)}", GOOD), (safe(approval.note), ""))
    return _joined(attempt, (safe(board.line_of(step)), QUIET))


def _was_let_through(step: StepState) -> bool:
    """Whether a gate did not apply to the project, and the step may go on without it."""
    return step.gate is not None and step.gate.verdict != "passed"


def _failed(board: Board, step: StepState) -> Text:
    blocks = _blocks(board, step)
    colour = BAD if blocks else WARN
    attempt = (attempt_words(step, board.plan), WARN)
    warning = ("" if blocks else "warning", WARN)
    if step.gate is not None and step.error is not None and step.error.code.startswith(("gate-", "timeout")):
        return _joined(attempt, warning, (verdict_word(step.gate), colour), (gate_words(step.gate), ""))
    return _joined(attempt, warning, (error_words(step.error), colour))


def _queued(board: Board, step: StepState, now_us: int) -> Text:
    if not step.failures:
        return Text("ready", style=QUIET)
    left_s = -((now_us - step.due_us) // 1_000_000)
    due = f"retry in {left_s}s" if left_s > 0 else "retry is due"
    most = board.plan.steps[step.place].retry.max_attempts
    return _joined((due, WARN), (f"attempt {step.attempt} of {most} failed", ""), (error_words(step.error), QUIET))


def _joined(*parts: tuple[str, str]) -> Text:
    """Put words side by side, each in its own style; parts without words are left out."""
    text = Text()
    for words, style in parts:
        if words:
            text.append(BETWEEN if text else "", style=QUIET).append(words, style=style)
    return text


def _time(step: StepState, now_us: int) -> str:
    """Whole seconds while it runs, so that the eye is not drawn to it; the exact time when it has ended."""
    if step.status is StepStatus.RUNNING:
        return format_seconds(max(now_us - parse_at(step.started_at), 0) // 1000)
    return format_duration(step.duration_ms) if step.duration_ms else ""


def format_seconds(ms: int) -> str:
    """A duration that goes on, in whole seconds."""
    return f"{ms // 1000}s" if ms < 60_000 else format_duration(ms)


def _blocks(board: Board, step: StepState) -> bool:
    return board.state.blocks(step)
