"""What changed, however it was found out."""

from fnmatch import fnmatchcase
from typing import Protocol

from nofx_cli.domain.record import record

LARGEST_DIFF = 4 * 1024 * 1024
"""In bytes. What goes beyond is cut off, and that is said."""


@record
class Changes:
    """The difference between two looks at a workspace.

    Attributes:
        paths: the files that were made, changed or removed, relative to the workspace, ordered.
        insertions, deletions: in lines, of those that are text.
        diff: as one text, of bounded size.
        steering: paths in the repository's own folder that decide what git runs, as `.git/config`.
        commits: those that were made, newest first; at most `MOST_COMMITS`.
        head_before, head_after: the commit that was checked out; empty where there was none.
    """

    paths: tuple[str, ...] = ()
    insertions: int = 0
    deletions: int = 0
    diff: bytes = b""
    steering: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    head_before: str = ""
    head_after: str = ""

    @property
    def moved(self) -> bool:
        """Whether another commit is checked out."""
        return self.head_before != self.head_after


class Watch(Protocol):
    """Looked at the workspace when it was made."""

    def changes(self) -> Changes:
        """Look again.

        Raises:
            errors.NofxError: what changed cannot be found out.
        """
        ...


def is_own(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path lies in what an agent leaves for itself at the top of a workspace."""
    top = path.split("/", 1)[0]
    return any(fnmatchcase(top, pattern) for pattern in patterns)


def bounded(diff: bytes) -> bytes:
    """The diff, cut at the end of a line where it is too large."""
    if len(diff) <= LARGEST_DIFF:
        return diff
    kept = diff[:LARGEST_DIFF]
    kept = kept[: kept.rfind(b"\n") + 1] or kept
    return kept + b"... the rest is left out: the difference is larger than %d MiB\n" % (LARGEST_DIFF // 1024 // 1024)
