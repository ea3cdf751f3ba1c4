"""The journal: one append-only sequence of events a run, the only truth about it.

States of a batch: not there → durable. `append` is a compare-and-swap on the last sequence number; whoever
wins it owns the transition. Crash points and what a driver must make of them:

- before the write: nothing happened;
- in the middle of the write: the batch is torn, readers do not see any line of it, and the next writer
  cuts it off, keeps the bytes and tells it with `journal.repaired`;
- after the write and before the answer: the batch is committed, and the writer finds it when it reads again.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from nofx_cli import errors
from nofx_cli.domain.codec import Head
from nofx_cli.domain.events import Actor, Draft, Event
from nofx_cli.domain.ids import JsonObject, RunId
from nofx_cli.domain.record import record


class AppendConflict(errors.Conflict):
    """Somebody appended first; nothing of this batch was written. `since` is what came in between."""

    default_code = "append-conflict"

    def __init__(self, run: RunId, since: Sequence[Event]) -> None:
        super().__init__(f"run {run} was changed by somebody else", context={"run": run})
        self.since = tuple(since)


@record
class RunSummary:
    """A run as the head and the tail of its journal tell it, without reading the whole.

    `first` is `run.created`; `last_run_event` the newest event of the run as a whole; `last` the newest of all.
    """

    run: RunId
    first: Event
    last_run_event: Event
    last: Event


class Newcomers(Protocol):
    """Tells which runs have appeared."""

    def look(self) -> list[RunId]:
        """The runs that appeared since the last look, newest first; the first look gives all.

        Cheap where there is nothing new. A run may come up one look late, never twice.
        """
        ...


class RunStore(Protocol):
    """All runs, each with its journal and the text of its plan."""

    def create(self, run: RunId, plan_text: str, drafts: Sequence[Draft], *, at: str, actor: Actor) -> list[Event]:
        """Make the run with its first batch, durably: afterwards the run is there with all of it, or not at all.

        Raises:
            errors.Conflict: there is a run of that id.
            errors.StoreFailure: disk full, read-only, I/O error; nothing was created.
        """
        ...

    def append(self, run: RunId, expected_seq: int, drafts: Sequence[Draft], *, at: str, actor: Actor) -> list[Event]:
        """Write the whole batch durably behind event `expected_seq`, or nothing. Returns the events at their places.

        Raises:
            AppendConflict: the journal does not end in `expected_seq`.
            errors.NotFound: there is no such run.
            errors.StoreFailure: it could not be written; what was committed before stays, and the batch is
                not there (a driver that cannot tell takes its lock again and cuts the batch off).
        """
        ...

    def read(self, run: RunId, *, after_seq: int = 0) -> Iterator[Event]:
        """The committed events behind `after_seq`, in order. A torn tail is not shown.

        Raises:
            errors.NotFound: there is no such run.
            errors.StoreFailure: a line in the middle cannot be read (code `journal-damaged`).
        """
        ...

    def head(self, run: RunId) -> Head:
        """The end of the journal: last sequence number and digest."""
        ...

    def noted_head(self, run: RunId) -> Head | None:
        """The head that the store noted apart from the journal after the last append, where it did."""
        ...

    def lines(self, run: RunId) -> Iterator[bytes]:
        """The raw lines, for `verify` and export, damaged ones and a torn last one too."""
        ...

    def plan_text(self, run: RunId) -> str:
        """The text of the plan that the run was made from."""
        ...

    def place(self, run: RunId) -> JsonObject:
        """Where a run that was carried here works: `path` of the project and, where it has one, its worktree's `tree`.

        Empty for a run that was made here: then `run.created` tells it.

        Raises:
            errors.StoreFailure: it was noted, and cannot be read.
        """
        ...

    def runs(self) -> Iterator[RunId]:
        """The ids of all runs, newest first, without opening any journal."""
        ...

    def newcomers(self) -> Newcomers:
        """A look-out for new runs, for one thread."""
        ...

    def forget(self, run: RunId) -> None:
        """Let go of what is kept open for a run; it is opened again when it is needed."""
        ...

    def summary(self, run: RunId) -> RunSummary | None:
        """Head and tail of a run's journal, in time that does not grow with its length; None if it has no event yet."""
        ...

    def wait(self, run: RunId, *, after_seq: int, timeout_ms: float) -> bool:
        """Block until the journal has an event behind `after_seq`; False when `timeout_ms` passed first.

        Wakes within milliseconds of an append by any process. May wake early; the caller looks again.
        """
        ...
