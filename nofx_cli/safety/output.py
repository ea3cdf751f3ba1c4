"""What a process writes: masked, streamed to the log up to a limit, its head captured, its newest line told.

Memory stays bounded whatever comes: nothing is kept but an end that may be the beginning of a secret, the head
that is captured, and the last few kilobytes for the newest line.
"""

import codecs
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from nofx_cli import errors
from nofx_cli.ports.processes import ProcessSpec
from nofx_cli.safety.masking import Masker
from nofx_cli.safety.masking_stream import StreamMasker

if TYPE_CHECKING:
    from nofx_cli.safety.output_lines import ShownLines

_TAIL = 4_096
_LINE_LENGTH = 400
_BETWEEN_LINES_MS = 200


class Source(NamedTuple):
    """A pipe that output comes from. `captured`: its head is given back. `shown`: what makes the log's lines of it."""

    fd: int
    masked: StreamMasker
    captured: bool
    shown: "ShownLines | None" = None


class Output:
    """The output of one process."""

    def __init__(self, spec: ProcessSpec, mask: Masker, on_line: Callable[[str], None] | None) -> None:
        """The log is opened with the first byte, to append to it; a process that is silent has none."""
        self._path, self._mask, self._on_line = spec.log, mask, on_line
        self._log_room, self._capture_room = spec.output_limit, spec.capture_limit
        self._limit, self._show = spec.output_limit, spec.show
        self.log_bytes = self.cut_bytes = 0
        self._captured = bytearray()
        self._tail, self._ends_line = b"", True
        self._line, self._is_fresh, self._told_ms = "", False, float("-inf")
        self._log = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._log >= 0:
            os.close(self._log)

    def source(self, fd: int, *, captured: bool) -> Source:
        """A pipe to take output from."""
        return Source(fd, self._mask.stream(), captured, self._shown(of_stderr=not captured))

    def _shown(self, *, of_stderr: bool) -> "ShownLines | None":
        if self._show is None:
            return None
        from nofx_cli.safety.output_lines import ShownLines

        return ShownLines(self._show, self._mask, of_stderr=of_stderr)

    def without_secrets(self, text: str) -> str:
        """A text that is kept of the process besides."""
        return self._mask.text(text)

    def take(self, source: Source, chunk: bytes) -> None:
        """Take in what was read. Raises `errors.StoreFailure` where the log cannot be written."""
        data = source.masked.feed(chunk)
        self._capture(source, data)
        self._keep(source.shown.feed(data) if source.shown else data)

    def end(self, source: Source) -> None:
        """Nothing more comes from there."""
        data = source.masked.flush()
        self._capture(source, data)
        self._keep(source.shown.feed(data) + source.shown.flush() if source.shown else data)

    def finish(self) -> None:
        """Say in the log what was cut, and tell the newest line."""
        if self.cut_bytes:
            start = b"" if self._ends_line else b"\n"
            note = f"[nofx: the output limit of {self._limit} bytes was reached; {self.cut_bytes} bytes were cut]\n"
            self._write(start + note.encode())
        if self._is_fresh and self._on_line:
            self._tell(self._told_ms)

    @property
    def stdout(self) -> str:
        """The captured head, whole characters only, invalid ones replaced."""
        whole = len(self._captured) < self._capture_room or not self._capture_room
        return codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(self._captured), final=whole)

    @property
    def last_line(self) -> str:
        """The newest line that is not blank, shortened."""
        if self._is_fresh:
            self._line = _newest_line(self._tail)
            self._is_fresh = False
        return self._line

    def tell(self, now_ms: float) -> float | None:
        """Tell the newest line if that is due; else return in how many milliseconds it is (None: nothing new)."""
        if not self._is_fresh or self._on_line is None:
            return None
        due_ms = self._told_ms + _BETWEEN_LINES_MS - now_ms
        if due_ms > 0:
            return due_ms
        self._tell(now_ms)
        return None

    def _tell(self, now_ms: float) -> None:
        self._told_ms = now_ms
        line = self.last_line
        if self._on_line and line:
            self._on_line(line)

    def _capture(self, source: Source, data: bytes) -> None:
        if source.captured and len(self._captured) < self._capture_room:
            self._captured += data[: self._capture_room - len(self._captured)]

    def _keep(self, data: bytes) -> None:
        if not data:
            return
        kept = data[: self._log_room]
        if kept:
            self._write(kept)
            self._ends_line = kept.endswith(b"\n")
        self._log_room -= len(kept)
        self.log_bytes += len(kept)
        self.cut_bytes += len(data) - len(kept)
        self._note(data)

    def _note(self, data: bytes) -> None:
        """Keep the end of what came; blank space at its end shrinks, so that it cannot push the newest line out."""
        solid = data.rstrip()
        space = data[len(solid) :]
        if solid:
            self._tail = (self._tail + solid[-_TAIL:])[-_TAIL:]
            self._is_fresh = True
        if space and not self._tail.endswith(b"\n"):
            self._tail += b"\n" if b"\n" in space or b"\r" in space else space[-1:]

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        try:
            try:
                return os.open(self._path, flags, 0o644)
            except FileNotFoundError:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                return os.open(self._path, flags, 0o644)
        except OSError as exc:
            raise not_written(self._path, exc) from exc

    def _write(self, data: bytes) -> None:
        if self._log < 0:
            self._log = self._open()
        try:
            written = os.write(self._log, data)
            while written < len(data):
                written += os.write(self._log, data[written:])
        except OSError as exc:
            raise not_written(self._path, exc) from exc


def not_written(path: Path, exc: OSError) -> errors.StoreFailure:
    """The failure of a log that cannot be kept: the store's, and not the step's."""
    return errors.StoreFailure(
        f"the log {path} could not be written: {exc.strerror}",
        code="log-not-written",
        hint="make room, or make the folder writable, then retry",
        context={"path": str(path)},
    )


def _newest_line(tail: bytes) -> str:
    text = tail.rstrip()
    start = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
    line = text[start:].decode("utf-8", "replace").lstrip()
    return line if len(line) <= _LINE_LENGTH else line[: _LINE_LENGTH - 1] + "…"
