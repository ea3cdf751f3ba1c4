"""What the steps of a run changed in its worktree, by the trees that were kept after them."""

from collections.abc import Sequence

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.record import record
from nofx_cli.engine.view_run import RunView
from nofx_cli.engine.worktree import is_worktree


@record
class TreeChange:
    """The trees before and after; `ref` keeps the later one. `attempts` are those that led from one to the other."""

    old: str
    new: str
    step: StepName | None = None
    attempts: tuple[int, ...] = ()
    ref: str = ""


def whole_change(view: RunView) -> TreeChange:
    """From the commit that the run began from to the newest tree that is kept.

    Raises:
        errors.NotFound: the run works in place (code `no-worktree`).
    """
    base = _base(view)
    refs = [taken.ref for _, _, taken in _taken(view) if taken.ref and taken.tree == view.state.tree]
    return TreeChange(base, view.state.tree, ref=refs[-1] if refs else "")


def changes_of_step(view: RunView, step: StepName) -> list[TreeChange]:
    """What a step changed: one change for attempts that followed each other, several where others wrote in between.

    Raises:
        errors.NotFound: as `whole_change`.
    """
    found: list[TreeChange] = []
    before = _base(view)
    for name, attempt, taken in _taken(view):
        if name == step and found and found[-1].new == before:
            found[-1] = TreeChange(found[-1].old, taken.tree, step, (*found[-1].attempts, attempt), taken.ref)
        elif name == step:
            found.append(TreeChange(before, taken.tree, step, (attempt,), taken.ref))
        before = taken.tree
    return found


def project_of(view: RunView) -> str:
    """The folder of the project that the worktree of a run belongs to; raises as `whole_change`."""
    _base(view)
    assert view.state.created is not None
    return str(view.state.created.workspace["path"])


def _base(view: RunView) -> str:
    workspace = view.state.created.workspace if view.state.created else {}
    if not is_worktree(workspace):
        raise _no_worktree(view.run, str(workspace.get("path", "")))
    return str(workspace["base"])


def _no_worktree(run: RunId, path: str) -> errors.NotFound:
    return errors.NotFound(
        f"run {run} has no worktree: what it changed is in {path}" if path else f"run {run} has no worktree",
        code="no-worktree",
        hint="a run has one where its plan says `workspace: worktree`, or where it writes in a git repository",
    )


def _taken(view: RunView) -> Sequence[tuple[StepName | None, int, ev.SnapshotTaken]]:
    return [
        (event.step, event.attempt or 0, event.payload)
        for event in view.counting
        if isinstance(event.payload, ev.SnapshotTaken) and event.payload.tree
    ]
