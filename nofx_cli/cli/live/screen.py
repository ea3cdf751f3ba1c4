"""The live view's side of the terminal: what is drawn, printed above it, and left behind. Imports Rich."""

import os
from collections.abc import Sequence
from typing import TextIO

from rich.text import Text

from nofx_cli.cli.live.board import Board
from nofx_cli.cli.live.canvas import Canvas
from nofx_cli.cli.live.desk import Desk, Question
from nofx_cli.cli.live.frame import Size, frame
from nofx_cli.cli.live.palette import LOUD, QUIET, WARN
from nofx_cli.cli.live.panel import styled
from nofx_cli.cli.live.summary import summary
from nofx_cli.cli.live.telling import LogPath
from nofx_cli.cli.output import safe

_WIDEST = 160
_UNKNOWN = os.terminal_size((80, 24))


class Screen:
    """Draws a board on a terminal. Not for use by several threads at a time."""

    def __init__(self, stream: TextIO) -> None:
        self._fd = stream.fileno()
        self._canvas = Canvas(stream)

    def draw(self, board: Board, desk: Desk, *, now_us: int) -> None:
        columns, lines = self._terminal()
        size = Size(min(columns - 1, _WIDEST), max(lines - 1, 1))
        self._canvas.draw(frame(board, desk, size=size, now_us=now_us), width=columns)

    def print_lines(self, lines: Sequence[str]) -> None:
        """Put foreign lines above what is drawn."""
        self._canvas.print_above([Text(safe(line)) for line in lines], width=self._terminal()[0])

    def print_document(self, board: Board, question: Question) -> None:
        """Put all that an answer is bound to above what is drawn."""
        document = board.documents.of(board.state.steps[question.step])
        lines = [Text.assemble((f"{question.step}", f"{LOUD} {WARN}"), (f"  bound to {question.digest}", QUIET))]
        labels = max((len(line.label) for line in document.whole), default=0)
        lines += [styled(line, labels) for line in document.whole] or [Text(safe(document.problem))]
        self._canvas.print_above([Text(), *lines, Text()], width=self._terminal()[0])

    def clear(self) -> None:
        self._canvas.clear(width=self._terminal()[0])

    def leave(self, board: Board, *, log_path: LogPath, now_us: int) -> None:
        """Take the drawing away and print how the run was left."""
        columns, lines = self._terminal()
        size = Size(min(columns - 1, _WIDEST), lines)
        self.clear()
        self._canvas.print_above(summary(board, log_path=log_path, size=size, now_us=now_us), width=columns)

    def _terminal(self) -> tuple[int, int]:
        columns, lines = os.get_terminal_size(self._fd)
        return columns or _UNKNOWN.columns, lines or _UNKNOWN.lines
