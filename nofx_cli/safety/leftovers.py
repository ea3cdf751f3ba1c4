"""What an earlier nofx, dead by now, left running of a step.

The record of the step names its process, and counts only if pid, start time and boot all fit; then its whole group
and session go with it. On Linux every process whose environment holds all marks of the attempt belongs to it too, and
whatever descends from these. This process and all that it descends from are spared, whatever they carry.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from nofx_cli.safety import process_table
from nofx_cli.safety.ending import REAL_TIME, end_all, rest
from nofx_cli.safety.process_table import Process
from nofx_cli.safety.record import empty_record, recorded_process

_GRACE_MS = 500


def end_leftovers(record: Path, marks: Mapping[str, str]) -> int:
    """End them; returns how many there were, after they are gone, and blanks the record."""
    left = _Leftovers(record, marks)
    kill_at_ms = REAL_TIME.monotonic_ms() + _GRACE_MS
    ended = end_all(left.living, kill_at_ms=lambda: kill_at_ms, pause=rest)
    empty_record(record)
    return ended


class _Leftovers:
    def __init__(self, record: Path, marks: Mapping[str, str]) -> None:
        self._record = record
        self._marks = frozenset(os.fsencode(f"{name}={value}") for name, value in marks.items())
        self._seen: dict[int, str] = {}

    def living(self) -> list[Process]:
        table = process_table.read_table()
        spared = process_table.ancestors(table, os.getpid())
        roots = [process for pid, process in table.items() if self._seen.get(pid) == process.started]
        main = recorded_process(self._record, table)
        if main:
            roots += [process for process in table.values() if main.pid in {process.group, process.session}]
        roots += process_table.carriers(table, self._marks)
        found = {process.pid: process for process in roots if process.pid not in spared}
        found.update((process.pid, process) for process in process_table.descendants(table, found))
        self._seen.update((process.pid, process.started) for process in found.values())
        return [process for process in found.values() if not process.dead and process.pid not in spared]
