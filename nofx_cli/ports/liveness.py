"""Who executes a run. The holder keeps an operating-system lock while it lives, so that its death is seen at once.

States: free → held alone, or shared by workers (processes that live) → free. There is no time-out and no heartbeat:
the kernel frees the lock however a holder dies. What the lock's file says about the holder is information for people;
the lock is the authority.

A process that executes a run by itself, in the foreground, holds it alone. Worker processes share it: which of them
executes which attempt is decided by the journal, and who of them lives is told by `ports.workers`.
"""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from nofx_cli.domain.ids import RunId
from nofx_cli.domain.record import record


@record
class Holder:
    """Who executes a run: `started` and `boot_id` tell a process from a later one with the same pid.

    `shared` says that it is held by one or more workers; then the pid is 0, and the texts are empty.
    """

    pid: int
    host: str
    boot_id: str
    started: str
    command: str = ""
    shared: bool = False

    @property
    def who(self) -> str:
        """The holder in words: `process 4711 on here`, or `a worker`."""
        if self.shared:
            return "a worker"
        return f"process {self.pid} on {self.host}" if self.pid else "another process"


class Hold(Protocol):
    """A run that this process executes, or one of several that do, until `release` or its death."""

    def turn(self) -> AbstractContextManager[None]:
        """Decide and append one after the other, among those that share the hold.

        Waits a moment for the others, then goes on all the same: nothing rests on it but speed, since every append is
        a compare-and-swap. Without it, who decides on a stale state has to read the whole run anew.
        """
        ...

    def release(self) -> None:
        """Give the run back. May be called twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Liveness(Protocol):
    """Take, and look at, the right to execute a run."""

    def hold(self, run: RunId, *, shared: bool = False) -> Hold:
        """Become the executor of `run`; with `shared`, one of the workers that execute it together.

        Shared holds do not hinder one another, in one process or in several. A hold that is not shared excludes
        every other.

        Raises:
            errors.Conflict: a living process holds it (code `run-is-held`); the message names pid and host, or says
                that it is a worker.
        """
        ...

    def holder(self, run: RunId) -> Holder | None:
        """Who lives and executes `run`; None when nobody does. A look hinders nobody and takes no time."""
        ...

    def previous(self, run: RunId) -> Holder | None:
        """Who held the run alone last, also when it is gone; None when nobody did. Shared holds leave no trace."""
        ...
