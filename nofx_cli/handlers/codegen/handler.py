"""`codegen`: ask a model, and keep its answer or make the changes that it writes.

What it is asked is made of the step's inputs and of the workspace alone, without times or chance. So an attempt that
was cut off may simply run again: what it had changed is taken back first, the same questions find their answers in the
archive, none is paid for twice, and the same changes come of them.
"""

from functools import partial

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import Failed, Outcome, StepError
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.codegen.options import Options, input_faults, options_of, writes_with
from nofx_cli.handlers.failures import invalid_inputs
from nofx_cli.ports.handler import StepContext

TOOL = "codegen"


class Codegen:
    """The handler. Its preview is what would be said to the model, by digest and size, and to which model."""

    rerun_safe = True

    def match(self, tool: str) -> bool:
        return tool == TOOL

    def check(self, inputs: JsonObject) -> list[str]:
        return input_faults(inputs)

    def writes_with(self, inputs: JsonObject) -> bool:
        return writes_with(inputs)

    def preview(self, ctx: StepContext) -> JsonObject:
        faults = self.check(ctx.inputs)
        if faults:
            return {"faults": tuple(faults)}
        from nofx_cli.handlers.codegen.preview import preview_of

        return preview_of(ctx, options_of(ctx.inputs))

    def run(self, ctx: StepContext) -> Outcome:
        faults = self.check(ctx.inputs)
        if faults:
            return invalid_inputs(faults)
        try:
            return _answered(ctx, options_of(ctx.inputs))
        except errors.Unavailable as exc:
            return Failed(StepError(exc.code, exc.message, exc.hint), retryable=True)


def _answered(ctx: StepContext, options: Options) -> Outcome:
    from nofx_cli.handlers.codegen.conversation import Judge, ask_until_used
    from nofx_cli.handlers.codegen.prompt import question_of, told_left_out

    judge: Judge
    if options.apply:
        from nofx_cli.handlers.edits.api import settle

        for note in settle(ctx.workspace, store=ctx.store, work=ctx.work):
            ctx.log(note)
    question = question_of(ctx, options, running=True)
    if question.edits is not None:
        from nofx_cli.handlers.codegen.applied_answer import apply_answer

        judge = partial(apply_answer, ctx, options, question.edits)
    else:
        from nofx_cli.handlers.codegen.kept_answer import keep_data, keep_words

        judge = partial(keep_words, ctx, options) if options.schema is None else partial(keep_data, ctx)
    pieces = counted(len(question.gathered.pieces), "piece")
    ctx.log(f"asks {options.model or f'a model for {options.kind}'}: {question.size:,} bytes, {pieces} of context")
    for line in told_left_out(question.gathered.left_out):
        ctx.log(f"left out: {line}")
    return ask_until_used(ctx, options, question, judge)


HANDLER = Codegen()
