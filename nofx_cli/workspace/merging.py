"""What each of the user's files will be when a run's changes are applied to it: a three-way merge, path by path.

A program that the repository's attributes name for merges is not asked: its settings may be a step's.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.safety.git_command import Git
from nofx_cli.workspace.tree_changes import SUBMODULE, Change, Entry
from nofx_cli.workspace.user_files import Seen


@record
class Merged:
    """What will be at which path (None: nothing), where that is not so yet; what is so already; and conflicts."""

    results: Mapping[str, Entry | None]
    already: Mapping[str, Entry | None]
    conflicts: Mapping[str, str]


class Clash(Exception):
    """The two sides of a path do not go together; the text says why."""


def merge(git: Git, changes: Sequence[Change], seen: Mapping[str, Seen]) -> Merged:
    """Bring what a run changed together with what the user has. Nothing but objects is written."""
    results: dict[str, Entry | None] = {}
    conflicts: dict[str, str] = {}
    already: dict[str, Entry | None] = {}
    for change in changes:
        try:
            result = _result(git, change, seen[change.path])
        except Clash as exc:
            conflicts[change.path] = str(exc)
            continue
        if _same(result, seen[change.path].entry):
            already[change.path] = result
        else:
            results[change.path] = result
    return Merged(results, already, conflicts)


def _result(git: Git, change: Change, seen: Seen) -> Entry | None:
    old, new, own = change.old, change.new, seen.entry
    if SUBMODULE in ((old and old.mode), (new and new.mode)):
        raise Clash("it is a submodule")
    if seen.obstacle:
        raise Clash(seen.obstacle)
    if _same(own, new) or _same(own, old):
        return new
    if own is None or old is None or new is None:
        raise Clash(_unlike(old, new))
    if not (own.is_file or own.mode == "") or not old.is_file or not new.is_file:
        raise Clash("both sides changed it, and it is not a file on all of them")
    mode = (own.mode or old.mode) if new.mode == old.mode else new.mode
    if own.oid in (old.oid, new.oid) or new.oid == old.oid:
        return Entry(mode, new.oid if own.oid == old.oid else own.oid)
    return Entry(mode, _merged_content(git, own.oid, old.oid, new.oid))


def _same(own: Entry | None, other: Entry | None) -> bool:
    """The mode does not count where the checkout does not heed it."""
    if own is None or other is None:
        return own is other
    return own.oid == other.oid and (own.mode == other.mode or "" in (own.mode, other.mode))


def _unlike(old: Entry | None, new: Entry | None) -> str:
    if old is None:
        return "the run made it, and you have another one"
    return "you changed it, and the run removed it" if new is None else "the run changed it, and you removed it"


def _merged_content(git: Git, own: str, old: str, new: str) -> str:
    with tempfile.TemporaryDirectory(prefix="nofx-merge-") as folder:
        sides = [Path(folder, name) for name in ("yours", "before", "the run's")]
        for side, oid in zip(sides, (own, old, new), strict=True):
            side.write_bytes(git.do("cat-file", "blob", oid))
        try:
            content = git.do("merge-file", "-p", "--quiet", *map(str, sides))
        except errors.Unavailable as exc:
            raise Clash("both sides changed the same lines of it") from exc
    return git.do("hash-object", "-w", "--stdin", stdin=content).decode().strip()
