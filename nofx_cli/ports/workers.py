"""The worker processes of a store: who lives, who is gone, and how to wake them.

A worker holds an operating-system lock from `register` until `release` or its death, however it dies; the lock is the
authority. What its record says is information for people. Its id alone tells host and process too (see
`safety.identity`), so that a worker whose record and lock file were deleted or replaced is still judged rightly.

States of a worker: alive → gone. There is no time-out and no heartbeat.

- ALIVE: the lock is held; or the very process (pid, start time, boot) is seen to run on this host.
- GONE: the lock is free or its file is missing, on the machine that the worker ran on, and there is no such process.
- ELSEWHERE: it ran on another host, and the lock is not seen to be held from here. Nobody here can know whether it
  lives, so it is never declared dead; a person may say so (`declare_gone`).

A worker that was released is GONE for its own process at once, and for others when that process has ended.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from nofx_cli.domain.ids import WorkerId
from nofx_cli.domain.record import record


class Standing(StrEnum):
    """How a worker stands, as far as can be known from here."""

    ALIVE = "alive"
    GONE = "gone"
    ELSEWHERE = "elsewhere"


@record
class WorkerInfo:
    """What a worker says of itself.

    Attributes:
        since: when it registered, RFC 3339.
        doing: the attempts it runs, as `<run>/<step>/<attempt>`; at most the first 20.
        steps, runs: how many attempts and how many runs came to their end in its hands.
        last_minute: how many attempts came to their end in the minute before `at`.
        at: when it said so, RFC 3339.
        stopping: it takes no more work.
    """

    id: WorkerId
    pid: int
    host: str
    since: str = ""
    concurrency: int = 0
    nofx: str = ""
    log: str = ""
    doing: tuple[str, ...] = ()
    steps: int = 0
    runs: int = 0
    last_minute: int = 0
    at: str = ""
    stopping: bool = False

    def as_of(self, first: "WorkerInfo", *, at: str) -> "WorkerInfo":
        """This, with what a worker is from `first` (id, process, since when, …), and said now unless it says when."""
        return replace(
            self,
            id=first.id,
            pid=first.pid,
            host=first.host,
            since=first.since,
            concurrency=first.concurrency,
            nofx=first.nofx,
            log=first.log,
            at=self.at or at,
        )


@record
class SeenWorker:
    """A worker as somebody else sees it. Of a record that cannot be read only what the id tells is there."""

    info: WorkerInfo
    standing: Standing


class Registration(Protocol):
    """This process as a worker of the store, until `release` or its death."""

    @property
    def id(self) -> WorkerId:
        """The id it works under."""
        ...

    def tell(self, info: WorkerInfo) -> None:
        """Write what it does now; what it is (id, pid, host, since, concurrency, nofx, log) stays as registered.

        Cheap; nothing is synced. What was deleted is made anew, so an idle worker tells now and then. Never raises,
        also for a full disk. Does nothing after `release`.
        """
        ...

    def wait_for_ring(self, *, timeout_ms: float) -> bool:
        """Block until somebody rings, or until `timeout_ms` have passed (False). Rings before the call are not lost.

        True may also come without a ring. Where the store's file system has no means to ring, False comes after
        250 ms at the latest, so that the worker looks by itself.
        """
        ...

    def release(self) -> None:
        """Be a worker no more: record and lock are taken away. May be called twice. A `wait_for_ring` in another
        thread ends soon after."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Workers(Protocol):
    """All worker processes of one store."""

    def register(self, *, concurrency: int, log: str = "") -> Registration:
        """Become a worker of the store.

        Raises:
            errors.StoreFailure: the record cannot be written.
        """
        ...

    def standing(self, worker: WorkerId) -> Standing:
        """How a worker stands. A text that is no worker's id (an earlier version wrote names of people) is GONE."""
        ...

    def seen(self) -> Sequence[SeenWorker]:
        """All that have a record, oldest first; ids of other stores are never among them."""
        ...

    def any_alive(self) -> bool:
        """Whether a worker of this store lives and takes work (is not `stopping`). Cheap where there is none.

        One whose record was deleted is not found until it tells anew.
        """
        ...

    def wait_until_gone(self, worker: WorkerId, *, timeout_ms: float | None) -> bool:
        """Block until the worker is not alive any more; False on time-out.

        Without a time-out the kernel wakes whoever waits, and nothing is polled but where the lock file is missing.
        """
        ...

    def ring(self) -> None:
        """Wake every living worker of this host. Never blocks, never fails. Those of other hosts look by themselves."""
        ...

    def declare_gone(self, worker: WorkerId) -> None:
        """Say, as a person who knows, that a worker ELSEWHERE is gone; from then on it is GONE for everybody.

        A worker of another host need not have a record: that may have been deleted.

        Raises:
            errors.NotFound: it is GONE, and there is no record of it (code `worker-not-found`).
            errors.Conflict: it is alive (code `worker-alive`).
        """
        ...

    def clear(self, worker: WorkerId) -> None:
        """Take away what a worker that is GONE left here; it stays GONE. Does nothing for any other. Never raises."""
        ...
