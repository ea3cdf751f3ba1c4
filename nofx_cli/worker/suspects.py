"""The runs that may need a worker and have no job: after a crash, a deletion of the queue, or the death of a process.

All runs are suspects when a worker starts, and new ones later, for their makers may have died before they put a job.
A look at the last lines of a journal clears most of them, unless a dead process has left files of an attempt: it may
have left processes too, of a run that was cancelled. A run that a process executes alone stays a suspect until
that process has left it. A run that has only just been made is given some time: its maker is about to hold it, or to
put a job. A run that has not begun has its job, as a rule, so it is opened only when nothing else is to be done.
"""

from nofx_cli import errors
from nofx_cli.domain.ids import RunId
from nofx_cli.engine.going_on import is_young, may_go_on
from nofx_cli.engine.services import Services
from nofx_cli.ports.journal import RunSummary

_YOUNG_LOOKS = 3
_LOOKED_THROUGH = 50


class Suspects:
    """Which runs are to be examined, and in which order."""

    def __init__(self, services: Services) -> None:
        self._store, self._liveness, self._clock = services.store, services.liveness, services.clock
        self._artifacts = services.artifacts
        self._newcomers = services.store.newcomers()
        self._young: dict[RunId, int] = {}
        self._now: dict[RunId, bool] = {}  # whether the run was given its time
        self._not_begun: dict[RunId, None] = {}
        self._held: dict[RunId, None] = {}

    def any_now(self, *, idle: bool) -> bool:
        """Whether `next` may give one now."""
        return bool(self._now or (idle and self._not_begun))

    def any_left(self) -> bool:
        """Whether there is one, now or in a while; those that a process executes alone are not counted."""
        for run in list(self._young):
            summary = self._summary(run)
            if summary is None or not is_young(summary, self._clock):
                del self._young[run]
                self._now[run] = True
        return bool(self._now or self._not_begun or self._young)

    def begin(self) -> None:
        """Suspect every run there is."""
        self._newcomers = self._store.newcomers()
        for run in reversed(self._newcomers.look()):
            self._now.setdefault(run, run in self._young)
        self._young.clear()

    def look(self) -> None:
        """Suspect new runs whose time is over, and those that were let go by who held them."""
        for run, looks in list(self._young.items()):
            if looks > 1:
                self._young[run] = looks - 1
            else:
                del self._young[run]
                self._now[run] = True
        self._young.update(dict.fromkeys(self._newcomers.look(), _YOUNG_LOOKS))
        for run in list(self._held):
            if not self._is_held(run):
                del self._held[run]
                self._now[run] = True

    def first(self, run: RunId) -> None:
        """Suspect a run before all others."""
        self._now = {run: True, **self._now}

    def clear(self, run: RunId) -> None:
        """It has ended: no suspect any more."""
        for runs in (self._now, self._young, self._not_begun):
            runs.pop(run, None)

    def later(self, run: RunId) -> None:
        """Suspect a run again when the process that executes it alone has left it."""
        self._held[run] = None

    def next(self, *, idle: bool) -> RunId | None:
        """The next run that is worth to be opened; None when there is none, or for now.

        Args:
            idle: nothing else is to be done.

        Raises:
            errors.StoreFailure: the store cannot be read.
        """
        for _ in range(_LOOKED_THROUGH):
            if not self._now:
                break
            run, aged = next(iter(self._now.items()))
            summary = self._summary(run)
            del self._now[run]
            if summary is None or not (may_go_on(summary) or self._artifacts.left_scratch(run)):
                continue
            if summary.last.seq > summary.first.seq:
                return run
            if not aged and is_young(summary, self._clock):
                self._young[run] = _YOUNG_LOOKS
            else:
                self._not_begun[run] = None
        while idle and self._not_begun:
            run = next(iter(self._not_begun))
            summary = self._summary(run)
            del self._not_begun[run]
            if summary is not None and may_go_on(summary):
                return run
        return None

    def _is_held(self, run: RunId) -> bool:
        try:
            holder = self._liveness.holder(run)
        except errors.NotFound:
            return False
        return holder is not None and not holder.shared

    def _summary(self, run: RunId) -> RunSummary | None:
        try:
            return self._store.summary(run)
        except errors.NotFound:  # taken away since
            return None
