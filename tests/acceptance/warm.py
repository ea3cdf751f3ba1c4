"""Processes of the program that begin warm: forked from one that has imported what commands import, and done nothing.

To start Python and import a command takes several times as long as what most commands do, and most of the time of the
whole suite. A process that begins warm is one of its own in all else: its id, its folder, its environment, its streams,
its signals, and how it ends. What depends on the start itself is tested with processes that begin cold: tests marked
`cold`, everything that a test keeps in its hands while it runs, and with `NOFX_TESTS=cold` all of them.
"""

import atexit
import multiprocessing
import os
import selectors
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path

from nofx_cli.cli.lazy_group import COMMANDS

_IMPORTED = [
    "nofx_cli.cli.app",
    *(f"nofx_cli.cli.commands.{module}" for module, _, _ in COMMANDS.values()),
    "nofx_cli.handlers.gates.unit",
    "nofx_cli.handlers.shell",
    "nofx_cli.planning.load",
    "nofx_cli.wiring.models",
    "nofx_cli.worker.inline",
    "genai_prices.data_snapshot",
    "jinja2",
    "jsonschema",
    "openai",
]
_OF_THE_START = ("PYTHON", "LD_")
"""How the names of variables begin that only a new interpreter obeys."""

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_IMPORTED)
_of_the_session = dict(os.environ)  # what is started for many tests carries the marks of none


class Hangs(Exception):
    """It did not end in time, or something that it left behind holds its output; it was killed."""


def can_begin(environ: Mapping[str, str]) -> bool:
    """Whether a process with these variables is the same when it does not start anew."""
    return _of_the_start(environ) == _of_the_start(_of_the_session)


def _of_the_start(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(_OF_THE_START)}


@cache
def _ready() -> None:
    """Start the process that is forked from."""
    of_the_test = dict(os.environ)
    try:
        _set_environ(_of_the_session)
        forkserver.ensure_running()
    finally:
        _set_environ(of_the_test)


def _set_environ(environ: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)


def run(
    words: Sequence[str], *, folder: Path, environ: Mapping[str, str], stdin: int, seconds: float
) -> tuple[int, str, str]:
    """Run a command to its end; gives its exit code (negative: the signal that ended it) and what it wrote.

    Raises:
        Hangs: after `seconds`.
    """
    _ready()
    streams = [multiprocessing.Pipe(duplex=False) for _ in range(2)]
    given = Connection(os.dup(stdin), writable=False)
    process = _context.Process(
        target=_begin, args=(tuple(words), str(folder), dict(environ), given, *(writing for _, writing in streams))
    )
    process.start()
    for connection in (given, *(writing for _, writing in streams)):
        connection.close()
    until = time.monotonic() + seconds
    try:
        printed = _read([reading for reading, _ in streams], until)
        process.join(max(0, until - time.monotonic()))
        if process.exitcode is None:
            raise Hangs
    except Hangs:
        process.kill()
        process.join()
        raise
    finally:
        for reading, _ in streams:
            reading.close()
    return process.exitcode, printed[0], printed[1]


def _read(streams: Sequence[Connection], until: float) -> list[str]:
    """All that is written, until nobody is left who could write."""
    printed = {stream.fileno(): b"" for stream in streams}
    with selectors.DefaultSelector() as open_ones:
        for number in printed:
            open_ones.register(number, selectors.EVENT_READ)
        while open_ones.get_map():
            left = until - time.monotonic()
            ready = open_ones.select(left) if left > 0 else []
            if not ready:
                raise Hangs(str(printed))
            for key, _ in ready:
                data = os.read(key.fd, 65_536)
                printed[key.fd] += data
                if not data:
                    open_ones.unregister(key.fd)
    return [data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n") for data in printed.values()]


def _begin(words: tuple[str, ...], folder: str, environ: dict[str, str], *streams: Connection) -> None:
    """In the new process: be as one that has just been started, run the command, and end as Python does."""
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    os.chdir(folder)
    _set_environ(environ)
    tempfile.tempdir = None
    sys.argv = ["nofx", *words]
    sys.path[0] = folder
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    code = _code_of_main()
    threading._shutdown()  # type: ignore[attr-defined] # as the interpreter does: wait for threads
    atexit._run_exitfuncs()
    for written in (sys.stdout, sys.stderr):
        if written is not None:
            written.flush()
    os._exit(code)


def _code_of_main() -> int:
    from nofx_cli.cli.app import main

    try:
        main()
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except BaseException:  # noqa: BLE001 - told as the interpreter would tell it
        traceback.print_exc()
        return 1
    return 0
