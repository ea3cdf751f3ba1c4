"""What the gates of a run found, from its journal and its artifacts."""

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.findings import FINDINGS_FILE, Finding, findings_of_json
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.record import record
from nofx_cli.domain.reports.gate_report import GateReport
from nofx_cli.domain.step_state import StepState, StepStatus
from nofx_cli.engine.kept_files import KeptFile, contents
from nofx_cli.engine.services import Services
from nofx_cli.engine.view_run import RunView


def gate_reports(services: Services, view: RunView) -> list[GateReport]:
    """The gates of the run that have ended, in the order of the plan; masked.

    Steps that have not ended are left out. A gate that failed before it came to a verdict is `errored`, one whose step
    was skipped is `skipped`.

    Raises:
        errors.NotFound: the findings of a gate are gone.
        errors.Conflict: they are not what was kept.
    """
    told = {name: _Evaluated.of(view, name) for name in view.state.steps}
    reports = (_report(services, view, state, told[name]) for name, state in view.state.steps.items())
    return [report for report in reports if report is not None]


def findings_of(services: Services, run: RunId, state: StepState) -> tuple[Finding, ...]:
    """What the last attempt at a step found, masked; nothing where it cannot be read, as for a view."""
    kept = [artifact for artifact in state.artifacts if artifact.name == FINDINGS_FILE]
    if not kept or not state.gate:
        return ()
    try:
        return _read(services, run, KeptFile(state.name, state.attempt, "", kept[-1]))
    except (errors.NofxError, ValueError, OSError):
        return ()


@record
class _Evaluated:
    """The last evaluation of a gate, and the attempt that it belongs to."""

    attempt: int = 0
    started_at: str = ""
    ended_at: str = ""
    duration_ms: int = 0
    artifact: KeptFile | None = None

    @staticmethod
    def of(view: RunView, step: StepName) -> "_Evaluated":
        events = view.counting
        gates = [e for e in events if e.step == step and isinstance(e.payload, ev.GateEvaluated)]
        if not gates:
            return _Evaluated()
        attempt = gates[-1].attempt or 0
        files, started, took = None, "", 0
        for event in events:
            if event.step != step or event.attempt != attempt:
                continue
            match event.payload:
                case ev.StepStarted():
                    started = event.at
                case ev.ArtifactCreated(name=name) if name == FINDINGS_FILE:
                    files = KeptFile(step, attempt, event.at, event.payload)
                case ev.StepFinished(duration_ms=ms) | ev.StepRetryScheduled(duration_ms=ms):
                    took = ms
                case _:
                    pass
        return _Evaluated(attempt, started, gates[-1].at, took, files)


def _report(services: Services, view: RunView, state: StepState, told: _Evaluated) -> GateReport | None:
    step = view.plan.steps[state.place]
    if not step.is_gate and state.gate is None:
        return None
    if not state.ended or (verdict := _verdict(state)) is None:
        return None
    gate = state.gate
    return GateReport(
        step=state.name,
        gate=gate.gate if gate else step.tool,
        verdict=verdict,
        summary=services.mask_text(_why(state, verdict)),
        counts=gate.counts if gate else {},
        findings=_read(services, view.run, told.artifact) if gate and told.artifact else (),
        run=view.run,
        attempt=told.attempt if gate else state.attempt,
        blocking=step.blocks,
        hint=services.mask_text(state.error.hint) if state.error else "",
        started_at=told.started_at if gate else state.started_at,
        ended_at=told.ended_at if gate else state.ended_at,
        duration_ms=told.duration_ms if gate else state.duration_ms,
    )


def _verdict(state: StepState) -> Verdict | None:
    """None where there is nothing to report: the step was cancelled."""
    if state.gate is not None:
        known = state.gate.verdict in set(Verdict)
        verdict = Verdict(state.gate.verdict) if known else Verdict.ERRORED
        # It passed, and the step failed all the same: what it promised is not there, say.
        return Verdict.FAILED if verdict is Verdict.PASSED and state.status is StepStatus.FAILED else verdict
    if state.status is StepStatus.FAILED:
        return Verdict.TIMED_OUT if state.error and state.error.code == "timeout" else Verdict.ERRORED
    return Verdict.SKIPPED if state.status is StepStatus.SKIPPED else None


def _why(state: StepState, verdict: Verdict) -> str:
    if state.gate is not None and state.gate.verdict == verdict.value:
        return state.gate.summary
    return state.error.message if state.error else f"the step was skipped: {state.cause}"


def _read(services: Services, run: RunId, kept: KeptFile) -> tuple[Finding, ...]:
    try:
        text = b"".join(contents(services, run, kept)).decode("utf-8", "replace")
        return findings_of_json(services.mask_text(text))
    except ValueError as exc:
        raise errors.Conflict(
            f"the findings of step {kept.step} cannot be read: {exc}",
            code="artifact-changed",
            hint=f"nofx verify {run}",
        ) from exc
