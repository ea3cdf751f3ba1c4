"""Whether a run works in the user's folder or in a worktree, and what is told of that when it is made."""

from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.plan import WorkspaceMode
from nofx_cli.domain.wording import counted
from nofx_cli.safety.git_command import Git, remedy_of
from nofx_cli.workspace.checkout import Chosen, describe_workspace, find_repository, is_in_checkout
from nofx_cli.workspace.worktrees import GitWorktrees

_SHORT = 10


def choose_workspace(project: Path, mode: WorkspaceMode, *, store: Path) -> Chosen:
    """Choose for a run that should work in a worktree, by its plan (`mode`) or because it writes.

    A worktree is described by `{"path", "mode": "worktree", "commit", "branch", "dirty", "base"}`: `base` is the tree
    of the commit. A folder that lies in a repository which ignores it is no part of that.

    Raises:
        errors.InvalidInput: it must be a worktree, and there cannot be one (code `no-repository`).
    """
    described = describe_workspace(project)
    why = _why_no_worktree(project)
    if not why:
        base = GitWorktrees(project, store).base_tree(str(described["commit"]))
        workspace = {**described, "mode": WorkspaceMode.WORKTREE.value, "base": base}
        return Chosen(workspace, tuple(_notes(project, str(described["commit"]))))
    if mode is WorkspaceMode.WORKTREE:
        raise errors.InvalidInput(
            f"the plan says `workspace: worktree`, and {why}",
            code="no-repository",
            hint=remedy_of(why) or "git init, or write `workspace: in_place`",
            context={"path": str(project)},
        )
    return Chosen(described, (f"the run works in place: {why}",) if is_in_checkout(project) else ())


def _why_no_worktree(project: Path) -> str:
    if not is_in_checkout(project):
        return f"{project} does not lie in a git repository"
    try:
        top = find_repository(project).top
        ignored = project != top and Git(top).holds("check-ignore", "--quiet", str(project))
    except errors.Unavailable as exc:
        return f"git cannot be asked about {project}: {exc.context.get('reason', exc.message)}"
    return f"the repository in {top} ignores {project}" if ignored else ""


def _notes(project: Path, commit: str) -> list[str]:
    git = Git(find_repository(project).top)
    changed = git.do("status", "--porcelain", "-z", "--untracked-files=all", "--ignore-submodules=dirty")
    notes = []
    if count := _count(changed):
        on = f"commit {commit[:_SHORT]}" if commit else "an empty folder: there is no commit yet"
        are = "is" if count == 1 else "are"
        notes.append(f"{counted(count, 'changed file')} {are} not part of this run, which begins from {on}")
    if commit and git.ask("cat-file", "-e", f"{commit}:.gitmodules") is not None:
        notes.append("submodules are empty in the worktree of the run: git submodule update, in a step, fetches them")
    return notes


def _count(status: bytes) -> int:
    """How many entries; behind one that was renamed stands its old name."""
    entries, number = iter(status.split(b"\0")), 0
    for entry in entries:
        number += bool(entry)
        if entry[:1] in (b"R", b"C"):
            next(entries, None)
    return number
