"""The runs that a worker has open: those of which it executes steps now, and some that it may soon execute more of."""

from collections import OrderedDict
from collections.abc import Iterator

from nofx_cli.domain.ids import RunId, WorkerId
from nofx_cli.engine.open_run import OpenRun, ServicesAt
from nofx_cli.engine.services import Services
from nofx_cli.ports.liveness import Hold
from nofx_cli.worker.attempts import Attempts
from nofx_cli.worker.execution import Execution
from nofx_cli.worker.observer import Observer
from nofx_cli.worker.recovery import executor_facts, take_over

_REMEMBERED = 1_000
_KEPT = 16  # open again at once: a run whose steps come one by one through the queue is not read anew each time


class RunsInHand:
    """Takes runs up, with what the dead left in them, and lets them go."""

    def __init__(
        self, services: Services, attempts: Attempts, *, me: WorkerId, observer: Observer, at: ServicesAt | None
    ) -> None:
        self._services, self._attempts, self._me = services, attempts, me
        self._observer, self._at = observer, at
        self._facts = {**executor_facts(), "worker": me}
        self._held: dict[RunId, tuple[Execution, Hold]] = {}
        self._kept: OrderedDict[RunId, Execution] = OrderedDict()
        self._ended: OrderedDict[RunId, int] = OrderedDict()

    def __iter__(self) -> Iterator[Execution]:
        return (execution for execution, _ in list(self._held.values()))

    def get(self, run: RunId) -> Execution | None:
        """The run, while it is held."""
        found = self._held.get(run)
        return found[0] if found else None

    def hold_of(self, run: RunId) -> Hold:
        """The hold of a run that is in hand."""
        return self._held[run][1]

    def take_up(self, run: RunId) -> Execution | None:
        """Hold the run, beside other workers, and set free what the dead had of it; None where nothing is to be done.

        That is where it has ended, and where it was rolled back and nobody has gone on with it yet.

        Raises:
            errors.Conflict: a process executes it alone (code `run-is-held`).
            errors.NofxError: it cannot be opened; why, as `OpenRun.load` says.
        """
        execution = self.get(run)
        if execution is not None:
            execution.look()
            execution.tell(take_over(execution.open_run, me=self._me))
            return execution
        if self._has_ended(run) and not self._services.artifacts.left_scratch(run):
            return None
        hold = self._services.liveness.hold(run, shared=True)
        try:
            execution = self._open(run)
            if not execution.open_run.state.set_back:
                execution.tell(take_over(execution.open_run, me=self._me))
        except BaseException:
            hold.release()
            self._services.store.forget(run)
            raise
        self._held[run] = (execution, hold)
        if execution.open_run.state.ended or execution.open_run.state.set_back:
            self.let_go(execution)
            return None
        return execution

    def let_go(self, execution: Execution) -> None:
        """Give a run back of which nothing runs here; one that has not ended is kept open for a while."""
        open_run = execution.open_run
        _, hold = self._held.pop(open_run.run)
        if open_run.state.ended:
            open_run.services.artifacts.clear_scratch(open_run.run)
            self._services.store.forget(open_run.run)
            self._ended[open_run.run] = open_run.seq
            if len(self._ended) > _REMEMBERED:
                self._ended.popitem(last=False)
        else:
            self._kept[open_run.run] = execution
            if len(self._kept) > _KEPT:
                self._services.store.forget(self._kept.popitem(last=False)[0])
        hold.release()

    def close(self) -> None:
        """Give all runs back."""
        for _, hold in self._held.values():
            hold.release()
        self._held.clear()

    def _has_ended(self, run: RunId) -> bool:
        """Whether it has ended in these hands, and nothing was appended since: a job too many is answered quickly."""
        if run not in self._ended:
            return False
        summary = self._services.store.summary(run)
        return summary is not None and summary.last.seq == self._ended[run]

    def _open(self, run: RunId) -> Execution:
        execution = self._kept.pop(run, None)
        if execution is not None:
            execution.look()
            return execution
        open_run = OpenRun.load(self._services, run, at=self._at)
        return Execution(open_run, self._attempts, observer=self._observer, facts=self._facts)
