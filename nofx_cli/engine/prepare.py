"""The pipeline from a ready step to its claim: render inputs → policy → approval → claim.

Each part can end it: a template that cannot be rendered and a denial fail the step, a missing or stale approval
makes it wait. All of it is read-only; what comes out is a list of drafts and, where the step is claimed, the attempt.
"""

from collections.abc import Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from nofx_cli import errors
from nofx_cli.clock import format_at
from nofx_cli.config.settings import SETTINGS_FILE
from nofx_cli.domain import events as ev
from nofx_cli.domain.outcome import Failed, StepError
from nofx_cli.domain.plan import POLICY_DENIED, Plan, Step
from nofx_cli.domain.project import limits_time
from nofx_cli.domain.record import record
from nofx_cli.domain.state import RunState, is_replay
from nofx_cli.domain.step_state import Approval, StepState
from nofx_cli.engine.context import EngineContext
from nofx_cli.engine.failing import after_failure
from nofx_cli.engine.services import Services
from nofx_cli.engine.subject import Subject, asks_first, is_about, subject_of
from nofx_cli.engine.worktree import ensure_worktree
from nofx_cli.ports.handler import Granted, StepHandler
from nofx_cli.ports.rendering import Renderer, RenderFailed
from nofx_cli.safety.never_written import HANDLERS
from nofx_cli.safety.policy import Denial

if TYPE_CHECKING:
    from nofx_cli.engine.budgets import Shortage


@record
class Claimed:
    """An attempt that this process may start once its drafts are appended."""

    step: Step
    handler: StepHandler
    ctx: EngineContext


@record
class Prepared:
    """What follows for a ready step: drafts to append and, where it may run, the attempt they claim."""

    drafts: list[ev.Draft] = field(default_factory=list)
    claimed: Claimed | None = None


def prepare(services: Services, plan: Plan, state: RunState, renderer: Renderer, step_state: StepState) -> Prepared:
    """Carry a ready step up to its claim, in the order of the pipeline."""
    step = plan.steps[step_state.place]
    attempt = step_state.next_attempt
    try:
        inputs = renderer.inputs(step, state)
        env = renderer.env(step, state)
    except RenderFailed as exc:
        ctx = EngineContext(services, plan, state, step, attempt=attempt, inputs={}, env={})
        return _failed(ctx, StepError("render", str(exc), "mend the template in the plan and start a new run"))
    ctx = EngineContext(services, plan, state, step, attempt=attempt, inputs=inputs, env=env)
    denial = first_denial(ctx, step)
    if denial is not None:
        denied = ev.PolicyDenied(denial.rule, denial.source, denial.message)
        return _failed(ctx, denied_error(denial), denied)
    try:
        ensure_worktree(services, state)
        handler = find_handler(services, step)
        if is_replay(state) and (prepared := _from_record(services, state, step_state, handler, ctx)) is not None:
            return prepared
        settled = _settle(services, step_state, handler, ctx)
        if settled and isinstance(settled[-1].payload, ev.ApprovalRequested):
            return Prepared(settled)
        drafts = _ask_if_needed(services, step, state, handler, ctx, settled=settled)
    except errors.StoreFailure:
        raise  # what is shown could not be kept: no fault of the step
    except errors.NofxError as exc:
        failed = Failed(StepError(exc.code, exc.message, exc.hint), retryable=isinstance(exc, errors.Unavailable))
        now = format_at(services.clock.now_us())
        return Prepared([_claim(ctx), ev.Draft(after_failure(plan, step_state, failed, at=now), ctx.step, attempt)])
    if drafts:
        return Prepared([*settled, *drafts])
    ctx.approval = _granted(services, state, step_state)
    if limits_time(ctx.rules, plan, step) and (short := _shortage_of_time(services, state, step)):
        from nofx_cli.engine.hold_up import held_up

        held = held_up(services, ctx.run_id, short, step=step.name, attempt=attempt)
        return Prepared([*settled, _claim(ctx), *held])
    return Prepared([*settled, _claim(ctx)], Claimed(step, handler, ctx))


def _from_record(
    services: Services, state: RunState, step: StepState, handler: StepHandler, ctx: EngineContext
) -> Prepared | None:
    """In a replay, what follows for a step that changes the world outside; None for any other."""
    from nofx_cli.engine.from_record import from_record

    recorded = from_record(services, state, step, handler)
    if recorded is None:
        return None
    if recorded.waived:
        return Prepared([ev.Draft(ev.StepSkipped(ev.SkipReason.WAIVED, recorded.waived), step.name)])
    return Prepared([_claim(ctx)], Claimed(state.plan.steps[step.place], recorded, ctx))


def _settle(services: Services, step: StepState, handler: StepHandler, ctx: EngineContext) -> list[ev.Draft]:
    """What its handler finds out about what an attempt that was cut off, or failed, may have changed outside."""
    if not step.effects or not step.open_effects:
        return []
    from nofx_cli.engine.effects import settle_effects

    return [ev.Draft(payload, step.name) for payload in settle_effects(services, step, handler, ctx)]


def _shortage_of_time(services: Services, state: RunState, step: Step) -> "Shortage | None":
    from nofx_cli.engine.budgets import shortage_of_time

    return shortage_of_time(services, state, step, now_us=services.clock.now_us())


def first_denial(ctx: EngineContext, step: Step) -> Denial | None:
    """What of its tool and its scopes of secrets the step may not have; and whether the rules are still the same."""
    permissions = ctx.permissions
    found = (
        _denial_of_change(ctx),
        permissions.check_tool(step.tool),
        *map(permissions.check_scope, step.secrets_scope),
    )
    return next(filter(None, found), None)


def _denial_of_change(ctx: EngineContext) -> Denial | None:
    """A step that changes the rules is denied; nor does what it changed hold for any other step of the run.

    A person may change them while nothing runs: before the run, while it waits for an answer, before it is retried.
    """
    if ctx.began_with in ("", ctx.rules.digest):
        return None
    what = f"{SETTINGS_FILE} or {HANDLERS}"
    message = f"step {ctx.step} may not run: {what} was changed since the steps of the run began"
    return Denial("rules that change while steps run", SETTINGS_FILE, message)


def denied_error(denial: Denial) -> StepError:
    """How a step fails that a rule denied something."""
    return StepError(POLICY_DENIED, denial.message, denial.hint)


def _ask_if_needed(
    services: Services,
    step: Step,
    state: RunState,
    handler: StepHandler,
    ctx: EngineContext,
    *,
    settled: Sequence[ev.Draft],
) -> list[ev.Draft]:
    step_state = state.steps[step.name]
    asked = step_state.standing_approval
    if asked is None and not step.approval and not asks_first(handler, ctx):
        return []
    if asked is not None and asked.reason is ev.AskReason.ASKED:
        return []  # the handler asked by itself, and compares the digest by itself
    begun = asked is not None and asked.decision == "granted" and _has_begun(step_state, settled)
    if begun and asked is not None and is_about(services, step, state, ctx, asked):
        return []
    subject = subject_of(services, step, state, handler, ctx)
    ctx.previewed = subject.preview
    return ask(services, step, state, asked, subject)


def _has_begun(step: StepState, settled: Sequence[ev.Draft]) -> bool:
    """Whether a part of what was approved is on record as made: what is left of it goes on under that approval, though
    the handler would show something else now, as long as what it acts with is what was shown."""
    found = {(e.kind, e.target) for draft in settled if isinstance(e := draft.payload, ev.EffectDone)}
    made = (effect for name, effect in step.effects.items() if not effect.is_open or name in found)
    return any(step.is_of_standing_approval(effect) for effect in made)


def find_handler(services: Services, step: Step) -> StepHandler:
    """The handler of a step's tool.

    Raises:
        errors.InvalidInput: no handler has it any more, or the plugin that had it is broken.
    """
    handler = services.handlers.find(step.tool)
    if handler is None:
        raise errors.InvalidInput(f"no handler has the tool {step.tool!r}", code="unknown-tool", hint="nofx doctor")
    return handler


def ask(services: Services, step: Step, state: RunState, approval: Approval | None, subject: Subject) -> list[ev.Draft]:
    """What to append before the step may run; empty where a person granted exactly this."""
    if approval is not None and approval.decision == "granted" and approval.digest == subject.digest:
        return []
    drafts = []
    if approval is not None and approval.digest != subject.digest:
        drafts.append(ev.Draft(ev.ApprovalStale(approval.digest, subject.digest), step.name))
    elif approval is not None and approval.decision is None:
        return []
    return [*drafts, request(services, step, state, subject)]


def request(services: Services, step: Step, state: RunState, subject: Subject) -> ev.Draft:
    """Ask a person, and keep what is shown."""
    assert state.run is not None
    path = services.artifacts.put_shown(state.run, subject.digest, subject.text)
    return ev.Draft(ev.ApprovalRequested(subject.digest, subject.question, subject.reason, path), step.name)


def _granted(services: Services, state: RunState, step: StepState) -> Granted | None:
    approval = step.standing_approval
    if approval is None or approval.decision != "granted":
        return None
    from nofx_cli.engine.replayed import granted_before

    granted = Granted(approval.by.id if approval.by else "", approval.at, approval.note, approval.digest)
    return granted_before(services, state, step.name, granted)


def _claim(ctx: EngineContext) -> ev.Draft:
    rules = ctx.began_with or ctx.rules.digest
    started = ev.StepStarted(ctx.tool, ctx.idempotency_key, ctx.inputs_digest, ctx.worker, rules)
    return ev.Draft(started, ctx.step, ctx.attempt)


def _failed(ctx: EngineContext, error: StepError, *before: ev.Payload) -> Prepared:
    """The attempt is claimed and fails in the same batch: its handler is never called."""
    finished = ev.StepFinished("failed", error=error)
    return Prepared([_claim(ctx), *(ev.Draft(payload, ctx.step, ctx.attempt) for payload in (*before, finished))])
