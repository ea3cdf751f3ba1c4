"""The named fault points of a worker process, its queue and those who enqueue: where each lies, and how to die there.

A point is a function of nofx that is wrapped, in a forked child only, so that the process ends by SIGKILL before the
function, after it, or when half of what it writes is written. A function that was renamed is an AttributeError here;
one that is not called any more shows as a point that no case hits.
"""

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from nofx_cli.domain.events import JournalRepaired
from nofx_cli.drivers.filesystem import journal_file, queue, queue_log
from nofx_cli.drivers.filesystem.journal_file import JournalFile
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.liveness import FileLiveness
from nofx_cli.drivers.filesystem.queue import FileQueue
from nofx_cli.drivers.filesystem.queue_log import QueueLog
from nofx_cli.drivers.filesystem.worker_record import RECORD_BYTES, LockedRecord
from nofx_cli.drivers.filesystem.workers import FileWorkers
from nofx_cli.engine import enqueue
from nofx_cli.worker import offers, recovery, runs_in_hand
from nofx_cli.worker.attempts import Attempts
from nofx_cli.worker.execution import Execution
from nofx_cli.worker.runs_in_hand import RunsInHand

Installer: TypeAlias = Callable[["Death"], None]
When: TypeAlias = Callable[..., bool]


class Death:
    """The end of this process when it comes to a point for the `passing`th time; each hit is noted in a file first."""

    def __init__(self, point: str, passing: int, *, hits: Path) -> None:
        self.point, self._passing, self._hits = point, passing, hits
        self._count = 0

    def install(self) -> None:
        """Wrap what has to be wrapped; only for this process, which is a child of its own."""
        global _chosen  # noqa: PLW0603 - the handler of the project, loaded by nofx, has to find it
        _chosen = self
        installer = POINTS[self.point]
        if installer is not None:
            installer(self)

    def is_next(self) -> bool:
        """Whether this passing is the one to die at."""
        self._count += 1
        return self._count == self._passing

    def die(self) -> None:
        fd = os.open(self._hits, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.write(fd, f"{self.point}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)

    def passed(self) -> None:
        if self.is_next():
            self.die()


_chosen: Death | None = None


def passed(point: str) -> None:
    """What the handler of the project calls, for the points that lie in a handler."""
    if _chosen is not None and _chosen.point == point:
        _chosen.passed()


def _always(*args: object, **named: object) -> bool:
    return True


def _before(owner: Any, name: str, when: When = _always) -> Installer:
    """Die before a call. `when` is given its arguments."""

    def install(death: Death) -> None:
        call = getattr(owner, name)

        def dying(*args: Any, **named: Any) -> Any:
            if when(*args, **named):
                death.passed()
            return call(*args, **named)

        setattr(owner, name, dying)

    return install


def _after(owner: Any, name: str, when: When = _always) -> Installer:
    """Die after a call. `when` is given its result and its arguments."""

    def install(death: Death) -> None:
        call = getattr(owner, name)

        def dying(*args: Any, **named: Any) -> Any:
            result = call(*args, **named)
            if when(result, *args, **named):
                death.passed()
            return result

        setattr(owner, name, dying)

    return install


def _torn(owner: Any, name: str = "write_all") -> Installer:
    """Die when two thirds of what is to be written are written."""

    def install(death: Death) -> None:
        write = getattr(owner, name)

        def dying(fd: int, data: bytes) -> None:
            if death.is_next():
                write(fd, data[: len(data) * 2 // 3])
                death.die()
            write(fd, data)

        setattr(owner, name, dying)

    return install


def _half_record(method: str) -> Installer:
    """Die when half of a worker's record is written, by the one or the other way that it is written."""

    def install(death: Death) -> None:
        call, pwrite = getattr(LockedRecord, method), os.pwrite

        def half(fd: int, data: Any, offset: int) -> int:
            if len(data) == RECORD_BYTES and death.is_next():
                pwrite(fd, data[: len(data.rstrip()) // 2], offset)
                death.die()
            return pwrite(fd, data, offset)

        def dying(*args: Any) -> None:
            os.pwrite = half
            try:
                call(*args)
            finally:
                os.pwrite = pwrite

        setattr(LockedRecord, method, dying)

    return install


def _no_sync(install: Installer) -> Installer:
    """The disk itself is not waited for: what is lost with the power is another test."""

    def installer(death: Death) -> None:
        journal_file.fdatasync = lambda fd: None  # type: ignore[attr-defined]
        install(death)

    return installer


def _take_from(*, after: bool) -> Installer:
    """Around a `take_from` that has jobs to set free."""

    def install(death: Death) -> None:
        take_from = FileQueue.take_from

        def dying(self: FileQueue, worker: Any, reason: str) -> Any:
            holds = worker in self.holders()
            if holds and not after:
                death.passed()
            freed = take_from(self, worker, reason)
            if holds and after:
                death.passed()
            return freed

        FileQueue.take_from = dying  # type: ignore[method-assign,assignment]

    return install


def _named(ending: str, *, place: int = 1) -> When:
    """Whether a path among the arguments ends so."""
    return lambda *args, **_named: str(args[place]).endswith(ending)


def _in_making(path: Path, *_: object, **_named: object) -> bool:
    return path.name.startswith(".new-")


def _tells_repair(_journal: object, drafts: Any, *_: object, **_named: object) -> bool:
    return isinstance(drafts[0].payload, JournalRepaired)


def _keeps_torn(_result: object, _layout: object, path: Path, *_: object, **_named: object) -> bool:
    return path.name.startswith("journal.torn-")


def _keeps_plan(_result: object, _layout: object, path: Path, *_: object, **_named: object) -> bool:
    return path.name == "plan.yaml"


def _not_empty(result: object, *_args: object, **_named: object) -> bool:
    return bool(result)


def _second(_first: object, second: object, *_: object, **_named: object) -> bool:
    return bool(second)


def _third(_result: object, _first: object, third: object, *_: object, **_named: object) -> bool:
    return bool(third)


def _shared(*_: object, shared: bool = False, **_named: object) -> bool:
    return shared


def _has_results(execution: Execution, *_: object, **_named: object) -> bool:
    return bool(execution.results)


JOURNAL: Mapping[str, Installer] = {
    "journal: before the write": _before(JournalFile, "_write"),
    "journal: in the middle of the write": _torn(journal_file),
    "journal: written, not synced": _after(journal_file, "write_all"),
    "journal: synced": _no_sync(_after(journal_file, "fdatasync")),
    "journal: after the append": _after(JournalFile, "_write"),
}
REPAIR: Mapping[str, Installer] = {
    "repair: torn tail kept, not cut": _after(Layout, "write_durably", _keeps_torn),
    "repair: torn tail cut, not told": _before(JournalFile, "_write", _tells_repair),
}
CREATION: Mapping[str, Installer] = {
    "creation: plan written, no journal": _after(Layout, "write_durably", _keeps_plan),
    "creation: whole, without its name": _before(Path, "rename", _in_making),
    "creation: in its place": _after(Path, "rename", lambda _result, *args: _in_making(*args)),
}
ENQUEUE: Mapping[str, Installer] = {
    "enqueue: run there, jobs not put": _before(enqueue, "put_jobs"),
    "enqueue: jobs put, nobody woken": _after(enqueue, "put_jobs"),
}
QUEUE: Mapping[str, Installer] = {
    "queue: before the write": _before(QueueLog, "_write"),
    "queue: in the middle of the write": _torn(queue_log),
    "queue: written, not noted": _before(queue, "write_note"),
    "queue: noted, still locked": _after(queue, "write_note"),
    "queue: new log without its name": _before(os, "replace", _named("log.jsonl")),
    "queue: new log in place": _after(os, "replace", _named("log.jsonl", place=2)),
}
CLAIM: Mapping[str, Installer] = {
    "claim: job claimed, run not held": _after(FileQueue, "claim", _not_empty),
    "claim: run held, nothing appended": _after(FileLiveness, "hold", lambda _hold, *args, **named: _shared(**named)),
    "claim: appended, handler not started": _before(Attempts, "start"),
    "claim: handler started, job not acked": _before(FileQueue, "ack"),
    "claim: job acked": _after(FileQueue, "ack"),
}
HANDLER: Mapping[str, Installer | None] = {
    "handler: before its effect": None,
    "handler: after its effect": None,
}
EFFECT: Mapping[str, Installer | None] = {
    "effect: intended, not made": None,
    "effect: made, not on record": None,
    "effect: on record": None,
}
LOOK: Mapping[str, Installer | None] = {"effect: looked for": None}
RESULT: Mapping[str, Installer] = {
    "result: there, not committed": _before(Execution, "commit", _has_results),
    "result: committed, jobs not put": _before(offers, "put_jobs", _second),
    "result: jobs put": _after(offers, "put_jobs", _third),
    "run: before it is let go": _before(RunsInHand, "let_go"),
    "run: let go": _after(RunsInHand, "let_go"),
}
WORKER: Mapping[str, Installer] = {
    "worker: before its record": _before(LockedRecord, "_make"),
    "worker: half of its first record": _half_record("_make"),
    "worker: record without its name": _before(os, "rename", _named(".json")),
    "worker: registered": _after(FileWorkers, "register"),
    "worker: half of a later record": _half_record("write"),
    "worker: before its record is taken away": _before(LockedRecord, "close"),
}
RECOVERY: Mapping[str, Installer] = {
    "recovery: leftovers ended, nothing appended": _after(recovery, "_end_marked"),
    "recovery: appended, nothing put": _after(runs_in_hand, "take_over", _not_empty),
    "recovery: before jobs are set free": _take_from(after=False),
    "recovery: jobs set free": _take_from(after=True),
    "recovery: before a record is cleared": _before(FileWorkers, "clear"),
    "recovery: record cleared": _after(FileWorkers, "clear"),
}
POINTS: Mapping[str, Installer | None] = {
    **JOURNAL, **REPAIR, **CREATION, **ENQUEUE, **QUEUE, **CLAIM, **HANDLER, **EFFECT, **LOOK, **RESULT, **WORKER,
    **RECOVERY,
}  # fmt: skip
