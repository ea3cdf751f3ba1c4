"""Apply what a run changed to the user's folder: whole, or not at all.

The user's index is not touched unless that is asked for. What was applied before is found by what the files hold, so
applying twice does nothing the second time.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.domain.wording import counted
from nofx_cli.safety.git_command import Git
from nofx_cli.workspace.checkout import find_repository
from nofx_cli.workspace.merging import merge
from nofx_cli.workspace.tree_changes import Change, Entry, changes_between, index_info
from nofx_cli.workspace.user_files import look
from nofx_cli.workspace.writing import FileWriter

_MOST_TOLD = 10
_STAGED = "you staged something else for it"


@record
class Applied:
    """The paths that were written or removed, from the top of the repository, and those that were so before."""

    changed: tuple[str, ...]
    already: tuple[str, ...]


def apply_changes(project: Path, base: str, tree: str, *, stage: bool = False) -> Applied:
    """Apply the difference of two trees to the checkout that the project lies in.

    Args:
        stage: put what is applied into the user's index, too.

    Raises:
        errors.Conflict: a file of the user's does not go together with it (code `apply-conflict`); nothing was
            changed. `context["paths"]` has why, by path.
        errors.Unavailable: it cannot be read or written; nothing was changed.
    """
    top = find_repository(project).top
    git = Git(top)
    changes = changes_between(git, base, tree)
    removed = frozenset(change.path for change in changes if change.new is None)
    seen = look(git, top, [change.path for change in changes], removed=removed)
    merged = merge(git, changes, seen)
    staged = _staged(git, changes) if changes else {}
    conflicts = {**merged.conflicts, **_in_a_merge(staged)}
    if stage:
        own = {path: found.entry for path, found in seen.items()}
        conflicts |= {change.path: _STAGED for change in changes if not _is_plain(change, staged, own)}
    if conflicts:
        raise _refused(conflicts)
    with _index(git, {**merged.already, **merged.results} if stage else {}, staged, digits=len(tree)):
        FileWriter(top, _own_git_dir(git), seen).write(merged.results)
    return Applied(tuple(sorted(merged.results)), tuple(sorted(merged.already)))


def _own_git_dir(git: Git) -> Path:
    return Path(os.fsdecode(git.do("rev-parse", "--absolute-git-dir")).removesuffix("\n"))


def _staged(git: Git, changes: Sequence[Change]) -> Mapping[str, Sequence[Entry]]:
    """What the user's index has at the paths; several entries where a merge is unfinished."""
    found: dict[str, list[Entry]] = {change.path: [] for change in changes}
    for line in os.fsdecode(git.do("ls-files", "--stage", "-z")).split("\0"):
        what, _, path = line.partition("\t")
        if path in found:
            mode, oid, _ = what.split(" ")
            found[path].append(Entry(mode, oid))
    return found


def _in_a_merge(staged: Mapping[str, Sequence[Entry]]) -> dict[str, str]:
    return {path: "it is in the middle of a merge" for path, entries in staged.items() if len(entries) > 1}


def _is_plain(change: Change, staged: Mapping[str, Sequence[Entry]], own: Mapping[str, Entry | None]) -> bool:
    """Whether what the user's index has is either side's, so that nothing that was staged alone is lost."""
    there = next(iter(staged[change.path]), None)
    return there in (change.old, change.new, own[change.path])


@contextmanager
def _index(
    git: Git, results: Mapping[str, Entry | None], staged: Mapping[str, Sequence[Entry]], *, digits: int
) -> Iterator[None]:
    """Have the user's index hold the results, unless what is done meanwhile fails."""
    if not results:
        yield
        return
    git.do("update-index", "-z", "--index-info", stdin=index_info(results.items(), digits=digits))
    try:
        yield
    except BaseException:
        before = ((path, next(iter(staged[path]), None)) for path in results)
        git.do("update-index", "-z", "--index-info", stdin=index_info(before, digits=digits))
        raise


def _refused(conflicts: Mapping[str, str]) -> errors.Conflict:
    told = [f"{path}: {why}" for path, why in sorted(conflicts.items())]
    more = [f"and {len(told) - _MOST_TOLD} more"] if len(told) > _MOST_TOLD else []
    files = counted(len(told), "file does not", "files do not")
    return errors.Conflict(
        f"nothing was applied: {files} go together with yours ({'; '.join(told[:_MOST_TOLD] + more)})",
        code="apply-conflict",
        context={"paths": conflicts},
    )
