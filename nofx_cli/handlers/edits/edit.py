"""What a model wants of files, as its answer says it; nothing has been looked at in the workspace."""

from enum import StrEnum

from nofx_cli.domain.record import record

KEPT, REMOVED, ADDED = " ", "-", "+"


MOST_REASONS = 20


class Refused(Exception):
    """The answer cannot be made changes of files, and nothing was changed.

    Attributes:
        reasons: one sentence each, with file and line where there are any, in words for the model; the first
            `MOST_REASONS`, and how many more there are.
    """

    def __init__(self, *reasons: str) -> None:
        if len(reasons) > MOST_REASONS:
            reasons = (*reasons[:MOST_REASONS], f"and {len(reasons) - MOST_REASONS} more")
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class EditKind(StrEnum):
    """What becomes of a file."""

    WRITE = "write"
    """It gets a whole new text, whether it is there or not."""
    CREATE = "create"
    """The same, and it must not be there yet, unless it has just this text."""
    CHANGE = "change"
    """Parts of it are replaced."""
    DELETE = "delete"


@record
class Block:
    """A part of a file and what comes in its place.

    Attributes:
        lines: what is kept, removed and added, in order; each is a mark and a line with its end, `\\n` or `\\r\\n`.
            A line without an end is the last of its file, which has no final newline.
        place: the line of the answer where it begins, from 1.
        at: the line of the file where it claims to be, from 1; 0 where it does not say.
        name: what messages call it: `the search block`, `the hunk`.
    """

    lines: tuple[tuple[str, str], ...]
    place: int
    at: int = 0
    name: str = "the search block"

    @property
    def old(self) -> tuple[str, ...]:
        return tuple(line for mark, line in self.lines if mark != ADDED)

    @property
    def new(self) -> tuple[str, ...]:
        return tuple(line for mark, line in self.lines if mark != REMOVED)


@record
class FileEdit:
    """What one part of an answer wants of one file.

    Attributes:
        path: as the answer has it, without the decoration around it.
        place: the line of the answer where it stands, from 1.
        text: the whole new text, for `WRITE` and `CREATE`.
        blocks: for `CHANGE`, in the order of the answer.
        renamed_from: the path that it had until now; empty where it keeps its name.
        executable: whether it becomes a program; None leaves it as it is.
        told_by: the first line of the text where it told the path and was taken out of `text`; empty otherwise.
    """

    path: str
    kind: EditKind
    place: int
    text: str = ""
    blocks: tuple[Block, ...] = ()
    renamed_from: str = ""
    executable: bool | None = None
    told_by: str = ""
