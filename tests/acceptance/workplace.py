"""Workers as processes of their own, in the foreground and detached; all of them end with the test."""

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from nofx_cli.safety import process_table
from nofx_cli.safety.process_table import Process
from nofx_cli.testing.waiting import wait_until
from tests.acceptance.program import PATIENCE, Program

GO = "until [ -e go ]; do sleep 0.02; done"
FAMILY = "sh -c 'while :; do sleep 0.05; done' & sh -c 'echo ready >> ready; while :; do sleep 0.05; done' & wait"
STUBBORN = "trap '' TERM; echo ready >> ready; while :; do sleep 0.05; done"


def shell(name: str, command: str, *, needs: Sequence[str] | None = None, **fields: str) -> str:
    """A step of a plan that runs a command."""
    quoted = json.dumps(command)
    more = "".join(f", {key}: {value}" for key, value in fields.items())
    need = "" if needs is None else f", needs: [{', '.join(needs)}]"
    return f"  - {{name: {name}, tool: shell, inputs: {{command: {quoted}}}{need}{more}}}\n"


class Worker:
    """A worker in the foreground of a process; what it says lies in a file."""

    def __init__(self, nofx: Program, *words: str, command: Sequence[str] = (), env: dict[str, str] | None = None):
        self._nofx = nofx
        self._said = nofx.folder.parent / f"worker-{len(nofx.started)}.log"
        with open(self._said, "w", encoding="utf-8") as said:
            self.process = subprocess.Popen(
                [*(command or nofx.command), "worker", *words],
                cwd=nofx.folder,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                text=True,
            )
        nofx.started.append(self.process)
        wait_until(lambda: " steps at a time, on " in self.said(), timeout=PATIENCE, why="the worker")

    def said(self) -> str:
        return self._said.read_text("utf-8")

    def says(self, text: str, *, times: int = 1) -> None:
        """Wait until it has said something."""
        wait_until(lambda: self.said().count(text) >= times, timeout=PATIENCE, why=f"{text!r}")

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for its end; its exit code."""
        return self.process.wait(PATIENCE)


class Workplace:
    """What tests of workers ask of the program."""

    def __init__(self, nofx: Program) -> None:
        self.nofx = nofx

    def worker(self, *words: str, command: Sequence[str] = (), env: dict[str, str] | None = None) -> Worker:
        """Start a worker in the foreground."""
        return Worker(self.nofx, *words, command=command, env=env)

    def leave(self, steps: str, *words: str) -> str:
        """Leave a run of these steps to the workers; its id."""
        told = self.nofx("run", self.nofx.plan(steps), "--detach", "--no-start-worker", *words)
        assert told.code == 0, told
        return told.out.strip()

    def json(self, *words: str) -> Any:
        told = self.nofx(*words, "--json")
        assert told.code == 0, told
        return json.loads(told.out)

    def go(self) -> None:
        """Let the steps go on that wait for it."""
        (self.nofx.folder / "go").touch()

    def has(self, run: str, event: str, *, times: int = 1) -> None:
        """Wait until a run has an event, written as by `Program.types`."""
        wait_until(
            lambda: self.nofx.types(run).count(event) >= times,
            timeout=PATIENCE,
            why=f"{event} in {run}",
        )

    def waiting(self) -> list[str]:
        """The jobs in the queue."""
        return [job["key"] for job in self.json("queue", "list")]

    def close(self) -> None:
        """End every process of this store, also those that were detached; returns when they are gone."""
        for process in self._processes():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not self._processes(), timeout=PATIENCE, why="the end of all processes of this store")

    def _processes(self) -> list[Process]:
        mark = frozenset({f"NOFX_HOME={self.nofx.store}".encode()})
        found = process_table.carriers(process_table.read_table(), mark)
        return [process for process in found if process.pid != os.getpid()]
