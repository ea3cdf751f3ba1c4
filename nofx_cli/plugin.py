"""What a project's own handler needs: `from nofx_cli.plugin import Succeeded, Failed, StepContext`.

A handler is any object with `match(tool)` and `run(ctx)`; see `StepHandler` for what it may have besides. A project
names its handlers in the list `HANDLERS` of a file `nofx_handlers/<name>.py`, an installed package under entry points
`nofx.handlers`. `nofx_cli.testing.FakeContext` is a context to test them with.
"""

from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.ids import JsonObject, JsonValue, StepName
from nofx_cli.domain.outcome import Failed, GateEvaluation, Outcome, StepError, Succeeded, Verdict, Waiting
from nofx_cli.ports.handler import Feedback, Granted, StepCancelled, StepContext, StepHandler
from nofx_cli.ports.processes import ProcessResult

__all__ = [
    "ArtifactCreated",
    "Failed",
    "Feedback",
    "GateEvaluation",
    "Granted",
    "JsonObject",
    "JsonValue",
    "Outcome",
    "ProcessResult",
    "StepCancelled",
    "StepContext",
    "StepError",
    "StepHandler",
    "StepName",
    "Succeeded",
    "Verdict",
    "Waiting",
]
