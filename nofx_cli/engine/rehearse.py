"""What a plan would do, step by step, without doing any of it and without a run."""

from nofx_cli import errors
from nofx_cli.domain.events import RunCreated
from nofx_cli.domain.ids import JsonObject, JsonValue, RunId, StepName
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.record import record
from nofx_cli.domain.state import RunState
from nofx_cli.engine.context import EngineContext
from nofx_cli.engine.prepare import find_handler
from nofx_cli.engine.services import Services
from nofx_cli.engine.subject import preview_of
from nofx_cli.ports.handler import handler_flag
from nofx_cli.ports.rendering import Renderer, RenderFailed
from nofx_cli.safety.policy import allowed_env, check_tool

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
    state = RunState(plan)
    state.run, state.created = _NO_RUN, RunCreated(params=params)
    renderer = services.renderer_for(plan, params, _NO_RUN)
    return [_rehearse_step(services, plan, state, renderer, step) for step in plan.steps]


def _rehearse_step(services: Services, plan: Plan, state: RunState, renderer: Renderer, step: Step) -> Rehearsed:
    inputs, env, later = step.inputs, dict(step.env), ""
    try:
        inputs, env = renderer.inputs(step, state), renderer.env(step, state)
    except RenderFailed as exc:
        later = str(exc)
    denial = check_tool(plan.policy, step)
    preview: JsonValue = None
    approval = step.approval
    try:
        handler = find_handler(services, step)
        approval = approval or handler_flag(handler, "needs_approval")
        if not later:
            ctx = EngineContext(services, plan, state, step, attempt=1, inputs=inputs, env=env)
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
        env_allowed=allowed_env(plan.policy, step),
    )
