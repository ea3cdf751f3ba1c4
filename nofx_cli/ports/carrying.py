"""Carrying a run from one store to another: what goes with it, and how it arrives whole or not at all.

    the file is held against all its digests ─▶ objects of git, answers of the archive ─▶ the run's folder, by a rename
                                                └ crash ─▶ nothing points at them, and they are taken in again

A run that is there already is brought forward: its files first, its events last, in one append behind the head that was
seen. Crash points: before the append the run is what it was; files that no event tells of yet are replaced next time.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, Protocol, TypeAlias

from nofx_cli.domain.codec import Head
from nofx_cli.domain.ids import JsonObject, RunId
from nofx_cli.domain.record import record

JOURNAL = "journal.jsonl"
PLAN = "plan.yaml"
LOGS = "logs"


@record
class CarriedFile:
    """A file that goes with a run: its path below the run's folder, with `/`, its size in bytes and its SHA-256."""

    path: str
    size: int
    digest: str


Contents: TypeAlias = Iterable[tuple[CarriedFile, Iterator[bytes]]]
"""Files in order, each with its bytes, to be read before the next one is asked for."""


@record
class TreePack:
    """What a run's worktree needs in another clone of its repository.

    Attributes:
        base: the commit that the project was on, which the other clone must have; empty where there was none.
        refs: the commits that the references of the run point at.
        data: the objects of git that those have and `base` has not, as a pack.
    """

    base: str
    refs: Mapping[str, str]
    data: bytes = b""


class RunCarrier(Protocol):
    """The runs of a store as files that can be taken away and put there."""

    def logs(self, run: RunId) -> list[str]:
        """The paths of its logs, ordered."""
        ...

    def open(self, run: RunId, path: str) -> BinaryIO:
        """Read one of the run's files.

        Raises:
            errors.NotFound: it is gone.
        """
        ...

    def install(self, run: RunId, files: Contents, *, place: JsonObject) -> None:
        """Put a run there that is not there, durably: afterwards it is there with all its files, or not at all.

        Args:
            place: see `RunStore.place`.

        Raises:
            errors.Conflict: there is a run of that id (code `run-exists`).
            errors.StoreFailure: it could not be written; nothing of it is there.
        """
        ...

    def extend(self, run: RunId, files: Contents, lines: list[bytes], *, behind: Head) -> None:
        """Bring a run forward: put the files there that it lacks, then the lines behind its head.

        Raises:
            errors.Conflict: its journal does not end in `behind` (code `append-conflict`); no event was added.
            errors.StoreFailure: it could not be written; no event was added.
        """
        ...


class TreeCarrier(Protocol):
    """The worktrees of runs as objects of git that can be taken away and put into another clone."""

    def pack(self, run: RunId, commit: str) -> TreePack:
        """What keeps the worktree of a run, in which the project was on `commit` (empty: on none).

        Raises:
            errors.Unavailable: git cannot give it (code `git-failed`).
        """
        ...

    def texts(self, pack: TreePack) -> Iterator[tuple[str, bytes]]:
        """The files whose content goes with a pack that was made here, each with its path."""
        ...

    def check(self, run: RunId, pack: TreePack, trees: Mapping[str, str]) -> None:
        """See that a pack can be taken in, without keeping anything of it.

        Args:
            trees: what the run's journal says that its references keep.

        Raises:
            errors.Conflict: this clone lacks the commit that the run began from (code `commit-missing`).
            errors.InvalidInput: it is not what the journal says, or no sound pack (code `run-file-bad`).
        """
        ...

    def unpack(self, run: RunId, pack: TreePack) -> None:
        """Take it in: the objects, then the references, all of them or none.

        Raises:
            errors.Unavailable: git cannot do it (code `git-failed`).
        """
        ...

    def here(self) -> tuple[str, bool]:
        """The commit that the project is on, empty where there is none, and whether tracked files differ from it."""
        ...
