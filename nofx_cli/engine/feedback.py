"""What a step is told that is done again in a repair: the findings of the gate, and the end of what it printed."""

from collections.abc import Mapping

from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.findings import SEVERITIES, Finding, findings_of_json
from nofx_cli.domain.ids import JsonObject, RunId, StepName
from nofx_cli.engine.services import Services
from nofx_cli.engine.shown_text import kept_text
from nofx_cli.ports.handler import Feedback

_TAIL_BYTES = 16 * 1024


def feedback_of(services: Services, run: RunId, told: JsonObject) -> Feedback | None:
    """Build it from what `step.reset` says; None for a step that is only done again because another one is."""
    if "summary" not in told:
        return None
    gate, before = StepName(str(told["gate"])), told.get("before") or ()
    attempt = told["attempt"] if isinstance(told["attempt"], int) else 0
    return Feedback(
        gate=gate,
        round=_number(told["round"]),
        of=_number(told["of"]),
        summary=str(told["summary"]),
        findings=_findings(services, run, told.get("artifact")),
        output=_tail(services, run, gate, attempt),
        before=tuple(map(_number, before)) if isinstance(before, list | tuple) else (),
    )


def _findings(services: Services, run: RunId, artifact: object) -> tuple[Finding, ...]:
    """Those that block, worst first, each once."""
    if not isinstance(artifact, Mapping):
        return ()
    size = _number(artifact["size"])
    file = ArtifactCreated(str(artifact["name"]), str(artifact["path"]), str(artifact["digest"]), size)
    text = kept_text(services, run, file)
    found = findings_of_json(text) if text is not None else ()
    once = {(one.path, one.rule, one.message, one.line): one for one in found if one.state != "unchanged"}
    return tuple(sorted(once.values(), key=lambda one: (SEVERITIES.index(one.severity), one.path, one.line)))


def _tail(services: Services, run: RunId, gate: StepName, attempt: int) -> str:
    """The end of the gate's log, masked as it was written; empty where there is none."""
    path = services.artifacts.log_path(run, gate, attempt)
    try:
        with open(path, "rb") as log:
            log.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
            return log.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
