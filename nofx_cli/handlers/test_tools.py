"""Tools for trying out plans and for measuring: they run inside nofx and start no process."""

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.handlers.inputs import Field, faults_of
from nofx_cli.ports.handler import StepContext

FAIL_FIELDS = {
    "message": Field(("text",)),
    "code": Field(("text",)),
    "retryable": Field(("flag",)),
    "fail_times": Field(("number",)),
}


class Echo:
    """`test:echo`: its inputs are its outputs."""

    rerun_safe = True
    instant = True

    def match(self, tool: str) -> bool:
        return tool == "test:echo"

    def run(self, ctx: StepContext) -> Outcome:
        return Succeeded(ctx.inputs)


class Fail:
    """`test:fail`: fails, always or on its first `fail_times` attempts."""

    rerun_safe = True
    instant = True

    def match(self, tool: str) -> bool:
        return tool == "test:fail"

    def check(self, inputs: JsonObject) -> list[str]:
        return faults_of(inputs, FAIL_FIELDS)

    def run(self, ctx: StepContext) -> Outcome:
        fail_times = ctx.inputs.get("fail_times")
        if isinstance(fail_times, int) and ctx.attempt > fail_times:
            return Succeeded({"attempt": ctx.attempt})
        error = StepError(
            _text(ctx.inputs.get("code")) or "test-fail", _text(ctx.inputs.get("message")) or "failed as asked"
        )
        return Failed(error, retryable=bool(ctx.inputs.get("retryable", True)))


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


ECHO = Echo()
FAIL = Fail()
