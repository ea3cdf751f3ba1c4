"""What is different between two trees of git, file by file."""

import os
from collections.abc import Iterable
from typing import TypeAlias

from nofx_cli.domain.record import record
from nofx_cli.safety.git_command import Git

FILE, PROGRAM, LINK, SUBMODULE = "100644", "100755", "120000", "160000"


@record
class Entry:
    """What a tree has at a path: a mode and the digest of the content."""

    mode: str
    oid: str

    @property
    def is_file(self) -> bool:
        return self.mode in (FILE, PROGRAM)


@record
class Change:
    """A path, and what it was and is; None where nothing was there."""

    path: str
    old: Entry | None
    new: Entry | None

    @property
    def status(self) -> str:
        """`A` made, `D` removed, `M` changed."""
        return "A" if self.old is None else "D" if self.new is None else "M"


Lines: TypeAlias = tuple[int, int]


def changes_between(git: Git, old: str, new: str) -> list[Change]:
    """The changes, by path; a file that was renamed is one that was removed and one that was made.

    Raises:
        errors.Unavailable: one of the trees is not there.
    """
    told = git.do("diff-tree", "-r", "-z", "--no-renames", "--no-commit-id", old, new)
    fields = os.fsdecode(told).split("\0")
    return [_change(what, path) for what, path in zip(fields[::2], fields[1::2], strict=False)]


def lines_between(git: Git, old: str, new: str) -> dict[str, Lines | None]:
    """How many lines were added and removed, by path; None for binary files."""
    told = git.do("diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv", old, new)
    entries = (entry.split("\t", 2) for entry in os.fsdecode(told).split("\0") if entry.count("\t") >= 2)
    return {path: None if added == "-" else (int(added), int(removed)) for added, removed, path in entries}


def index_info(entries: Iterable[tuple[str, Entry | None]], *, digits: int = 40) -> bytes:
    """Entries as `git update-index -z --index-info` takes them; None takes one out. Digests have so many `digits`."""
    gone = Entry("0", "0" * digits)
    return b"".join(
        os.fsencode(f"{(entry or gone).mode} {(entry or gone).oid}\t{path}") + b"\0" for path, entry in entries
    )


def _change(what: str, path: str) -> Change:
    old_mode, new_mode, old, new, _ = what.removeprefix(":").split(" ")
    return Change(path, _entry(old_mode, old), _entry(new_mode, new))


def _entry(mode: str, oid: str) -> Entry | None:
    return Entry(mode, oid) if oid.strip("0") else None
