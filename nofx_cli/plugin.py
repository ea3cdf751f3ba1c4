"""What a project's own handler needs: `from nofx_cli.plugin import Succeeded, Failed, StepContext`.

A handler is any object with `match(tool)` and `run(ctx)`; see `StepHandler` for what it may have besides. A project
names its handlers in the list `HANDLERS` of a file `nofx_handlers/<name>.py`, an installed package under entry points
`nofx.handlers`. `nofx_cli.testing.FakeContext` is a context to test them with. `verify_signature` is for those who
receive notices of runs.
"""

from nofx_cli.domain.effects import Done, Intent, NotDone, Reconciled, Unclear
from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.ids import JsonObject, JsonValue, StepName
from nofx_cli.domain.outcome import Failed, GateEvaluation, Outcome, StepError, Succeeded, Verdict, Waiting
from nofx_cli.domain.signature import verify_signature
from nofx_cli.ports.handler import Effect, Feedback, Granted, StepCancelled, StepContext, StepHandler
from nofx_cli.ports.processes import ProcessResult

__all__ = [
    "ArtifactCreated",
    "Done",
    "Effect",
    "Failed",
    "Feedback",
    "GateEvaluation",
    "Granted",
    "Intent",
    "JsonObject",
    "JsonValue",
    "NotDone",
    "Outcome",
    "ProcessResult",
    "Reconciled",
    "StepCancelled",
    "StepContext",
    "StepError",
    "StepHandler",
    "StepName",
    "Succeeded",
    "Unclear",
    "Verdict",
    "Waiting",
    "verify_signature",
]
