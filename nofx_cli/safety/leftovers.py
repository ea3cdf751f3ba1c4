"""What an earlier nofx, dead by now, left running of a step.

The record of a step names its process, and counts only if pid, start time and boot all fit; then its whole group
and session go with it. On Linux every process whose environment holds all marks of the attempt belongs to it too, and
whatever descends from these. This process and all that it descends from are spared, whatever they carry.

A process that is just executing another program has no environment for an instant. So a session that was once found
to be the step's stays that, and one that has no environment yet is waited for.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from nofx_cli.safety import process_table
from nofx_cli.safety.ending import REAL_TIME, end_all, rest
from nofx_cli.safety.process_table import Process, ProcessTable
from nofx_cli.safety.record import empty_record, recorded_process

_GRACE_MS = 500
_EXECUTING_MS = 2_000  # far more than it takes to execute a program, also on a machine that is very busy


def end_leftovers(records: Sequence[Path], marks: Mapping[str, str]) -> int:
    """End them; returns how many there were, after they are gone, and blanks the records."""
    left = _Leftovers(records, marks)
    ended = end_all(left.living, kill_at_ms=left.kill_at_ms, pause=rest)
    for record in records:
        empty_record(record)
    return ended


class _Leftovers:
    def __init__(self, records: Sequence[Path], marks: Mapping[str, str]) -> None:
        self._records = records
        self._marks = frozenset(os.fsencode(f"{name}={value}") for name, value in marks.items())
        self._seen: dict[int, str] = {}
        self._leaders: set[int] = set()
        self._waited_for: set[tuple[int, str]] = set()
        self._kill_at_ms: float | None = None

    def kill_at_ms(self) -> float:
        """The grace begins when the first of them was found, however long the looking took."""
        if self._kill_at_ms is None:
            self._kill_at_ms = REAL_TIME.monotonic_ms() + _GRACE_MS
        return self._kill_at_ms

    def living(self) -> list[Process]:
        """Those that are left. What one starts just before its end may be missed by one look, not by the next."""
        return self._look() or self._look()

    def _look(self) -> list[Process]:
        table = process_table.read_table()
        spared = process_table.ancestors(table, os.getpid())
        marked = self._marked(table)
        leaders = {main.pid for record in self._records if (main := recorded_process(record, table))}
        leaders.update(process.pid for process in marked if process.pid == process.session)
        self._leaders |= leaders - spared
        roots = [process for pid, process in table.items() if self._seen.get(pid) == process.started]
        roots += [process for process in table.values() if self._leaders & {process.group, process.session}]
        roots += marked
        found = {process.pid: process for process in roots if process.pid not in spared}
        found.update((process.pid, process) for process in process_table.descendants(table, found))
        self._seen.update((process.pid, process.started) for process in found.values())
        return [process for process in found.values() if not process.dead and process.pid not in spared]

    def _marked(self, table: ProcessTable) -> list[Process]:
        """Those that carry the marks; each is waited for until it has an environment, but only once."""
        if not self._marks:
            return []
        found, unclear = [], [process for process in table.values() if not process.dead and not process.of_kernel]
        give_up_ms = REAL_TIME.monotonic_ms() + _EXECUTING_MS
        while unclear:
            seen = [(process, process_table.settled_environment_of(process.pid)) for process in unclear]
            found += [process for process, environment in seen if environment and self._marks <= environment]
            unclear = [process for process, environment in seen if environment is None]
            unclear = [process for process in unclear if (process.pid, process.started) not in self._waited_for]
            if REAL_TIME.monotonic_ms() >= give_up_ms:
                self._waited_for.update((process.pid, process.started) for process in unclear)
                break
            if unclear:
                rest(1)
        return found
