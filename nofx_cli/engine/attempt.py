"""One attempt: call the handler, and turn whatever comes of it into a result and then into drafts."""

import contextlib
from collections.abc import Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, assert_never

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import JsonObject, RunId, StepName, canonical_json
from nofx_cli.domain.outcome import Failed, GateEvaluation, Outcome, StepError, Succeeded, Verdict, Waiting
from nofx_cli.domain.record import record
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.failing import after_failure
from nofx_cli.engine.open_run import Batch
from nofx_cli.engine.output_file import MAX_BYTES
from nofx_cli.engine.prepare import Claimed, denied_error
from nofx_cli.engine.services import Services
from nofx_cli.engine.shown_text import asked_text
from nofx_cli.engine.workspace_artifacts import keep_declared
from nofx_cli.engine.worktree import keep_tree
from nofx_cli.engine.written import WriteWatch, write_denials
from nofx_cli.ports.handler import StepCancelled, handler_flag
from nofx_cli.safety.policy import Denial

if TYPE_CHECKING:
    from nofx_cli.engine.budgets import Shortage

INTERRUPTING = frozenset({"cancelled", "interrupted", "killed"})
STORE = "store"
"""Why an attempt was cut off whose log or whose process could not be kept: the store, not the step, is at fault."""
_OF_THE_STORE = frozenset({"log-not-written", "record-not-written", "process-not-started", "store-unwritable"})


@record
class AttemptResult:
    """What came of an attempt. `stopped` is why it was cut off from outside; then there is no outcome to commit.

    Of one that `STORE` cut off, the outcome's error says what could not be written.
    """

    run: RunId
    step: StepName
    attempt: int
    outcome: Outcome
    artifacts: list[ev.ArtifactCreated] = field(default_factory=list)
    duration_ms: int = 0
    stopped: str = ""
    denials: list[Denial] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    """What changed in the workspace meanwhile."""
    shortage: "Shortage | None" = None
    """The budget that held it up."""
    snapshot: ev.SnapshotTaken | None = None
    """What it left in the run's worktree, where it changed something."""


def run_attempt(services: Services, claimed: Claimed) -> AttemptResult:
    """Run a claimed attempt to its end. Never raises."""
    ctx, began_ms = claimed.ctx, services.clock.monotonic_ms()
    artifacts: list[ev.ArtifactCreated] = []
    stopped = ""
    watch = None if handler_flag(claimed.handler, "instant") else WriteWatch(ctx)
    try:
        _ = ctx.secrets  # where one cannot be had, nothing is begun
        outcome = _checked(claimed.handler.run(ctx))
        if ctx.cancellation.reason == "timeout":
            outcome = timed_out(claimed)
        outcome = _with_declared(claimed, outcome)
        artifacts = ctx.collect_artifacts()
    except StepCancelled:
        stopped = ctx.cancellation.reason
        outcome = timed_out(claimed)
    except errors.NofxError as exc:
        outcome = Failed(StepError(exc.code, exc.message, exc.hint))
        stopped = STORE if isinstance(exc, errors.StoreFailure) and exc.code in _OF_THE_STORE else ""
    except BaseException as exc:  # noqa: BLE001 - a handler is foreign code: also its `sys.exit()` only fails its step
        outcome = Failed(_fault(claimed, exc))
    finally:
        if ctx.touched_files:
            services.artifacts.discard_scratch(ctx.run_id, ctx.step, ctx.attempt)
    took_ms = round(services.clock.monotonic_ms() - began_ms)
    why = stopped if stopped in INTERRUPTING or stopped == STORE else ""
    written = watch.changed() if watch else []
    if ctx.cancellation.reason == "timeout":
        ctx.note_timeout()
    result = AttemptResult(
        ctx.run_id, ctx.step, ctx.attempt, outcome, artifacts, took_ms, why, ctx.denials, written, ctx.shortage
    )
    return _with_tree(services, claimed, result) if ctx.in_worktree and not why else result


def _with_tree(services: Services, claimed: Claimed, result: AttemptResult) -> AttemptResult:
    """The result with what the step left in the worktree; where that cannot be kept, the step has failed."""
    try:
        return replace(result, snapshot=keep_tree(services, claimed))
    except errors.NofxError as exc:
        gate = None if isinstance(result.outcome, Waiting) else result.outcome.gate
        return replace(result, outcome=Failed(StepError(exc.code, exc.message, exc.hint), gate=gate))


def timed_out(claimed: Claimed) -> Failed:
    """The outcome of a step whose time is over; a gate says so in its verdict."""
    limit = format_duration(claimed.step.timeout_ms)
    error = StepError("timeout", f"ran longer than {limit}", "raise `timeout` of the step, or make it faster")
    gate = None
    if claimed.step.is_gate:
        gate = GateEvaluation(claimed.step.tool, Verdict.TIMED_OUT, f"did not end within {limit}")
    return Failed(error, retryable=True, gate=gate)


def conclude(services: Services, batch: Batch, result: AttemptResult) -> None:
    """Add to the batch what an attempt came to. A result of an attempt that is not running any more is dropped."""
    state = batch.state.steps[result.step]
    if state.status is not StepStatus.RUNNING or state.attempt != result.attempt:
        return
    for artifact in result.artifacts:
        batch.add(artifact, result.step, result.attempt)
    if result.snapshot is not None:
        batch.add(result.snapshot, result.step, result.attempt)
    outcome = _as_policy_has_it(services, batch, result)
    if result.shortage is not None and not result.denials:
        from nofx_cli.engine.hold_up import held_up

        short, took_ms = result.shortage, result.duration_ms
        step, attempt = result.step, result.attempt
        batch.extend(held_up(services, result.run, short, step=step, attempt=attempt, duration_ms=took_ms))
        return
    if state.effects:
        from nofx_cli.engine.effects import as_effects_stand

        outcome = as_effects_stand(state, outcome)
    match outcome:
        case Succeeded() as done:
            _add_gate(services, batch, result, done.gate)
            outputs = _masked(services, done.outputs)
            batch.add(ev.StepFinished("succeeded", outputs, None, result.duration_ms), result.step, result.attempt)
        case Failed() as failed:
            _add_gate(services, batch, result, failed.gate)
            _conclude_failure(services, batch, result, _as_repair_ends(services, batch, result, failed))
        case Waiting() as waiting:
            _conclude_waiting(services, batch, result, waiting)
        case _ as never:
            assert_never(never)


def _as_policy_has_it(services: Services, batch: Batch, result: AttemptResult) -> Outcome:
    """The outcome, unless the step did what it may not: whatever its handler made of that, it has failed."""
    written = write_denials(services, batch.state, batch.state.plan.step(result.step), result.written)
    denials = [*result.denials, *written]
    for denial in denials:
        payload = ev.PolicyDenied(denial.rule, denial.source, services.mask_text(denial.message))
        batch.add(payload, result.step, result.attempt)
    if not denials:
        return result.outcome
    gate = None if isinstance(result.outcome, Waiting) else result.outcome.gate
    return Failed(denied_error(denials[0]), gate=gate)


def _as_repair_ends(services: Services, batch: Batch, result: AttemptResult, failed: Failed) -> Failed:
    spec = batch.state.plan.step(result.step)
    if spec.repair is None or failed.gate is None or failed.gate.verdict is not Verdict.FAILED:
        return failed
    from nofx_cli.engine.end_repair import end_repair

    return end_repair(services, batch, spec, failed)


def _conclude_failure(services: Services, batch: Batch, result: AttemptResult, failed: Failed) -> None:
    error = replace(failed.error, message=services.mask_text(failed.error.message))
    told = replace(failed, error=error, outputs=_masked(services, failed.outputs))
    step = batch.state.steps[result.step]
    payload = after_failure(batch.state.plan, step, told, at=batch.at, duration_ms=result.duration_ms)
    batch.add(payload, result.step, result.attempt)


def _conclude_waiting(services: Services, batch: Batch, result: AttemptResult, waiting: Waiting) -> None:
    assert batch.state.run is not None
    text, digest = asked_text(services, waiting.shown)
    before = batch.state.steps[result.step].standing_approval
    if before is not None and before.reason is ev.AskReason.ASKED and before.decision == "granted":
        batch.add(ev.ApprovalStale(before.digest, digest), result.step)
    path = services.artifacts.put_shown(batch.state.run, digest, text)
    asked = ev.ApprovalRequested(digest, waiting.question, ev.AskReason.ASKED, path)
    batch.add(asked, result.step, result.attempt)


def _add_gate(services: Services, batch: Batch, result: AttemptResult, gate: GateEvaluation | None) -> None:
    if gate is None:
        return
    severity = batch.state.plan.step(result.step).severity
    summary = services.mask_text(gate.summary)
    payload = ev.GateEvaluated(gate.gate, gate.verdict, severity, summary, gate.counts, gate.digest, gate.found)
    batch.add(payload, result.step, result.attempt)


def _masked(services: Services, outputs: JsonObject) -> JsonObject:
    return dict(services.mask(outputs)) if outputs else {}  # type: ignore[arg-type]


def _checked(outcome: object) -> Outcome:
    """What a handler returned, if it is an outcome that can be kept; a plugin may return anything.

    Raises:
        TypeError, ValueError: it is none.
    """
    match outcome:
        case Succeeded(outputs=data, gate=gate) | Failed(outputs=data, gate=gate):
            kept: JsonObject = {"outputs": data, "counts": gate.counts if gate else {}}
        case Waiting(question=question, shown=data):
            kept = {"question": question, "shown": data}
        case _:
            raise TypeError(f"run(ctx) must return Succeeded, Failed or Waiting, not {outcome!r}")
    if isinstance(outcome, Failed) and not isinstance(outcome.error, StepError):
        raise TypeError(f"the error of Failed must be a StepError, not {outcome.error!r}")
    if not isinstance(data, Mapping):
        raise TypeError(f"outputs must be a mapping, not {data!r}")
    if data or kept.get("counts"):
        canonical_json(kept)
    return outcome


def _with_declared(claimed: Claimed, outcome: Outcome) -> Outcome:
    """Hold a success to what the step declares: its outputs, its artifacts, and the size of the outputs."""
    if not isinstance(outcome, Succeeded):
        return outcome
    missing = [name for name in claimed.step.outputs if name not in outcome.outputs]
    if missing:
        error = StepError(
            "output-missing",
            f"the step declares the outputs {', '.join(missing)}, but did not set them",
            'write them: echo "name=value" >> "$NOFX_OUTPUT"',
        )
        return Failed(error, gate=outcome.gate)
    if outcome.outputs and len(canonical_json(outcome.outputs)) > MAX_BYTES:
        hint = 'write large results to "$NOFX_ARTIFACTS" instead'
        return Failed(StepError("output-too-large", f"the outputs are larger than {MAX_BYTES} bytes", hint))
    absent = keep_declared(claimed) if claimed.step.artifacts else []
    if absent:
        error = StepError("artifact-missing", f"nothing in the workspace matches {', '.join(absent)}")
        return Failed(error, gate=outcome.gate)
    return outcome


def _fault(claimed: Claimed, exc: BaseException) -> StepError:
    import traceback

    with contextlib.suppress(OSError):  # a full disk must not hide the fault
        claimed.ctx.log("".join(traceback.format_exception(exc)))
    where = f"nofx logs {claimed.ctx.run_id} {claimed.step.name}"
    return StepError("handler-fault", f"the handler of {claimed.step.tool} raised {type(exc).__name__}: {exc}", where)
