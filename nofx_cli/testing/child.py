"""Functions called in a process of their own, for what only shows between processes."""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self


def name_of(function: Callable[..., Any]) -> str:
    """The text by which a child finds a function of the top level of a module."""
    return f"{function.__module__}:{function.__qualname__}"


def find(name: str) -> Any:
    """What `name_of` named."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


class Child:
    """A process that calls `function(*args)`. It hears by `tell`, is heard by `hear`, and never outlives its block."""

    def __init__(self, function: Callable[..., None], *args: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, name_of(function), *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.pid = self._process.pid

    def hear(self) -> str:
        """The next line that the child printed; an AssertionError when it ended instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the child ended with {self._process.wait()} and said nothing"
        return line.rstrip("\n")

    def tell(self, line: str = "") -> None:
        """Give the child a line to read."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def end(self) -> int:
        """Wait for the child's end; its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait()

    def kill(self) -> None:
        """End it as the kernel does, without a word; afterwards it is gone."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()


def say(line: str) -> None:
    """In the child: print a line that the parent hears at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def listen() -> str:
    """In the child: the next line that the parent tells; empty when it tells nothing more."""
    return sys.stdin.readline().rstrip("\n")


if __name__ == "__main__":
    find(sys.argv[1])(*sys.argv[2:])
