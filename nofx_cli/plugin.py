"""What a project's own handler needs: `from nofx_cli.plugin import Succeeded, Failed, StepContext`.

A handler is any object with `match(tool)` and `run(ctx)`; see `StepHandler` for what it may have besides.
"""

from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.outcome import Failed, GateEvaluation, Outcome, StepError, Succeeded, Verdict, Waiting
from nofx_cli.ports.handler import Granted, StepCancelled, StepContext, StepHandler
from nofx_cli.ports.processes import ProcessResult

__all__ = [
    "ArtifactCreated",
    "Failed",
    "GateEvaluation",
    "Granted",
    "Outcome",
    "ProcessResult",
    "StepCancelled",
    "StepContext",
    "StepError",
    "StepHandler",
    "Succeeded",
    "Verdict",
    "Waiting",
]
