"""Changes to the outside world: put on record before and after, and found out about where that was cut off.

The states and crash points stand in `domain.effects`. This module is asked at two places: by a running attempt, which
begins an effect, and before the next attempt of a step that has open ones, which are settled first.
"""

from typing import TYPE_CHECKING

from nofx_cli.domain import events as ev
from nofx_cli.domain.effects import Done, Intent, KnownEffect, NotDone, Reconciled, Unclear
from nofx_cli.domain.ids import JsonObject, JsonValue, canonical_json
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.domain.step_state import StepState
from nofx_cli.engine.foreign import ask_handler
from nofx_cli.engine.services import Services
from nofx_cli.engine.shown_text import asked_text
from nofx_cli.ports.handler import StepHandler, handler_reconciles, reconcile_with

if TYPE_CHECKING:
    from nofx_cli.engine.context import EngineContext


class BegunEffect:
    """Implements `ports.handler.Effect`."""

    def __init__(self, ctx: "EngineContext", intent: Intent, result: JsonObject | None = None) -> None:
        self._ctx, self._intent, self._result = ctx, intent, result

    @property
    def result(self) -> JsonObject | None:
        return self._result

    def is_of(self, intent: Intent) -> bool:
        """Whether it is that very effect: begun again, it goes on."""
        return intent == self._intent

    def done(self, result: JsonObject) -> None:
        if self._result is not None:
            raise ValueError(f"{self._intent.kind} on {self._intent.target} is on record as made already")
        canonical_json(result)
        intent, ctx = self._intent, self._ctx
        told = ev.EffectDone(intent.kind, intent.target, result, intent.digest)
        ctx.append(lambda batch: batch.add(told, ctx.step, ctx.attempt))
        self._result = result


def begin_effect(ctx: "EngineContext", known: KnownEffect | None, intent: Intent) -> BegunEffect:
    """Put an effect on record as intended, unless the step has made this very one before."""
    if known is not None and known.done is not None and known.intent.digest == intent.digest:
        return BegunEffect(ctx, intent, known.done.result)
    intended = ev.EffectIntended(intent.kind, intent.target, intent.digest)
    ctx.append(lambda batch: batch.add(intended, ctx.step, ctx.attempt))
    return BegunEffect(ctx, intent)


def settle_effects(services: Services, step: StepState, handler: StepHandler, ctx: "EngineContext") -> list[ev.Payload]:
    """Find out about each open effect of a step that would start again; it ends in a question where a person decides.

    Raises:
        errors.NofxError: the handler cannot look now; as `ask_handler`. What is no answer is a `handler-fault`, too.
    """
    payloads: list[ev.Payload] = []
    for effect in step.open_effects:
        intent = effect.intent
        match _reconciled(step, handler, ctx, effect):
            case Done(result=result):
                payloads.append(ev.EffectDone(intent.kind, intent.target, result, intent.digest, reconciled=True))
            case Unclear(known=known):
                return [*payloads, *_asked(services, ctx, intent, known)]
            case NotDone():
                continue
    return payloads


def as_effects_stand(step: StepState, outcome: Outcome) -> Outcome:
    """The outcome, unless it is a success that leaves open whether something was changed outside."""
    if not isinstance(outcome, Succeeded) or not step.effects:
        return outcome
    # What earlier attempts left open was settled before this one began: it was not made.
    left = [effect.intent for effect in step.open_effects if effect.intent.attempt == step.attempt]
    if not left:
        return outcome
    intent = left[0]
    message = f"the handler intended {intent.kind} on {intent.target}, and did not say what came of it"
    return Failed(StepError("effect-left-open", message, "mend the handler: it calls done(…) on every effect it made"))


def effects_shown(step: StepState) -> list[JsonValue]:
    """The open effects of a step, as they are shown to a person."""
    return [_shown(effect.intent) for effect in step.open_effects]


def _reconciled(step: StepState, handler: StepHandler, ctx: "EngineContext", effect: KnownEffect) -> Reconciled:
    if not handler_reconciles(handler):
        if _was_told_to_run_again(step, effect.intent):
            return NotDone()
        return Unclear(f"the handler of {ctx.tool} cannot look whether it was made")

    def look() -> Reconciled:
        found = reconcile_with(handler, ctx, effect.intent)
        if not isinstance(found, Done | NotDone | Unclear):
            raise TypeError(f"reconcile must answer Done, NotDone or Unclear, not {found!r}")
        if isinstance(found, Done):
            canonical_json(found.result)
        return found

    what = f"{effect.intent.kind} on {effect.intent.target}"
    return ask_handler(ctx, look, failed=f"the handler of {ctx.tool} could not look whether {what} was made")


def _was_told_to_run_again(step: StepState, intent: Intent) -> bool:
    """Whether a person who saw that this was cut off said that it runs again; an attempt since then is another one."""
    asked = step.standing_approval
    if asked is None or asked.reason is not ev.AskReason.INTERRUPTED or asked.decision != "granted":
        return False
    return intent.attempt <= asked.attempt


def _asked(services: Services, ctx: "EngineContext", intent: Intent, known: str) -> list[ev.Payload]:
    known = services.mask_text(known)
    shown: JsonObject = {
        "run": ctx.run_id,
        "step": ctx.step,
        "tool": ctx.tool,
        "reason": ev.AskReason.EFFECT.value,
        "effect": _shown(intent),
        "known": known,
        "approve": "it was not made, or may be made twice: the step makes it",
        "waive": "it was made: the step is passed over, and what needs it goes on",
        "reject": "the step fails",
    }
    text, digest = asked_text(services, shown)
    path = services.artifacts.put_shown(ctx.run_id, digest, text)
    question = f"nobody can tell whether {intent.kind} on {intent.target} was made; make it now?"
    unknown = ev.EffectUnknown(intent.kind, intent.target, known)
    return [unknown, ev.ApprovalRequested(digest, question, ev.AskReason.EFFECT, path)]


def _shown(intent: Intent) -> JsonObject:
    return {"kind": intent.kind, "target": intent.target, "digest": intent.digest, "attempt": intent.attempt}
