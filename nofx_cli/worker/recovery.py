"""What a process that takes a run over does about the one that had it before.

The hold is ours, so whoever executed the run is gone: its steps that are still `running` were cut off. First
everything that it left running is ended, so that an old and a new execution of a step never overlap; then
`worker.lost` and `step.interrupted` are appended, in one batch with what follows. A step whose handler says that
this is safe is simply run again; for any other a person is asked, in the same batch.
"""

from collections.abc import Sequence

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import Step
from nofx_cli.domain.state import RunStatus, StepState, StepStatus
from nofx_cli.engine.context import EngineContext
from nofx_cli.engine.open_run import Batch, OpenRun
from nofx_cli.engine.prepare import find_handler, request
from nofx_cli.engine.services import Services
from nofx_cli.engine.subject import subject_of
from nofx_cli.ports.handler import handler_flag
from nofx_cli.ports.processes import RECORD
from nofx_cli.ports.rendering import RenderFailed
from nofx_cli.safety import identity


def executor_facts() -> JsonObject:
    """This process, as `run.started` and `run.resumed` tell it."""
    import os

    pid = os.getpid()
    return {"pid": pid, "host": identity.host(), "boot_id": identity.boot_id(), "started": identity.started(pid)}


def recover(open_run: OpenRun, *, rerun: bool) -> Sequence[ev.Event]:
    """Put the run back on its feet; returns what was appended. Nothing is done for a run that has ended or never began.

    The caller holds the run, so nobody else executes it.

    Args:
        rerun: answer for all steps that were cut off, before and now, that they run again.
    """
    state = open_run.state
    if state.ended or state.status is RunStatus.QUEUED:
        return ()
    end_leftovers(open_run)

    def build(batch: Batch) -> None:
        cut_off = batch.state.in_status(StepStatus.RUNNING)
        if cut_off:
            batch.add(_worker_lost(batch.state.executor))
        for step in cut_off:
            _interrupt(open_run, batch, step)
        if rerun:
            _grant_all(batch)
        if batch.state.status is RunStatus.RUNNING:
            batch.add(
                ev.RunResumed("the process that executed it was gone" if cut_off else "resumed", executor_facts())
            )

    return open_run.commit(build)


def end_leftovers(open_run: OpenRun) -> int:
    """End whatever a dead process left running of this run; returns how many processes that were."""
    services, run = open_run.services, open_run.run
    folders = services.artifacts.left_scratch(run)
    mark = {"NOFX_RUN_ID": run}
    ended = sum(services.processes.end_recorded(folder / RECORD, mark) for folder in folders)
    services.artifacts.clear_scratch(run)
    return ended


def _worker_lost(executor: JsonObject) -> ev.WorkerLost:
    pid = executor.get("pid")
    host = str(executor.get("host", ""))
    return ev.WorkerLost(f"{host}:{pid}", pid if isinstance(pid, int) else 0, host)


def _interrupt(open_run: OpenRun, batch: Batch, step: StepState) -> None:
    spec = open_run.plan.steps[step.place]
    again = _may_rerun(open_run.services, spec)
    batch.add(ev.StepInterrupted("the process that ran it was gone", again, step.worker), step.name, step.attempt)
    if not again:
        _ask(open_run, batch, spec, step)


def _may_rerun(services: Services, spec: Step) -> bool:
    if spec.retry_on_interrupt is not None:
        return spec.retry_on_interrupt
    try:
        return handler_flag(find_handler(services, spec), "rerun_safe")
    except errors.NofxError:
        return False


def _ask(open_run: OpenRun, batch: Batch, spec: Step, step: StepState) -> None:
    """Ask whether a step runs again. The question is bound to the content, like any other."""
    services, state = open_run.services, batch.state
    try:
        inputs, env = open_run.renderer.inputs(spec, state), open_run.renderer.env(spec, state)
        ctx = EngineContext(services, open_run.plan, state, spec, attempt=step.attempt + 1, inputs=inputs, env=env)
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
