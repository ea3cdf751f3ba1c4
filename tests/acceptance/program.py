"""The program in processes of its own, the runs that it left, and the processes that are still there."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nofx_cli.domain.events import Event
from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.engine.verify_run import verify_run
from nofx_cli.safety import process_table
from nofx_cli.safety.process_table import Process
from nofx_cli.testing.waiting import wait_until
from nofx_cli.wiring.session import open_session
from tests.acceptance import warm

PATIENCE = 30
"""Seconds after which what did not happen is a failure; never a time that a test takes."""


class Program:
    """`nofx` as typed in `folder`, with nothing to read unless told otherwise."""

    command: tuple[str, ...] = (sys.executable, "-m", "nofx_cli")
    begins_cold = os.environ.get("NOFX_TESTS") == "cold"

    def __init__(self, folder: Path, store: Path) -> None:
        self.folder = folder
        self.store = store
        self.started: list[subprocess.Popen[str]] = []

    def plan(self, steps: str, name: str = "plan.yaml") -> str:
        """Write a plan; what is given without keys of its own is its steps."""
        text = steps if "steps:" in steps else f"steps:\n{steps}"
        (self.folder / name).write_text(text, "utf-8")
        return name

    def start(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        stdin: int | IO[str] = subprocess.DEVNULL,
        before: Callable[[], None] | None = None,
    ) -> "subprocess.Popen[str]":
        """Start a command and go on; it is ended with the test at the latest."""
        process = subprocess.Popen(
            [*self.command, *words],
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            preexec_fn=before,  # noqa: PLW1509 - only set where a test wants a signal to be ignored
        )
        self.started.append(process)
        return process

    def __call__(
        self, *words: str, env: Mapping[str, str] | None = None, stdin: int | IO[str] = subprocess.DEVNULL
    ) -> "Ended":
        """Run a command to its end, in a process that begins warm where that makes no difference."""
        environ = {**os.environ, **(env or {})}
        if not self._may_begin_warm(environ):
            return ended(self.start(*words, env=env, stdin=stdin))
        with open(os.devnull, encoding="utf-8") as nothing:
            given = nothing if stdin == subprocess.DEVNULL else stdin
            number = given if isinstance(given, int) else given.fileno()
            try:
                return Ended(*warm.run(words, folder=self.folder, environ=environ, stdin=number, seconds=PATIENCE))
            except warm.Hangs as exc:
                raise AssertionError(f"nofx hangs: {exc}") from None

    def _may_begin_warm(self, environ: Mapping[str, str]) -> bool:
        as_it_is_here = self.command is Program.command and type(self).start is Program.start
        return as_it_is_here and not self.begins_cold and warm.can_begin(environ)

    def runs(self) -> list[RunId]:
        """All runs, newest first."""
        return list(FileRunStore(Layout(self.store)).runs())

    def events(self, run: str = "") -> list[Event]:
        """What is committed of a run, of the newest by default; empty where there is none yet."""
        runs = self.runs()
        return list(FileRunStore(Layout(self.store)).read(RunId(run) if run else runs[0])) if runs else []

    def types(self, run: str = "") -> list[str]:
        """The types of all events, with the step's name behind those of steps: `step.started a`."""
        return [f"{event.type} {event.step}" if event.step else event.type for event in self.events(run)]

    def shows(self, event: str, *, times: int = 1) -> None:
        """Wait until the newest run has an event, written as by `types`."""
        wait_until(lambda: self.types().count(event) >= times, timeout=PATIENCE, why=f"{event} in the journal")

    def ready(self, *, times: int = 1) -> None:
        """Wait until a step has written so many lines into the file `ready`."""
        file = self.folder / "ready"
        wait_until(
            lambda: file.exists() and len(file.read_text().splitlines()) >= times, timeout=PATIENCE, why="the step"
        )

    def log(self, step: str, attempt: int = 1) -> str:
        """The log of an attempt of the newest run."""
        return (Layout(self.store).run(self.runs()[0]) / "logs" / f"{step}.{attempt}.log").read_text("utf-8")

    def leftovers(self) -> list[Process]:
        """The living processes that were started by steps of this test's runs."""
        wanted = [frozenset({f"NOFX_RUN_ID={run}".encode()}) for run in self.runs()]
        table = process_table.read_table()
        return [process for marks in wanted for process in process_table.carriers(table, marks)]

    def nothing_is_left(self) -> None:
        """Wait until no process of a step lives any more."""
        wait_until(lambda: not self.leftovers(), timeout=PATIENCE, why="the end of all that steps started")

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def every_run_verifies(self) -> None:
        """Hold every run of the store against its journal."""
        services = open_session(folder=self.folder).services
        for run in services.store.runs():
            verified = verify_run(services, run)
            assert verified.ok, verified.faults


class Ended:
    """A command that has ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit code {self.code}\n{self.out}\n{self.err}"


def ended(process: "subprocess.Popen[str]") -> Ended:
    """Wait for the end of a command; one that hangs is killed, and the test fails."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"nofx hangs: {process.communicate()}") from None
    return Ended(process.returncode, out, err)


@contextmanager
def pipe_without_end() -> Iterator[IO[str]]:
    """What can be read, but gives nothing and does not end, while the block lasts."""
    reading, writing = os.pipe()
    try:
        with os.fdopen(reading) as stream:
            yield stream
    finally:
        os.close(writing)
