"""What a process that takes a run over does about those that had it before.

Who holds the run alone knows that whoever executed it is gone: its steps that are still `running` were cut off. Who
shares the hold with other workers asks of each running step whether the worker on its record lives. First
everything that it left running is ended, so that an old and a new execution of a step never overlap; then
`worker.lost` and `step.interrupted` are appended, in one batch with what follows. A step whose handler says that
this is safe is simply run again; for any other a person is asked, in the same batch.
"""

from collections.abc import Mapping, Sequence

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import JsonObject, StepName, WorkerId
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import Step
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepState, StepStatus
from nofx_cli.engine.context import EngineContext, marks
from nofx_cli.engine.open_run import Batch, OpenRun
from nofx_cli.engine.prepare import find_handler, request
from nofx_cli.engine.services import Services
from nofx_cli.engine.subject import subject_of
from nofx_cli.ports.handler import handler_flag, handler_reconciles
from nofx_cli.ports.processes import RECORD
from nofx_cli.ports.rendering import RenderFailed
from nofx_cli.ports.workers import Standing
from nofx_cli.safety import identity

MOST_RERUNS = 5
"""So often in a row a step that was cut off runs again by itself; then a person is asked, for it may be what kills."""


def executor_facts() -> JsonObject:
    """This process, as `run.started` and `run.resumed` tell it."""
    import os

    pid = os.getpid()
    return {"pid": pid, "host": identity.host(), "boot_id": identity.boot_id(), "started": identity.started(pid)}


def recover(open_run: OpenRun, *, rerun: bool) -> Sequence[ev.Event]:
    """Put the run back on its feet; returns what was appended. Nothing is done for a run that has ended or never began.

    The caller holds the run alone, so nobody else executes it.

    Args:
        rerun: answer for all steps that were cut off, before and now, that they run again.

    Raises:
        errors.Conflict: a worker of another host had a step of it, and nobody here knows whether that worker lives
            (code `worker-elsewhere`).
    """
    state = open_run.state
    if state.ended or state.status is RunStatus.QUEUED:
        return ()
    settle_the_dead(open_run)

    def build(batch: Batch) -> None:
        cut_off = batch.state.in_status(StepStatus.RUNNING)
        gone = any(not step.abandoned for step in cut_off)
        _interrupt_all(open_run, batch, cut_off)
        if rerun:
            _grant_all(batch)
        if batch.state.status is RunStatus.RUNNING:
            batch.add(ev.RunResumed("the process that executed it was gone" if gone else "resumed", executor_facts()))

    return open_run.commit(build)


def settle_the_dead(open_run: OpenRun) -> None:
    """End whatever dead processes left running of a run that the caller holds alone. Raises as `recover`."""
    _check_none_elsewhere(open_run)
    if open_run.state.counts[StepStatus.RUNNING] or open_run.services.artifacts.left_scratch(open_run.run):
        end_leftovers(open_run)


def take_over(open_run: OpenRun, *, me: WorkerId) -> Sequence[ev.Event]:
    """Set free the steps that were in the hands of the dead; returns what was appended.

    The caller shares the hold of the run with other workers, so no process executes it alone. Steps of a worker that
    lives, or of which nobody here knows, are left to it. Of a run that was cancelled, what the dead had not ended yet
    is ended.
    """
    _end_cancelled(open_run, me)
    lost = {
        (step.name, step.attempt)
        for step in open_run.state.in_status(StepStatus.RUNNING)
        if _is_lost(open_run, step, me)
    }
    if not lost:
        return ()
    _end_marked(open_run, *(marks(open_run.run, name, attempt) for name, attempt in sorted(lost)))

    def build(batch: Batch) -> None:
        running = batch.state.in_status(StepStatus.RUNNING)
        _interrupt_all(open_run, batch, [step for step in running if (step.name, step.attempt) in lost])

    return open_run.commit(build)


def _end_cancelled(open_run: OpenRun, me: WorkerId) -> None:
    """End the attempts of a cancelled run whose worker died before it had ended them."""
    if open_run.state.status is not RunStatus.CANCELLED or not open_run.services.artifacts.left_scratch(open_run.run):
        return
    cancelled = (step for step in open_run.state.in_status(StepStatus.CANCELLED) if step.attempt)
    lost = [(step.name, step.attempt) for step in cancelled if _is_lost(open_run, step, me)]
    _end_marked(open_run, *(marks(open_run.run, name, attempt) for name, attempt in lost))


def give_up(open_run: OpenRun, batch: Batch, *, step: StepName, attempt: int, reason: str) -> None:
    """Add that an attempt of this very process was cut off, and what follows."""
    found = batch.state.steps[step]
    if found.status is StepStatus.RUNNING and found.attempt == attempt:
        _interrupt(open_run, batch, found, reason)
        batch.settle()


def end_leftovers(open_run: OpenRun) -> int:
    """End whatever dead processes left running of this run; returns how many processes that were."""
    return _end_marked(open_run, {"NOFX_RUN_ID": open_run.run})


def _is_lost(open_run: OpenRun, step: StepState, me: WorkerId) -> bool:
    return step.worker != me and _standing(open_run, step) is Standing.GONE


def _standing(open_run: OpenRun, step: StepState) -> Standing:
    return open_run.services.workers.standing(WorkerId(step.worker))


def _check_none_elsewhere(open_run: OpenRun) -> None:
    for step in open_run.state.in_status(StepStatus.RUNNING):
        if _standing(open_run, step) is Standing.ELSEWHERE:
            raise errors.Conflict(
                f"step {step.name} of run {open_run.run} is in the hands of worker {step.worker} on another host; "
                "whether it lives cannot be known here",
                code="worker-elsewhere",
                hint=f"look there; if it is gone: nofx worker forget {step.worker}",
                context={"run": open_run.run, "step": step.name, "worker": step.worker},
            )


def _end_marked(open_run: OpenRun, *every: Mapping[str, str]) -> int:
    """End what is on record or carries marks, also where somebody else has cleared the records by now."""
    services, run = open_run.services, open_run.run
    folders = services.artifacts.left_scratch(run)
    ended = sum(services.processes.end_recorded([folder / RECORD for folder in folders], marks) for marks in every)
    services.artifacts.clear_left_scratch(run, folders)  # not of who died meanwhile: nobody has looked at those
    return ended


def _interrupt_all(open_run: OpenRun, batch: Batch, cut_off: Sequence[StepState]) -> None:
    """Tell of each worker that was lost, once, and of each step that it had."""
    for worker in dict.fromkeys(step.worker for step in cut_off if not step.abandoned):
        batch.add(_worker_lost(batch.state.executor, worker))
    for step in cut_off:
        why = "the run was rolled back to where it ran" if step.abandoned else "the process that ran it was gone"
        _interrupt(open_run, batch, step, why)


def _worker_lost(executor: JsonObject, worker: str) -> ev.WorkerLost:
    known = identity.parse_worker_id(worker)
    if known is not None:
        return ev.WorkerLost(worker, known.pid, known.host)
    pid = executor.get("pid")
    host = str(executor.get("host", ""))
    return ev.WorkerLost(f"{host}:{pid}", pid if isinstance(pid, int) else 0, host)


def _interrupt(open_run: OpenRun, batch: Batch, step: StepState, reason: str) -> None:
    spec = open_run.plan.steps[step.place]
    again = step.interruptions < MOST_RERUNS and _may_rerun(open_run.services, spec)
    batch.add(ev.StepInterrupted(reason, again, step.worker), step.name, step.attempt)
    if not again:
        _ask(open_run, batch, spec, step)


def _may_rerun(services: Services, spec: Step) -> bool:
    if spec.retry_on_interrupt is not None:
        return spec.retry_on_interrupt
    try:
        handler = find_handler(services, spec)
        return handler_flag(handler, "rerun_safe") or handler_reconciles(handler)
    except errors.NofxError:
        return False


def _ask(open_run: OpenRun, batch: Batch, spec: Step, step: StepState) -> None:
    """Ask whether a step runs again. The question is bound to the content, like any other."""
    services, state = open_run.services, batch.state
    try:
        inputs, env = open_run.renderer.inputs(spec, state), open_run.renderer.env(spec, state)
        ctx = EngineContext(services, open_run.plan, state, spec, attempt=step.next_attempt, inputs=inputs, env=env)
        handler = find_handler(services, spec)
        subject = subject_of(services, spec, state, handler, ctx, reason=ev.AskReason.INTERRUPTED)
    except errors.StoreFailure:
        raise
    except (RenderFailed, errors.NofxError) as exc:
        code, hint = (exc.code, exc.hint) if isinstance(exc, errors.NofxError) else ("render", "")
        error = StepError(code, str(exc), hint)
        batch.add(ev.StepFinished("failed", error=error), step.name, step.attempt)
        return
    asked = request(services, spec, state, subject)
    batch.add(asked.payload, step.name)


def _grant_all(batch: Batch) -> None:
    for step in batch.state.in_status(StepStatus.WAITING):
        asked = step.approval
        if asked is not None and asked.decision is None and asked.reason is ev.AskReason.INTERRUPTED:
            batch.add(ev.ApprovalGranted(asked.digest, "--rerun-interrupted"), step.name)
