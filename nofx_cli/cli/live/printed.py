"""What handlers print while the view draws: it goes above the view, line by line, instead of through it."""

import io
import sys
from collections.abc import Callable
from typing import TextIO


class Printed(io.TextIOBase):
    """Stands for a stream; gives whole lines to `sink`, the last one with `release` even without a newline."""

    def __init__(self, stands_for: TextIO, sink: Callable[[str], object]) -> None:
        self.stands_for, self._sink = stands_for, sink
        self._rest = ""

    @property
    def encoding(self) -> str:  # type: ignore[override] # a plain attribute in typeshed's base class
        return self.stands_for.encoding

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._sink(line)
        return len(text)

    def release(self) -> None:
        """Let everything through from now on: somebody may have kept this."""
        rest, self._rest = self._rest, ""
        if rest:
            self._sink(rest)
        self._sink = lambda line: self.stands_for.write(f"{line}\n")


class Diversion:
    """Standard output and error, where they are terminals, through `sink`, from `begin` to `end`."""

    def __init__(self, sink: Callable[[str], None]) -> None:
        self._sink = sink
        self._printed: dict[str, Printed] = {}

    def begin(self) -> None:
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is not None and stream.isatty():
                self._printed[name] = Printed(stream, self._sink)
                setattr(sys, name, self._printed[name])

    def end(self) -> None:
        for name, printed in self._printed.items():
            printed.release()
            if getattr(sys, name) is printed:
                setattr(sys, name, printed.stands_for)
        self._printed.clear()
