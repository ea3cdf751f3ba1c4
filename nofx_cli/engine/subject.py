"""What a person decides on: the exact content that a step would act with, and its digest.

An approval is bound to the SHA-256 of the canonical JSON of this document. It is built again from the world as
it is when somebody answers, and once more when the step would run; where it differs, the answer does not count.
"""

import json

from nofx_cli.domain.events import ArtifactCreated, AskReason
from nofx_cli.domain.ids import Digest, JsonValue, canonical_json, digest_of_bytes
from nofx_cli.domain.plan import Step
from nofx_cli.domain.record import record
from nofx_cli.domain.state import RunState
from nofx_cli.domain.step_state import Approval
from nofx_cli.engine.anywhere import anywhere
from nofx_cli.engine.context import EngineContext
from nofx_cli.engine.foreign import ask_handler
from nofx_cli.engine.services import Services
from nofx_cli.engine.shown_text import kept_text
from nofx_cli.engine.worktree import tree_now
from nofx_cli.ports.handler import StepContext, StepHandler, handler_asks, handler_preview

_CHANGED = "changed since it was made"


@record
class Subject:
    """What is shown, as masked JSON text, and the digest of that text."""

    text: str
    digest: Digest
    question: str
    reason: AskReason
    preview: JsonValue = None
    """What the handler said, not masked."""


def subject_of(
    services: Services,
    step: Step,
    state: RunState,
    handler: StepHandler,
    ctx: EngineContext,
    *,
    reason: AskReason | None = None,
) -> Subject:
    """Build what would be shown for a step now; `reason` where the question is a new one."""
    reason = reason or _reason(state, step)
    preview = preview_of(handler, ctx)
    shown = {**_acted_with(services, step, state, ctx), "reason": reason.value, "preview": anywhere(services, preview)}
    if reason is AskReason.INTERRUPTED and state.steps[step.name].open_effects:
        from nofx_cli.engine.effects import effects_shown

        shown["effects"] = effects_shown(state.steps[step.name])
    text = canonical_json(services.mask(shown))
    question = services.mask_text(_question(step, ctx, reason))
    return Subject(text, digest_of_bytes(text.encode("utf-8", "backslashreplace")), question, reason, preview)


def is_about(services: Services, step: Step, state: RunState, ctx: EngineContext, asked: Approval) -> bool:
    """Whether a step would act now with what was shown when it was asked about, whatever came of a part of it since.

    The preview is left out of that: what was made of it changes what is left to do.
    """
    text = kept_text(services, ctx.run_id, ArtifactCreated(name="what was asked", path=asked.path, digest=asked.digest))
    shown = json.loads(text) if text is not None else {}
    now = json.loads(canonical_json(services.mask(_acted_with(services, step, state, ctx))))
    return all(shown.get(name) == value for name, value in now.items())


def _acted_with(services: Services, step: Step, state: RunState, ctx: EngineContext) -> dict[str, JsonValue]:
    shown: dict[str, JsonValue] = {
        "run": ctx.run_id,
        "step": step.name,
        "tool": step.tool,
        "inputs": ctx.inputs,
        "env": ctx.env,
        "artifacts": _artifacts(services, state, step),
    }
    if tree := tree_now(services, state):
        shown["tree"] = tree
    return shown


def preview_of(handler: StepHandler, ctx: EngineContext) -> JsonValue:
    """What the handler says that it would do, None where it cannot say.

    Raises:
        errors.NofxError: as `ask_handler`; what is no JSON is a `handler-fault`, too.
    """

    def preview() -> JsonValue:
        shown = handler_preview(handler, ctx)
        canonical_json(shown)
        return shown

    if getattr(handler, "preview", None) is None:
        return None
    return ask_handler(ctx, preview, failed=f"the preview of {ctx.tool} failed")


def asks_first(handler: StepHandler, ctx: EngineContext) -> bool:
    """Whether the handler wants a person asked before the step runs; raises as `preview_of`."""
    if getattr(handler, "asks_with", None) is None:
        return handler_asks(handler, ctx)
    failed = f"the handler of {ctx.tool} could not say whether it asks"
    return ask_handler(ctx, lambda: handler_asks(handler, ctx), failed=failed)


def _reason(state: RunState, step: Step) -> AskReason:
    """An open question keeps its reason; else the step is asked for because it needs an approval."""
    asked = state.steps[step.name].standing_approval
    return asked.reason if asked else AskReason.APPROVAL


def _question(step: Step, ctx: StepContext, reason: AskReason) -> str:
    message = ctx.inputs.get("message")
    if reason is AskReason.INTERRUPTED:
        return f"{step.name} was cut off while it ran; run it again?"
    if isinstance(message, str) and message:
        return message
    return f"run {step.name} ({step.tool})?"


def _artifacts(services: Services, state: RunState, step: Step) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for need in step.needs:
        kept = state.steps[need].artifacts
        if kept and state.run is not None:
            run = state.run
            found[need] = {a.name: a.digest if services.artifacts.check(run, a) else _CHANGED for a in kept}
    return found
