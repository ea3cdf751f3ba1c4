"""The processes of this machine, as the kernel tells them, and signals that cannot hit the wrong one.

A pid alone names nobody: it is given anew. A process is its pid together with the time when it started.
"""

import os
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

ON_LINUX = sys.platform.startswith("linux")
_EXITING, _OF_KERNEL = 0x4, 0x200000  # PF_EXITING and PF_KTHREAD of the kernel's include/linux/sched.h
_PS_COLUMNS = "pid=,ppid=,pgid=,stat=,lstart="


class Process(NamedTuple):
    """One process. `started` is as `identity.started` has it.

    `group` and `session` are 0 where the system does not tell them, and where they were begun outside of the container
    that we are in. `exiting` tells of one that has given up its memory, and with it its arguments and its environment,
    but is not gone yet, `of_kernel` of a thread of the kernel, which never had any; only Linux tells these two.
    """

    pid: int
    parent: int
    group: int
    session: int
    state: str
    started: str
    exiting: bool = False
    of_kernel: bool = False

    @property
    def dead(self) -> bool:
        """Whether it has ended and only waits to be reaped."""
        return self.state in "ZX"


ProcessTable = Mapping[int, Process]


def read_table() -> ProcessTable:
    """All processes that can be seen, by pid."""
    if not ON_LINUX:
        return _table_of_ps()
    found = (look_up(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return {process.pid: process for process in found if process}


def look_up(pid: int) -> Process | None:
    """The process that has this pid now, also a dead one that is not reaped; None where there is none."""
    if not ON_LINUX:
        return _table_of_ps(pid).get(pid)
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as stat:
            line = stat.read()
    except OSError:
        return None
    # The command stands in brackets and may itself hold brackets and blanks; numbers are those of proc(5), minus 3.
    fields = line[line.rfind(b")") + 2 :].split(None, 20)
    if len(fields) < 20:
        return None
    flags = int(fields[6])
    return Process(
        pid,
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        state=fields[0].decode(),
        started=fields[19].decode(),
        exiting=bool(flags & _EXITING),
        of_kernel=bool(flags & _OF_KERNEL),
    )


NO_ENVIRONMENT = frozenset({b""})


def environment_of(pid: int) -> frozenset[bytes]:
    """The `NAME=value` pairs that a process was started with; empty where they cannot be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as environ:
            return frozenset(environ.read().split(b"\0"))
    except OSError:
        return frozenset()


def settled_environment_of(pid: int) -> frozenset[bytes] | None:
    """What `environment_of` tells, or None while the process is just executing a program.

    The kernel gives a program its arguments and its environment at one time; for an instant it has neither.
    """
    if (environment := environment_of(pid)) != NO_ENVIRONMENT:
        return environment
    try:
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as arguments:
            if arguments.read(1):
                return environment_of(pid)
    except OSError:
        return frozenset()
    process = look_up(pid)
    return None if process and not process.dead and not process.exiting else frozenset()


def carriers(table: ProcessTable, marks: frozenset[bytes]) -> list[Process]:
    """The living processes whose environment holds all `marks`; none where there are no marks."""
    if not marks:
        return []
    return [process for process in table.values() if not process.dead and marks <= environment_of(process.pid)]


def descendants(table: ProcessTable, roots: Iterable[int]) -> list[Process]:
    """All that descends from `roots`, without the roots, nearest first."""
    children: dict[int, list[Process]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    seen = set(roots)
    waiting = list(seen)
    for pid in waiting:
        for child in children.get(pid, ()):
            if child.pid not in seen:
                seen.add(child.pid)
                waiting.append(child.pid)
                found.append(child)
    return found


def ancestors(table: ProcessTable, pid: int) -> set[int]:
    """The pid itself and all that it descends from."""
    found: set[int] = set()
    while pid in table and pid not in found:
        found.add(pid)
        pid = table[pid].parent
    return found


def send(process: Process, sig: signal.Signals) -> None:
    """Signal this very process; nothing happens when it is gone, though its pid may live again."""
    handle = _handle_of(process.pid)
    try:
        if not _is_still(process):
            return
        with suppress(ProcessLookupError, PermissionError):  # gone, or another user's: neither can be helped
            if handle is None:
                os.kill(process.pid, sig)
            else:
                signal.pidfd_send_signal(handle, sig)
    finally:
        if handle is not None:
            os.close(handle)


def _handle_of(pid: int) -> int | None:
    """A file that means whoever has this pid now, for ever; None where the system has no such thing, or denies it."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _is_still(process: Process) -> bool:
    now = look_up(process.pid)
    return now is not None and now.started == process.started


def _table_of_ps(pid: int | None = None) -> ProcessTable:
    return parse_ps(ask("ps", *(["-ax"] if pid is None else ["-p", str(pid)]), "-o", _PS_COLUMNS))


def parse_ps(text: str) -> ProcessTable:
    """Read what `ps -o pid=,ppid=,pgid=,stat=,lstart=` prints."""
    found: dict[int, Process] = {}
    for line in text.splitlines():
        fields = line.split(None, 4)
        if len(fields) == 5 and fields[0].isdigit():
            pid, parent, group = (int(field) for field in fields[:3])
            found[pid] = Process(pid, parent, group, 0, fields[3][:1], " ".join(fields[4].split()))
    return found


def ask(*argv: str) -> str:
    """What a small program of the system prints, in no one's language and in UTC; empty where it fails."""
    import subprocess

    plain = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC0"}
    return subprocess.run(argv, capture_output=True, text=True, check=False, env=plain).stdout.strip()
