"""One attempt: call the handler, and turn whatever comes of it into a result and then into drafts."""

import contextlib
from collections.abc import Mapping
from dataclasses import field, replace
from typing import assert_never

from nofx_cli import errors
from nofx_cli.clock import format_at, parse_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import JsonObject, StepName, canonical_json, digest_of_bytes
from nofx_cli.domain.outcome import Failed, GateEvaluation, Outcome, StepError, Succeeded, Verdict, Waiting
from nofx_cli.domain.record import record
from nofx_cli.domain.state import StepStatus
from nofx_cli.engine.open_run import Batch
from nofx_cli.engine.output_file import MAX_BYTES
from nofx_cli.engine.prepare import Claimed
from nofx_cli.engine.services import Services
from nofx_cli.engine.workspace_artifacts import keep_declared
from nofx_cli.ports.handler import StepCancelled

INTERRUPTING = frozenset({"cancelled", "interrupted", "killed"})


@record
class AttemptResult:
    """What came of an attempt. `stopped` is why it was cut off from outside; then there is no outcome to commit."""

    step: StepName
    attempt: int
    outcome: Outcome
    artifacts: list[ev.ArtifactCreated] = field(default_factory=list)
    duration_ms: int = 0
    stopped: str = ""


def run_attempt(services: Services, claimed: Claimed) -> AttemptResult:
    """Run a claimed attempt to its end. Never raises."""
    ctx, began_ms = claimed.ctx, services.clock.monotonic_ms()
    artifacts: list[ev.ArtifactCreated] = []
    stopped = ""
    try:
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
    except BaseException as exc:  # noqa: BLE001 - a handler is foreign code: also its `sys.exit()` only fails its step
        outcome = Failed(_fault(claimed, exc))
    finally:
        if ctx.touched_files:
            services.artifacts.discard_scratch(ctx.run_id, ctx.step, ctx.attempt)
    took_ms = round(services.clock.monotonic_ms() - began_ms)
    return AttemptResult(ctx.step, ctx.attempt, outcome, artifacts, took_ms, stopped if stopped in INTERRUPTING else "")


def timed_out(claimed: Claimed) -> Failed:
    """The outcome of a step whose time is over; a gate says so in its verdict."""
    limit = format_duration(claimed.step.timeout_ms)
    error = StepError("timeout", f"ran longer than {limit}", "raise `timeout` of the step, or make it faster")
    gate = None
    if claimed.step.tool.startswith("gate:"):
        gate = GateEvaluation(claimed.step.tool, Verdict.TIMED_OUT, f"did not end within {limit}")
    return Failed(error, retryable=True, gate=gate)


def conclude(services: Services, batch: Batch, result: AttemptResult) -> None:
    """Add to the batch what an attempt came to. A result of an attempt that is not running any more is dropped."""
    state = batch.state.steps[result.step]
    if state.status is not StepStatus.RUNNING or state.attempt != result.attempt:
        return
    for artifact in result.artifacts:
        batch.add(artifact, result.step, result.attempt)
    match result.outcome:
        case Succeeded() as done:
            _add_gate(services, batch, result, done.gate)
            outputs = _masked(services, done.outputs)
            batch.add(ev.StepFinished("succeeded", outputs, None, result.duration_ms), result.step, result.attempt)
        case Failed() as failed:
            _add_gate(services, batch, result, failed.gate)
            _conclude_failure(services, batch, result, failed)
        case Waiting() as waiting:
            _conclude_waiting(services, batch, result, waiting)
        case _ as never:
            assert_never(never)


def _conclude_failure(services: Services, batch: Batch, result: AttemptResult, failed: Failed) -> None:
    state = batch.state.steps[result.step]
    retry = batch.state.plan.steps[state.place].retry
    error = replace(failed.error, message=services.mask_text(failed.error.message))
    failures = state.failures + 1
    if failed.retryable and failures < retry.max_attempts:
        delay_ms = retry.delay_ms(failures)
        due_at = format_at(parse_at(batch.at) + delay_ms * 1000)
        payload: ev.Payload = ev.StepRetryScheduled(error, delay_ms, due_at, result.duration_ms)
    else:
        payload = ev.StepFinished("failed", _masked(services, failed.outputs), error, result.duration_ms)
    batch.add(payload, result.step, result.attempt)


def _conclude_waiting(services: Services, batch: Batch, result: AttemptResult, waiting: Waiting) -> None:
    assert batch.state.run is not None
    text = canonical_json(services.mask(waiting.shown))
    digest = digest_of_bytes(text.encode("utf-8", "backslashreplace"))
    path = services.artifacts.put_shown(batch.state.run, digest, text)
    asked = ev.ApprovalRequested(digest, waiting.question, ev.AskReason.ASKED, path)
    batch.add(asked, result.step, result.attempt)


def _add_gate(services: Services, batch: Batch, result: AttemptResult, gate: GateEvaluation | None) -> None:
    if gate is None:
        return
    severity = batch.state.plan.step(result.step).severity
    summary = services.mask_text(gate.summary)
    payload = ev.GateEvaluated(gate.gate, gate.verdict, severity, summary, gate.counts, gate.digest)
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
