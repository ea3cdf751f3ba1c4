"""The children of this process: who they are, and whose they are.

A process that leaves its step's process group and then loses its parent becomes our child, because this process
asks the kernel for that (Linux: PR_SET_CHILD_SUBREAPER). So after the end of a step's main process, all that is left
of the step is in its group or descends from a child of ours that we did not start: a stray.

Whose a stray is, is told by the marks in its environment (`NOFX_RUN_ID`, `NOFX_STEP`, …), or by having been seen
below the main process before it was stopped. A stray that nothing tells of is anyone's of the steps that run, and is
ended when the last of them ends. What is no stray: what is in our own session or has our very environment (so has
a program that a handler starts itself), and what is older than the first step. As process 1 of a container we get
everybody's orphans, and end only those with marks.

All this is true of a process, not of an object: hence the one `CHILDREN` of the module.
"""

import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from nofx_cli.safety import process_table
from nofx_cli.safety.guardian import Guardian
from nofx_cli.safety.process_table import Process, ProcessTable

_PR_SET_CHILD_SUBREAPER = 36
_NEAR = 64
LOST = 255
_MARK_NAMES = ("NOFX_RUN_ID", "NOFX_STEP", "NOFX_ATTEMPT", "NOFX_IDEMPOTENCY_KEY")


_NOT_YET = Process(-1, -1, -1, -1, "", "")


class Family:
    """A step's main process and all that descends from it. It is known before its main process is there."""

    def __init__(self, kin: "Children", marks: frozenset[bytes]) -> None:
        self._kin, self.marks, self.main = kin, marks, _NOT_YET
        self._popen: subprocess.Popen[bytes] | None = None
        self._seen: dict[int, str] = {}

    def begin(self, popen: subprocess.Popen[bytes]) -> None:
        """Its main process was started."""
        self._popen, pid = popen, popen.pid
        self.main = process_table.look_up(pid) or Process(pid, os.getpid(), pid, pid, "", "")

    def remember(self) -> None:
        """Note all that descends from the main process, while it still lives and connects them."""
        self.note(process_table.descendants(process_table.read_table(), [self.main.pid]))

    def note(self, processes: list[Process]) -> None:
        """These belong to the family."""
        self._seen.update((process.pid, process.started) for process in processes)

    def has(self, process: Process) -> bool:
        """Whether the process belongs to it, as far as can be told."""
        if process.group == self.main.pid or self._seen.get(process.pid) == process.started:
            return True
        return bool(self.marks) and self.marks <= process_table.environment_of(process.pid)

    def reap_main(self) -> int | None:
        """The main process's exit code, below 0 the signal that ended it; None while it lives.

        Where a handler took it from us (`os.wait`), it is `LOST`: no success.
        """
        try:
            pid, status = os.waitpid(self.main.pid, os.WNOHANG)
        except ChildProcessError:
            pid, status = self.main.pid, LOST << 8
        if not pid:
            return None
        code = os.waitstatus_to_exitcode(status)
        if self._popen:
            self._popen.returncode = code  # so that it does not try itself
        return code

    def signal_group(self, sig: int) -> None:
        """Signal the main process and its group; only before it was reaped, while the number is surely its own."""
        with suppress(ProcessLookupError, PermissionError):  # nobody is left, or they are another user's
            os.killpg(self.main.pid, sig)

    def is_gone(self) -> bool:
        """Whether surely nothing is left, told cheaply; asked after the main process was reaped."""
        if self._kin.reaps and self._kin.are_none():
            return True
        _reap(-self.main.pid)
        return not _group_exists(self.main.pid) and not self._kin.may_have_strays(self)

    def living(self) -> list[Process]:
        """All that is left of it, told thoroughly. What is dead of it, as far as it became our child, is reaped."""
        table = process_table.read_table()
        roots = [process for process in table.values() if process.group == self.main.pid]
        roots += [process for pid, process in table.items() if self._seen.get(pid) == process.started]
        roots += self._kin.strays_of(self, table)
        found = {process.pid: process for process in roots}
        found.update((process.pid, process) for process in process_table.descendants(table, found))
        self.note(list(found.values()))
        return [process for process in found.values() if not process.dead]

    def release(self) -> bool:
        """Nothing is left: forget it. False when strays that nobody knows are to be ended first, by `living`."""
        return self._kin.release(self)


class Children:
    """The children of this process. Its methods may be called from several threads at a time."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.reaps = False
        self._lock = threading.Lock()
        self._families: list[Family] = []
        self._guardian: Guardian | None = None
        self._first_started = ""
        self._unknown: set[int] = set()
        self._own_environment: frozenset[bytes] = frozenset()

    def start(self, popen: Callable[[], subprocess.Popen[bytes]], marks: frozenset[bytes]) -> Family:
        """Start a main process, guarded. Several start at the same time, so the lock is not held meanwhile."""
        family = Family(self, marks)
        with self._lock:
            guardian = self._guardian = self._guardian or self._new_guardian()
            self._families.append(family)
        try:
            child = popen()
        except BaseException:
            self._families.remove(family)
            raise
        if not guardian.watch(child.pid):
            self._replace(guardian)
        family.begin(child)
        with self._lock:  # whoever started first may come here last
            ticks = [started for started in (self._first_started, family.main.started) if started.isdigit()]
            self._first_started = min(ticks, key=int, default="")
        return family

    def release(self, family: Family) -> bool:
        """Forget a family of which nothing is left; see `Family.release`."""
        with self._lock:
            if self._families == [family]:
                unknown, self._unknown = self._unknown, set()
                if any(_is_child(pid) for pid in unknown):
                    return False
            if family in self._families:
                self._families.remove(family)
            guardian = self._guardian
        if guardian:
            guardian.release(family.main.pid)
        return True

    def are_none(self) -> bool:
        """Whether this process has no children at all."""
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return True
        return False

    def may_have_strays(self, family: Family) -> bool:
        """Whether there is a stray that could belong to `family`, told without looking at all processes."""
        if not self.reaps:
            return False
        known = {each.main.pid for each in self._families.copy()}
        for pid in _younger_than(family.main.pid):
            if pid in known or not _is_child(pid):
                continue
            process = process_table.look_up(pid)
            if not process or self._is_foreign(process):
                continue
            if process.dead:
                self._reap_stray(process)
            elif self._belongs(process, family):
                return True
        return False

    def strays_of(self, family: Family, table: ProcessTable) -> list[Process]:
        """The strays that belong to `family`, and, when it is the only one, those that nobody knows."""
        if not self.reaps:
            return []
        with self._lock:
            known = {each.main.pid for each in self._families}
            found = []
            for process in table.values():
                if process.parent != os.getpid() or process.pid in known or self._is_foreign(process):
                    continue
                if process.dead:
                    self._reap_stray(process)
                elif _is_child(process.pid) and self._belongs(process, family):
                    found.append(process)
            family.note(found)
            return found

    def forget_all(self) -> None:
        """A forked copy of this process has no children yet, and its parent's guardian is not its own."""
        guardian = self._guardian
        self._begin()
        if guardian:
            guardian.close()

    def _reap_stray(self, process: Process) -> None:
        """A dead one may yet be a main process that was started just now: its end is told to who started it."""
        families = self._families.copy()
        if any(each.main is _NOT_YET for each in families):
            self._unknown.add(process.pid)
        elif all(each.main.pid != process.pid for each in families):
            _reap(process.pid)

    def _belongs(self, process: Process, family: Family) -> bool:
        others = [each for each in self._families.copy() if each is not family]
        if any(other.has(process) for other in others):
            return False
        if family.has(process):
            return True
        if os.getpid() == 1:
            return False
        if others:
            self._unknown.add(process.pid)
        return not others

    def _replace(self, guardian: Guardian) -> None:
        """Somebody ended it; the next start has a new one."""
        with self._lock:
            if self._guardian is guardian:
                guardian.dismiss()
                self._guardian = None

    def _is_foreign(self, process: Process) -> bool:
        """Whether it is no descendant of a step. One with our very environment was started by a handler, or is just
        being started by us: until it executes its program, it has our memory."""
        if process.session == os.getsid(0) or int(process.started) < int(self._first_started or 0):
            return True
        own = self._own_environment = self._own_environment or process_table.environment_of(os.getpid())
        return not process.dead and process_table.environment_of(process.pid) == own != process_table.NO_ENVIRONMENT

    def _new_guardian(self) -> Guardian:
        """Start it while we are no reaper of orphans, or it would become our child."""
        if self.reaps:
            _set_subreaper(False)
        guardian = Guardian()
        if process_table.ON_LINUX:
            import ctypes  # noqa: F401 - slow to load, so it is loaded while the guardian starts
        guardian.wait_until_detached()
        self.reaps = process_table.ON_LINUX and _set_subreaper(True)
        return guardian


def marks_of(env: Mapping[str, str]) -> frozenset[bytes]:
    """What tells the processes of a step from all others."""
    return frozenset(os.fsencode(f"{name}={env[name]}") for name in _MARK_NAMES if name in env)


def _set_subreaper(on: bool) -> bool:
    import ctypes

    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0) == 0)


def _reap(pid: int) -> None:
    """Reap what is dead of a child, or of a group (below 0) of children."""
    with suppress(ChildProcessError):
        while os.waitpid(pid, os.WNOHANG)[0] and pid < 0:
            continue


def _group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):  # macOS denies it where only dead ones are left
        return False
    return True


def _is_child(pid: int) -> bool:
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _younger_than(pid: int) -> list[int] | range:
    """All pids given since `pid` was, and maybe more. Pids are given in turn; the last one stands in /proc/loadavg."""
    try:
        with open("/proc/loadavg", "rb", buffering=0) as loadavg:
            last = int(loadavg.read().rsplit(None, 1)[-1])
    except (OSError, ValueError, IndexError):
        last = 0
    if pid <= last <= pid + _NEAR:
        return range(pid + 1, last + 1)
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


CHILDREN = Children()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=CHILDREN.forget_all)
