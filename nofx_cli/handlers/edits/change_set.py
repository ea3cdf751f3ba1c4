"""What is to be changed in a workspace, byte by byte."""

from nofx_cli.domain.record import record


@record
class FileChange:
    """One file: `old` is what it holds, `new` what it will hold; None where it is not there.

    Attributes:
        path: below the workspace, with `/`; links in it are followed already.
        mode: of the new file; None gives the usual one.
    """

    path: str
    old: bytes | None
    new: bytes | None
    mode: int | None = None
    old_mode: int | None = None


@record
class ChangeSet:
    """All changes of an answer.

    Attributes:
        changes: one for each path, ordered by path.
        notes: what was not taken as it was written, one sentence each: a block that was found by its lines without
            their blanks at the end, one that was applied already.
        digest: of the edits that it was made from, by which a repetition is known.
    """

    changes: tuple[FileChange, ...]
    notes: tuple[str, ...] = ()
    digest: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether all of it is there already: a success without a change."""
        return not self.changes

    def diff(self) -> str:
        """All of it as unified diffs, for people; what is no text or too large to compare is told in a sentence."""
        return "".join(map(_told, self.changes))


def _told(change: FileChange) -> str:
    """A diff, or a sentence in its place, which gets the name of the file."""
    from nofx_cli.handlers.file_diff import file_diff

    text = file_diff(change.path, change.old, change.new)
    if not text:
        text = _without_text(change)
    return text if text.startswith("---") else f"{change.path}: {text}\n"


def _without_text(change: FileChange) -> str:
    if change.old is None:
        return "made, empty"
    if change.new is None:
        return "deleted, was empty"
    return f"mode {change.old_mode or 0:04o} becomes {change.mode or 0:04o}"
