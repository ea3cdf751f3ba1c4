"""A run told event by event, on a clock that stands still, and the views of it."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from rich.console import Console
from rich.text import Text

from nofx_cli.cli.live import WatchedRun
from nofx_cli.cli.live.board import Board
from nofx_cli.cli.live.desk import Desk, Question
from nofx_cli.cli.live.frame import Size, frame
from nofx_cli.cli.live.rows import Columns, row
from nofx_cli.cli.live.summary import summary
from nofx_cli.cli.live.watched import Answer
from nofx_cli.clock import Inbox, ManualClock, format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head, encode_batch
from nofx_cli.domain.ids import Digest, RunId, StepName, canonical_json, digest_of_bytes
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.state import fold

RUN = RunId("20261122-091530-7k3f9q")
ADA = ev.Actor("user", "ada")
EVIL = "\x1b]0;owned\x07\x1b[31mred\u202egpj\x1b[2J"
NO_ROUTE = StepError("exit-code", "exit code 1: no route to host", f"nofx logs {RUN} deploy")

Entry: TypeAlias = ev.Payload | tuple[ev.Payload, str] | tuple[ev.Payload, str, int]


def step(name: str, tool: str = "shell", **fields: object) -> Step:
    return Step(StepName(name), tool, **fields)  # type: ignore[arg-type] # the fields of a step, as a test wants them


def started(name: str, attempt: int = 1) -> Entry:
    return ev.StepStarted("shell", "key", "digest", "worker"), name, attempt


def succeeded(name: str, attempt: int = 1, *, took_ms: int = 1_200) -> Entry:
    return ev.StepFinished("succeeded", duration_ms=took_ms), name, attempt


def failed(name: str, attempt: int = 1, *, error: StepError = NO_ROUTE, took_ms: int = 1_200) -> Entry:
    return ev.StepFinished("failed", error=error, duration_ms=took_ms), name, attempt


def gate(name: str, verdict: str, words: str, *, severity: str = "blocking") -> Entry:
    return ev.GateEvaluated("gate:lint", verdict, severity, words, {}, ""), name, 1


class Stage:
    """A plan, the events told so far, and what a view of them is given."""

    def __init__(self, *steps: Step, folder: Path = Path("nowhere"), goal: str = "Try it") -> None:
        self.plan = Plan(steps, Digest("d" * 64), goal=goal)
        self.clock = ManualClock("2026-11-22T09:15:30.000000Z")
        self.folder = folder
        self.told: list[ev.Event] = []
        self.inbox: Inbox[object] = Inbox()
        self.documents: dict[str, str] = {}
        self.answer: Answer | None = None
        self._head = Head()
        self.tell(ev.RunCreated("d" * 64, "release", goal, {}, len(steps)), ev.RunStarted())

    def tell(self, *entries: Entry) -> list[ev.Event]:
        """Append a batch, at the clock's time."""
        drafts = [_draft(entry) for entry in entries]
        at = format_at(self.clock.now_us())
        events, self._head = encode_batch(drafts, run=RUN, head=self._head, at=at, actor=ADA)
        self.told += events
        return events

    def request(self, name: str, question: str, **shown: object) -> tuple[ev.ApprovalRequested, str]:
        """Keep what is shown for a step, and make the event that asks."""
        known = {"run": RUN, "step": name, "tool": "shell", "reason": "approval", "env": {}, "artifacts": {}}
        text = canonical_json({"inputs": {}, "preview": None, **known, **shown})  # type: ignore[dict-item] # JSON
        digest = digest_of_bytes(text.encode())
        self.documents[f"approvals/{digest}.json"] = text
        return ev.ApprovalRequested(digest, question, ev.AskReason.APPROVAL, f"approvals/{digest}.json"), name

    def log(self, name: str, text: str, *, attempt: int = 1) -> None:
        (self.folder / f"{name}.{attempt}.log").write_text(text, encoding="utf-8")

    @property
    def watched(self) -> WatchedRun:
        return WatchedRun(
            run=RUN,
            plan=self.plan,
            clock=self.clock,
            inbox=self.inbox,  # type: ignore[arg-type] # a queue that takes anything takes messages
            history=lambda: list(self.told),
            state=lambda: fold(self.plan, self.told),
            log_path=lambda name, attempt: self.folder / f"{name}.{attempt}.log",
            shown=self._shown,
            answer=self.answer,
        )

    def _shown(self, path: str) -> str:
        if path not in self.documents:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.documents[path]

    def board(self, **lines: str) -> Board:
        """What the live view knows, with the newest line of some steps."""
        board = Board(self.watched)
        for name, line in lines.items():
            board.hear(StepName(name), line)
        return board

    def desk(self, board: Board, *, is_open: bool = True) -> Desk:
        desk = Desk(is_open=is_open)
        desk.may_leave = board.may_be_left
        desk.lay_out([Question(s.name, s.approval.digest) for s in board.questions() if s.approval])
        return desk

    def frame(self, board: Board, desk: Desk | None = None, *, columns: int = 80, lines: int = 30) -> list[str]:
        """A frame as plain lines, after it went through a terminal of that width."""
        size = Size(columns - 1, lines)
        return plain(frame(board, desk or self.desk(board), size=size, now_us=self.clock.now_us()), columns)

    def rows(self, board: Board, *, columns: int = 80) -> list[str]:
        """Every step on its line."""
        fit, now_us = Columns.fit(self.plan, columns - 1), self.clock.now_us()
        return plain([row(board, step, columns=fit, now_us=now_us) for step in board.state.steps.values()], columns)

    def summary(self, *, columns: int = 80, lines: int = 30) -> list[str]:
        size = Size(columns - 1, lines)
        told = summary(self.board(), log_path=self.watched.log_path, size=size, now_us=self.clock.now_us())
        return plain(told, columns * 3)


def plain(lines: Sequence[Text], columns: int) -> list[str]:
    """What a terminal of that width shows, without colours; lines that are too wide would wrap and be seen."""
    file = io.StringIO()
    console = Console(file=file, width=columns, height=100, force_terminal=True, color_system=None, highlight=False)
    for line in lines:
        console.print(line)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def _draft(entry: Entry) -> ev.Draft:
    if isinstance(entry, ev.Payload):
        return ev.Draft(entry)
    payload, name, *attempt = entry
    return ev.Draft(payload, StepName(name), attempt[0] if attempt else None)
