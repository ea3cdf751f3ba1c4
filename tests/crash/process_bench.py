"""Run real processes and look what became of them.

Also a program: `python -m tests.crash.process_bench <folder> <script>`.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nofx_cli.clock import SystemClock
from nofx_cli.engine.cancellation import StopRequest
from nofx_cli.ports.processes import ProcessResult, ProcessSpec
from nofx_cli.safety import process_table
from nofx_cli.safety.masking import Masker
from nofx_cli.safety.process_table import Process
from nofx_cli.safety.processes import LocalProcesses
from nofx_cli.testing.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]


class Bench:
    """Runs scripts as one attempt at a step, in a folder of their own. `name` tells several of a test apart."""

    def __init__(self, folder: Path, name: str = "step", *, secrets: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.name = name
        self.log = folder / f"{name}.log"
        self.record = folder / f"{name}.json"
        self.stop = StopRequest()
        self.processes = LocalProcesses(Masker(secrets), SystemClock())
        self.marks = {"NOFX_RUN_ID": str(folder), "NOFX_STEP": name, "NOFX_ATTEMPT": "1"}

    def recorded(self) -> bool:
        """Whether the record names a process."""
        return self.record.exists() and bool(self.record.read_bytes().strip())

    def spec(self, *argv: str, **changes: Any) -> ProcessSpec:
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", **self.marks}
        given: dict[str, Any] = {"env": env, "time_limit_ms": 20_000, "grace_ms": 10_000, "cwd": self.folder} | changes
        return ProcessSpec(argv=argv, log=self.log, record=self.record, **given)

    def run(self, *argv: str, on_line: Callable[[str], None] | None = None, **changes: Any) -> ProcessResult:
        return self.processes.run(self.spec(*argv, **changes), self.stop, on_line=on_line)

    def sh(self, script: str, **changes: Any) -> ProcessResult:
        return self.run("/bin/sh", "-c", script, **changes)

    def pid(self, name: str) -> int:
        """The pid that a script wrote with `echo $$ >name`, once it is there."""
        return read_pid(self.folder / name)


def read_pid(path: Path) -> int:
    return int(wait_until(lambda: path.exists() and path.read_text().strip(), why=f"a pid in {path.name}"))


def is_alive(pid: int) -> bool:
    process = process_table.look_up(pid)
    return process is not None and not process.dead


@contextmanager
def no_new_zombies() -> Iterator[None]:
    """Afterwards no process that was not there before is a child of ours, dead and not reaped.

    What was there before may die meanwhile and become our child: an orphan of another test.
    """
    before = {(process.pid, process.started) for process in process_table.read_table().values()}
    yield
    assert _zombies() <= before


def _zombies() -> set[tuple[int, str]]:
    ours, table = os.getpid(), process_table.read_table()
    return {(process.pid, process.started) for process in table.values() if process.dead and process.parent == ours}


def carriers(marks: Mapping[str, str]) -> list[Process]:
    """The living processes that have all these in their environment."""
    wanted = frozenset(f"{name}={value}".encode() for name, value in marks.items())
    return process_table.carriers(process_table.read_table(), wanted)


if __name__ == "__main__":
    print(Bench(Path(sys.argv[1])).sh(sys.argv[2], grace_ms=500))  # noqa: T201 - this is a program
