"""`manual:*`: a person decides. The step itself does nothing; who approved it, when and why becomes its outputs."""

from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.handlers.failures import see_log
from nofx_cli.handlers.inputs import Field, faults_of
from nofx_cli.ports.handler import StepContext

FIELDS = {"message": Field(("text",)), "show": Field(("mapping",))}


class Manual:
    """`message` is the question, `show` what the person is to look at; the answer is bound to both."""

    rerun_safe = True
    instant = True
    needs_approval = True

    def match(self, tool: str) -> bool:
        return tool.startswith("manual:") and tool != "manual:"

    def check(self, inputs: JsonObject) -> list[str]:
        return faults_of(inputs, FIELDS)

    def preview(self, ctx: StepContext) -> JsonObject:
        return {name: ctx.inputs[name] for name in FIELDS if name in ctx.inputs}

    def run(self, ctx: StepContext) -> Outcome:
        approval = ctx.approval
        if approval is None:
            return Failed(StepError("approval-missing", f"`{ctx.tool}` runs only under an approval", see_log(ctx)))
        return Succeeded({"approved_by": approval.by, "approved_at": approval.at, "note": approval.note})


HANDLER = Manual()
