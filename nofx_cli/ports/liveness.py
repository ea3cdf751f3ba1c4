"""Who executes a run. The holder keeps an operating-system lock while it lives, so that its death is seen at once.

States: free → held (by a process that lives) → free. There is no time-out and no heartbeat: the kernel frees the
lock however the holder dies. What the lock's file says about the holder is information for people; the lock is
the authority.
"""

from types import TracebackType
from typing import Protocol, Self

from nofx_cli.domain.ids import RunId
from nofx_cli.domain.record import record


@record
class Holder:
    """A process that executes runs: `started` and `boot_id` tell it from a later process with the same pid."""

    pid: int
    host: str
    boot_id: str
    started: str
    command: str = ""


class Hold(Protocol):
    """A run that this process executes, until `release` or its death."""

    def release(self) -> None:
        """Give the run back. May be called twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Liveness(Protocol):
    """Take, and look at, the right to execute a run."""

    def hold(self, run: RunId) -> Hold:
        """Become the executor of `run`.

        Raises:
            errors.Conflict: a living process holds it (code `run-is-held`); the message names pid and host.
        """
        ...

    def holder(self, run: RunId) -> Holder | None:
        """The living process that executes `run`; None when there is none."""
        ...

    def previous(self, run: RunId) -> Holder | None:
        """Who held the run last, also when it is gone; None when nobody did."""
        ...
