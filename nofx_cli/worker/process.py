"""The worker process: it takes jobs from the queue and executes steps of many runs, beside other workers.

One thread decides and appends; handlers run in threads of their own and report into the inbox, as do the signals, the
bell that others ring, and the watches on the other workers.

A job on its way through a worker, and what is left when it dies there:

1. claimed from the queue: the job is held by a worker that is gone; whoever sees that sets it free (`take_from`);
2. the run is held, shared with other workers: the kernel frees the hold;
3. `step.started` is appended: the step is `running` in the hands of a worker that is gone; whoever takes the run up
   next ends what it left running and appends `worker.lost` and `step.interrupted` (`recovery.take_over`);
4. the handler runs, the job is acked: the same; a job that was not acked finds nothing to do when it comes again;
5. the result, all that follows and the claim of the next step are appended in one batch; a result that comes after
   the attempt was given up is dropped, for it is not the running one any more;
6. jobs are put for what this worker leaves to others: without them the run is a suspect, and is found (`suspects`).
"""

from collections.abc import Callable
from typing import TypeVar

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.wording import counted
from nofx_cli.engine.attempt import INTERRUPTING, AttemptResult
from nofx_cli.engine.open_run import Batch, ServicesAt
from nofx_cli.engine.services import Services
from nofx_cli.ports.handler import StepCancelled
from nofx_cli.ports.queue import Job
from nofx_cli.ports.workers import Registration, WorkerInfo
from nofx_cli.worker.attempts import Append, Attempts, Inbox, Stop, WorkerGone
from nofx_cli.worker.deliveries import Deliveries
from nofx_cli.worker.execution import Execution
from nofx_cli.worker.fellows import Fellows
from nofx_cli.worker.observer import WorkerObserver
from nofx_cli.worker.offers import Offers
from nofx_cli.worker.own_record import OwnRecord
from nofx_cli.worker.recovery import give_up
from nofx_cli.worker.runs_in_hand import RunsInHand
from nofx_cli.worker.suspects import Suspects
from nofx_cli.worker.tally import Tally

T = TypeVar("T")

_TICK_MS = 1_000  # the safety net behind bell and watches, and how often the record is written
_LOOK_MS = 100  # how soon a cancellation is seen while steps run
_PATIENCE_MS = 1_000  # how long the jobs of other runs wait before a run has to stand in line again
_BACK_OFF_MS = (500, 1_000, 2_000, 5_000)
_EXAMINED_A_TURN = 8
_OF_ONE_RUN = frozenset({"EACCES", "EPERM", "EIO", "EISDIR", "ENOTDIR", "ELOOP"})
"""Errors of the system that one run's files may have while all others are well."""


class WorkerProcess:
    """The loop. `services` name the worker as their actor."""

    def __init__(
        self,
        services: Services,
        registration: Registration,
        *,
        concurrency: int,
        observer: WorkerObserver,
        inbox: Inbox,
        drain: bool = False,
        at: ServicesAt | None = None,
    ) -> None:
        self._services, self._queue, self._clock = services, services.queue, services.clock
        self._concurrency, self._drain = concurrency, drain
        self._observer, self._inbox = observer, inbox
        self._attempts = Attempts(services, inbox, observer)
        self._runs = RunsInHand(services, self._attempts, me=registration.id, observer=observer, at=at)
        self._suspects = Suspects(services)
        self._fellows = Fellows(services.workers, me=registration.id, inbox=inbox)
        self._tally = Tally(services.clock)
        self._record = OwnRecord(registration, self._attempts, self._tally, services.clock)
        self._offers = Offers(services, self._fellows)
        self._deliveries = Deliveries(services, me=registration.id, observer=observer)
        self._signals: list[str] = []
        self._give_up_ms = 0.0
        self._failures = 0
        self._paused_until_ms = self._tick_ms = 0.0

    def serve(self) -> str:
        """Work until a signal stops it (its name is returned) or, with `drain`, until the queue is empty."""
        self._suspects.begin()
        try:
            while True:
                self._guarded_turn()
                if self._guarded(self._is_done, otherwise=False):
                    break
                self._receive()
        finally:
            self._attempts.stop("killed")
            self._attempts.close()
            self._runs.close()
        return self._signals[0] if self._signals else ""

    def _guarded_turn(self) -> None:
        """One turn; where the store cannot be used, the next one is later each time, and nothing is given up."""
        if self._clock.monotonic_ms() < self._paused_until_ms and not self._signals:
            return
        if self._guarded(self._turn, otherwise=False):
            if self._failures and not self._signals:
                self._observer.note("the store can be used again")
            self._failures = 0

    def _guarded(self, act: Callable[[], T], *, otherwise: T) -> T:
        try:
            return act()
        except (errors.StoreFailure, OSError) as exc:
            pause_ms = _BACK_OFF_MS[min(self._failures, len(_BACK_OFF_MS) - 1)]
            self._failures += 1
            self._paused_until_ms = self._clock.monotonic_ms() + pause_ms
            self._observer.fault(f"{_told(exc)}; trying again in {pause_ms / 1000:g} s")
            return otherwise

    def _turn(self) -> bool:
        for result in self._attempts.enforce():
            self._take(result)
        if self._failures:
            self._deliveries.give_all_back()
        self._see_changes()
        now_ms = self._clock.monotonic_ms()
        if now_ms >= self._tick_ms:
            self._tick_ms = now_ms + _TICK_MS
            self._look_around()
        for execution in self._runs:
            if execution.results or not execution.running:
                self._go_on(execution)
        if not self._signals:
            self._take_jobs()
            self._examine()
        self._record.tell(stopping=bool(self._signals))
        return True

    def _is_done(self) -> bool:
        if self._signals:
            over = self._give_up_ms and self._clock.monotonic_ms() >= self._give_up_ms
            return not list(self._runs) or bool(over) or bool(self._failures and not len(self._attempts))
        if not self._drain or len(self._attempts) or self._failures or not self._inbox.empty():
            return False
        if self._suspects.any_left():
            return False
        stats = self._queue.stats()
        if stats.paused and stats.depth:
            self._observer.note(f"the queue is paused; {counted(stats.depth, 'job')} left in it")
            return True
        if not stats.depth and (stats.damaged or stats.claimed):
            self._look_around()  # what was lost since the last look is not left behind
            return not (self._queue.stats().depth or self._suspects.any_left())
        return not stats.depth

    # what has ended, and what follows

    def _go_on(self, execution: Execution) -> None:
        try:
            self._advance(execution, room=self._room(execution))
        except Exception as exc:  # whatever a plugin or a damaged run brings up must not end the worker
            if _may_pass(exc):
                raise
            self._abandon(execution, _told(exc))

    def _room(self, execution: Execution) -> int:
        """How many steps the run may start here now: its own, unless somebody has waited for long or comes first."""
        if self._signals:
            return 0
        free = self._concurrency - len(self._attempts)
        first = self._queue.first_due()
        if first is None:
            return 0 if self._queue.stats().paused else free
        waited_ms = (self._clock.now_us() - first.enqueued_us) / 1000 - first.delay_ms
        priority = execution.open_run.state.priority
        if first.priority > priority or (first.priority == priority and waited_ms > _PATIENCE_MS):
            return 0
        return min(free, len(execution.results))

    def _advance(self, execution: Execution, *, room: int) -> None:
        """Commit what has ended and what follows, start what may start, and leave the rest to the queue."""
        open_run = execution.open_run
        pressure: list[ev.QueueBackpressure | None] = []

        def build(batch: Batch) -> None:
            execution.fill(batch, room=room)
            for result in execution.results:
                if result.stopped in INTERRUPTING and self._signals:
                    reason = "its worker was stopped"
                    give_up(open_run, batch, step=result.step, attempt=result.attempt, reason=reason)
            pressure[:] = [self._offers.pressure(execution, batch)]

        events = execution.commit(build, hold=self._runs.hold_of(open_run.run))
        self._tally.add(events)
        try:
            self._offers.leave(execution, events, pressure[0])
        except errors.StoreFailure:
            self._suspects.first(open_run.run)
            raise
        finally:
            if not execution.running:
                self._runs.let_go(execution)
        if open_run.state.ended:
            self._suspects.clear(open_run.run)

    def _abandon(self, execution: Execution, why: str) -> None:
        """Leave a run alone whose journal cannot be used any more."""
        run = execution.open_run.run
        self._observer.fault(f"run {run} is left alone: {why}")
        self._attempts.stop("killed", only={key for key in self._attempts.running() if key[0] == run})
        execution.results = []
        if not execution.running:
            self._runs.let_go(execution)

    # jobs

    def _take_jobs(self) -> None:
        while (room := self._concurrency - len(self._attempts)) > 0 and self._inbox.empty():
            by_run = self._deliveries.claim(limit=room)
            if not by_run:
                return
            done: list[Job] = []
            try:
                for run, jobs in by_run.items():
                    done += jobs if self._deliver(run, jobs) else []
            finally:
                self._deliveries.done(done)

    def _deliver(self, run: RunId, jobs: list[Job]) -> bool:
        """Start what the jobs are for; False when they were refused."""
        try:
            execution = self._take_up(run)
            if execution is not None:
                execution.offered.difference_update(job.key for job in jobs)
                self._advance(execution, room=len(jobs))
        except Exception as exc:
            if _is_of_the_store(exc):
                raise
            self._deliveries.refuse(jobs, _told(exc))
            return False
        return True

    def _take_up(self, run: RunId) -> Execution | None:
        """The run, or None where it has ended or a process executes it alone; then it is looked at later."""
        try:
            return self._runs.take_up(run)
        except errors.Conflict as exc:
            if exc.code != "run-is-held":
                raise
            self._suspects.later(run)
            return None

    # what others left

    def _look_around(self) -> None:
        self._suspects.look()
        for info in self._fellows.look():
            self._lose(info)
        self._deliveries.set_all_free()
        if self._queue.stats().damaged:
            self._observer.fault("records of the queue could not be read; it is rebuilt from the journals")
            self._queue.mended()
            self._suspects.begin()

    def _lose(self, info: WorkerInfo) -> None:
        """Another worker is gone: what it had in its hands goes on."""
        self._observer.note(f"worker {info.id} is gone")
        self._suspects.begin()
        for text in info.doing:
            self._suspects.first(RunId(text.partition("/")[0]))
        self._deliveries.set_free(info.id)
        self._services.workers.clear(info.id)

    def _is_idle(self) -> bool:
        return len(self._attempts) < self._concurrency and self._queue.first_due() is None

    def _examine(self) -> None:
        """Take up some runs that may need it; what they need comes through the queue like everything else."""
        idle = self._is_idle()
        for _ in range(_EXAMINED_A_TURN):
            run = self._suspects.next(idle=idle)
            if run is None:
                return
            try:
                execution = self._take_up(run)
                if execution is not None:
                    self._advance(execution, room=0)
                    self._offers.put_all(execution)
            except Exception as exc:
                if _is_of_the_store(exc):
                    self._suspects.first(run)
                    raise
                self._observer.fault(f"run {run} cannot be gone on with: {_told(exc)}")

    # messages

    def _receive(self) -> None:
        """Wait for a message, and take in all that have come."""
        pause_ms = self._guarded(self._pause_ms, otherwise=float(_BACK_OFF_MS[0]))
        message = self._clock.receive(self._inbox, timeout_ms=pause_ms, idle=not len(self._attempts))
        while message is not None:
            if isinstance(message, AttemptResult):
                self._take(message)
            elif isinstance(message, Append):
                self._append(message)
            elif isinstance(message, Stop):
                self._stop(message.signal)
            elif isinstance(message, WorkerGone):
                self._tick_ms = 0.0
            message = None if self._inbox.empty() else self._inbox.get()

    def _take(self, result: AttemptResult) -> None:
        execution = self._runs.get(result.run)
        if self._attempts.take(result) and execution is not None:
            execution.take(result)

    def _append(self, message: Append) -> None:
        """A step needs something on record before it goes on. Where the store cannot be used, the step is told."""
        execution = self._runs.get(message.run)
        if execution is None:
            message.answer(StepCancelled("cancelled"))
            return
        hold = self._runs.hold_of(message.run)
        self._guarded(lambda: execution.append(message, hold=hold), otherwise=None)

    def _stop(self, signal: str) -> None:
        """The first signal lets what runs come to its end, the second interrupts it, a third kills."""
        self._signals.append(signal)
        if len(self._signals) == 1:
            self._observer.stopping()
        else:
            self._attempts.stop("interrupted" if len(self._signals) == 2 else "killed")
            self._give_up_ms = self._clock.monotonic_ms() + 2 * self._services.limits.grace_ms + 1_000

    def _see_changes(self) -> None:
        """See what others did to the runs of which something runs here."""
        for execution in self._runs:
            try:
                if execution.running:
                    execution.look()
                    self._stop_lost(execution)
            except Exception as exc:
                if _may_pass(exc):
                    raise
                self._abandon(execution, _told(exc))

    def _stop_lost(self, execution: Execution) -> None:
        """Stop the attempts that are not running any more on record: the run was cancelled, or they were given up.

        Not only when a look finds something new: what others appended may have been taken in with a batch of ours.
        """
        steps = execution.open_run.state.steps
        lost = {
            (run, step, attempt)
            for run, step, attempt in self._attempts.running()
            if run == execution.open_run.run
            and not (steps[step].status == "running" and steps[step].attempt == attempt)
        }
        if lost:
            self._attempts.stop("cancelled", only=lost)

    def _pause_ms(self) -> float:
        """How long nothing can happen but by a message; the safety net behind it included."""
        now_ms = self._clock.monotonic_ms()
        if now_ms < self._paused_until_ms and not self._signals:
            return self._paused_until_ms - now_ms
        if not self._signals and self._suspects.any_now(idle=self._is_idle()):
            return 0
        due: list[float | None] = [self._tick_ms - now_ms, self._record.due_ms()]
        deadline_ms = self._attempts.next_deadline_ms()
        if deadline_ms is not None:
            due += [deadline_ms - now_ms, _LOOK_MS]
        if len(self._attempts) < self._concurrency and not self._signals:
            due.append(self._queue.next_due_ms())
        return max(min(ms for ms in due if ms is not None), 0)


def _may_pass(exc: Exception) -> bool:
    """Whether it is worth to try the same again later."""
    return isinstance(exc, errors.StoreFailure) and exc.code != "journal-damaged"


def _is_of_the_store(exc: Exception) -> bool:
    """Whether every run fails for this reason, not just this one."""
    return isinstance(exc, errors.StoreFailure) and _may_pass(exc) and exc.context.get("errno") not in _OF_ONE_RUN


def _told(exc: Exception) -> str:
    return exc.message if isinstance(exc, errors.NofxError) else f"{type(exc).__name__}: {exc}"
