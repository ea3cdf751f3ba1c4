"""The worktree that a run works in, where it has one.

    the worktree is made ── crash ──▶ a leftover, which no run knows; `nofx clean` removes it
        └▶ run.created ──▶ before every step that starts, and before a person is shown what it would do: is it there?
                               └▶ a step ends ── the tree is kept ── crash ──▶ the attempt counts as cut off
                                      └▶ snapshot.taken and step.finished, in one batch

    a rollback: what stands there is kept ─▶ run.rolled_back ── crash ──▶ who needs the worktree next sets it back
                                                └▶ it is set back ── crash ──▶ the same once more
                                                       └▶ snapshot.taken: it is what the run has

The project's settings and handlers stay those of the project's own folder: a step cannot change them by its worktree.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nofx_cli import errors
from nofx_cli.domain.events import SnapshotTaken
from nofx_cli.domain.ids import JsonObject, RunId, StepName
from nofx_cli.domain.plan import WorkspaceMode
from nofx_cli.domain.state import RunState
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.services import Services
from nofx_cli.ports.handler import RunTrees, handler_flag

if TYPE_CHECKING:  # runs that work in place do not load them
    from nofx_cli.engine.prepare import Claimed
    from nofx_cli.ports.workspaces import Surroundings, Worktrees


_ROLLBACK = StepName("@rollback")
"""Stands for a step in the references of what was kept before a rollback. No step can be called so."""


def is_worktree(workspace: Mapping[str, object]) -> bool:
    """Whether the workspace of `run.created` is a worktree of the run's own."""
    return workspace.get("mode") == WorkspaceMode.WORKTREE


def services_in(services: Services, workspace: JsonObject) -> Services:
    """The services of a project, for a run with that workspace: what it works on is its worktree where it has one."""
    if not is_worktree(workspace):
        return services
    return replace(services, workspace=Path(str(workspace["tree"])))


def make_worktree(services: Services, workspace: JsonObject, run: RunId) -> JsonObject:
    """Make the worktree of a run that is about to be made; returns the workspace with its place (`tree`).

    Raises:
        errors.Unavailable: it cannot be made, and nothing of it is left.
    """
    if not is_worktree(workspace):
        return workspace
    worktrees = _worktrees(services)
    try:
        folder = worktrees.ensure(run, str(workspace["commit"]))
    except errors.NofxError:
        with suppress(errors.NofxError):  # the first failure is the one to tell
            worktrees.discard(run)
        raise
    return {**workspace, "tree": str(folder)}


def ensure_worktree(services: Services, state: RunState) -> None:
    """See that the worktree of a run is there: one that was taken away is made again as it was kept last.

    Raises:
        errors.Unavailable: it cannot be made, or the store was moved and it lies in the old place.
    """
    workspace = state.created.workspace if state.created else {}
    if not is_worktree(workspace) or state.run is None:
        return
    folder = _worktrees(services).ensure(state.run, str(workspace["commit"]), tree=state.tree)
    if folder != services.workspace:
        raise errors.Unavailable(
            f"the run {state.run} works in {services.workspace}, and its worktree would be made in {folder}: the store "
            "was moved",
            code="worktree-failed",
            hint="move it back, or start anew: nofx rerun",
        )
    if state.tree_is_due:
        _worktrees(services).restore(state.run, state.tree)


def tree_now(services: Services, state: RunState, *, step: StepName | None = None) -> str:
    """The tree of what a run's worktree has now, which people may have changed too; empty where it has none.

    While steps run, but for the `step` that asks, it changes all the time: then it is the newest that was kept.

    Raises:
        errors.Unavailable: git could not tell, or as `ensure_worktree`.
    """
    if state.created is None or state.run is None or not is_worktree(state.created.workspace):
        return ""
    ensure_worktree(services, state)
    if any(other.status is StepStatus.RUNNING and other.name != step for other in state.steps.values()):
        return state.tree or str(state.created.workspace["base"])
    return _worktrees(services).current_tree(state.run)


def trees_of(services: Services, state: RunState, step: StepName) -> RunTrees | None:
    """What the run changed in its worktree, as its step sees it; None where it has none. Raises as `tree_now`."""
    now = tree_now(services, state, step=step)
    if not now or state.created is None or state.run is None:
        return None
    project = surroundings_of(services, state.run).project
    return RunTrees(project, str(state.created.workspace["base"]), now)


def keep_tree(services: Services, claimed: "Claimed") -> SnapshotTaken | None:
    """Keep what a step left in the worktree; None where it changed nothing, or there is no worktree.

    Raises:
        errors.Unavailable: it could not be kept (code `snapshot-not-written`).
    """
    ctx = claimed.ctx
    if not ctx.in_worktree or handler_flag(claimed.handler, "instant"):
        return None
    kept = _worktrees(services).snapshot(ctx.run_id, ctx.step, ctx.attempt, before=ctx.tree)
    return SnapshotTaken(tree=kept.tree, ref=kept.ref) if kept else None


def keep_what_stands(services: Services, state: RunState, *, seq: int) -> SnapshotTaken | None:
    """Keep what the worktree has before it is set back, though no step has left it; None where it is the newest tree.

    Args:
        seq: the number of the last event, which tells it apart from others that were kept so.

    Raises:
        errors.Unavailable: it could not be kept, or as `ensure_worktree`.
    """
    if state.created is None or state.run is None or not is_worktree(state.created.workspace):
        return None
    ensure_worktree(services, state)
    kept = _worktrees(services).snapshot(state.run, _ROLLBACK, seq, before=state.tree)
    return SnapshotTaken(tree=kept.tree, ref=kept.ref) if kept else None


def set_tree_back(services: Services, state: RunState) -> SnapshotTaken | None:
    """Make the worktree what the run has after a rollback; None where it has none. Raises as `ensure_worktree`."""
    if not state.tree_is_due:
        return None
    ensure_worktree(services, state)
    return SnapshotTaken(tree=state.tree)


def surroundings_of(services: Services, run: RunId) -> "Surroundings":
    """What the worktree of a run needs that lies outside of it."""
    return _worktrees(services).surroundings(run)


def _worktrees(services: Services) -> "Worktrees":
    assert services.worktrees is not None, "the services of a project have its worktrees"
    return services.worktrees()
