"""Answers that are changes of files: all of them are made, or none."""

from collections.abc import Callable, Sequence

from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.models import EditFormat, ModelAnswer
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.codegen.conversation import Unusable, provenance
from nofx_cli.handlers.codegen.options import Options
from nofx_cli.handlers.edits.change_set import ChangeSet
from nofx_cli.handlers.edits.edit import Refused
from nofx_cli.handlers.edits.nothing_found import nothing_found
from nofx_cli.ports.handler import StepContext
from nofx_cli.safety.globs import path_matches

DIFF = "changes.diff"
MOST_LOGGED = 200
"""How many lines of the difference the log has; the artifact has all."""


def apply_answer(ctx: StepContext, options: Options, form: EditFormat, answer: ModelAnswer) -> Outcome | Unusable:
    """Make the changes that an answer writes, or say why they cannot be made; then nothing is changed.

    What is there already is a success.

    Raises:
        errors.PolicyDenied: policy does not allow one of them.
        errors.NofxError: as `nofx_cli.handlers.edits.api`.
    """
    from nofx_cli.handlers.edits.api import apply_changes, parse, plan_changes, refusal_message

    try:
        edits = parse(answer.text, form)
        check = _write_check(ctx, options.write)
        changes = plan_changes(edits, ctx.workspace, store=ctx.store, check_write=check)
    except Refused as exc:
        has_none = exc.reasons == (nothing_found(answer.text, form),)
        return Unusable(refusal_message(exc), "no-change" if has_none else "answer-refused")
    ctx.check_cancelled()
    apply_changes(changes, ctx.workspace, store=ctx.store, work=ctx.work)
    _tell(ctx, changes)
    outputs: dict[str, JsonValue] = {**provenance(answer), "changed": tuple(change.path for change in changes.changes)}
    return Succeeded(outputs)


def _write_check(ctx: StepContext, globs: Sequence[str]) -> Callable[[str], None]:
    def check(path: str) -> None:
        """What the step itself rules out goes back to the model; what policy denies ends the step."""
        if globs and not any(path_matches(path, glob) for glob in globs):
            raise Refused(f"{path} may not be changed: only files that match {', '.join(globs)} may")
        ctx.check_write(path)

    return check


def _tell(ctx: StepContext, changes: ChangeSet) -> None:
    for note in changes.notes:
        ctx.log(note)
    if changes.is_empty:
        ctx.log("all that the answer changes is there already")
        return
    diff = changes.diff()
    ctx.put_artifact(DIFF, diff.encode("utf-8", "backslashreplace"))
    lines = diff.splitlines()
    ctx.log("\n".join(lines[:MOST_LOGGED]))
    if len(lines) > MOST_LOGGED:
        ctx.log(f"… {len(lines) - MOST_LOGGED:,} more lines: nofx artifacts {ctx.run_id} {ctx.step}")
    ctx.log(f"changed {counted(len(changes.changes), 'file')}")
