"""What a plan would do, step by step, without doing any of it and without a run."""

from collections.abc import Iterator, Sequence

from nofx_cli import errors
from nofx_cli.domain.events import RunCreated
from nofx_cli.domain.ids import JsonObject, JsonValue, RunId, StepName
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.record import record
from nofx_cli.domain.state import RunState
from nofx_cli.engine.context import EngineContext
from nofx_cli.engine.prepare import find_handler, first_denial
from nofx_cli.engine.services import Services
from nofx_cli.engine.subject import asks_first, preview_of
from nofx_cli.ports.rendering import Renderer, RenderFailed

_NO_RUN = RunId("dry-run")


@record
class Rehearsed:
    """What is known of a step beforehand. `later` says which of its templates need what earlier steps produce."""

    step: StepName
    tool: str
    needs: tuple[StepName, ...]
    when: str
    inputs: JsonValue
    later: str
    preview: JsonValue
    denied: str
    approval: bool
    env_allowed: tuple[str, ...]


def rehearse(services: Services, plan: Plan, params: JsonObject) -> list[Rehearsed]:
    """Render, check and preview every step, in the order of the plan."""
    return list(_rehearse(services, plan, params, plan.steps))


def rehearse_gates(services: Services, plan: Plan) -> list[Rehearsed]:
    """The same of its gates alone, with the defaults of its parameters."""
    params = {param.name: param.default for param in plan.params}
    return list(_rehearse(services, plan, params, [step for step in plan.steps if step.is_gate]))


def _rehearse(services: Services, plan: Plan, params: JsonObject, steps: Sequence[Step]) -> Iterator[Rehearsed]:
    state = RunState(plan)
    state.run, state.created = _NO_RUN, RunCreated(params=params)
    renderer = services.renderer_for(plan, params, _NO_RUN)
    return (_rehearse_step(services, plan, state, renderer, step) for step in steps)


def _rehearse_step(services: Services, plan: Plan, state: RunState, renderer: Renderer, step: Step) -> Rehearsed:
    inputs, env, later = step.inputs, dict(step.env), ""
    try:
        inputs, env = renderer.inputs(step, state), renderer.env(step, state)
    except RenderFailed as exc:
        later = str(exc)
    ctx = EngineContext(services, plan, state, step, attempt=1, inputs=inputs, env=env)
    denial = first_denial(ctx, step)
    preview: JsonValue = None
    approval = step.approval
    try:
        handler = find_handler(services, step)
        approval = approval or asks_first(handler, ctx)
        if not later:
            preview = preview_of(handler, ctx)
    except errors.NofxError as exc:
        preview = {"error": exc.message}
    return Rehearsed(
        step=step.name,
        tool=step.tool,
        needs=step.needs,
        when=str(step.when),
        inputs=services.mask(inputs),
        later=services.mask_text(later),
        preview=services.mask(preview),
        denied=denial.message if denial else "",
        approval=approval,
        env_allowed=tuple(ctx.permissions.env_patterns()),
    )
