"""Where a new run works: what its plan says, or else what its steps do."""

from nofx_cli.domain.plan import Plan, WorkspaceMode
from nofx_cli.ports.handler import handler_writes
from nofx_cli.wiring.session import Session
from nofx_cli.workspace.checkout import Chosen, describe_workspace


def workspace_for(session: Session, plan: Plan) -> Chosen:
    """The workspace of a run of that plan, about to be made; see `choose_workspace`.

    Raises:
        errors.InvalidInput: the plan says `worktree`, and there cannot be one (code `no-repository`).
    """
    mode = plan.workspace
    if mode is WorkspaceMode.IN_PLACE or (mode is WorkspaceMode.AUTO and not writes(session, plan)):
        return Chosen(describe_workspace(session.project))
    from nofx_cli.workspace.choice import choose_workspace

    return choose_workspace(session.project, mode, store=session.settings.store.value)


def writes(session: Session, plan: Plan) -> bool:
    """Whether one of its steps changes the workspace."""
    found = ((session.services.handlers.find(step.tool), step.inputs) for step in plan.steps)
    return any(handler is not None and handler_writes(handler, inputs) for handler, inputs in found)
