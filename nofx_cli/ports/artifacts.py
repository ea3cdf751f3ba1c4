"""Files kept with a run: artifacts, logs, and what was shown for an approval."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.ids import RunId, StepName

ARTIFACTS = "artifacts"
"""The name, in an attempt's scratch folder, of the folder that its processes put artifacts into."""
SNAPSHOT = "snapshot.json"
"""Where, below the run's folder, what its gates rest on is kept."""


class ArtifactStore(Protocol):
    """The files of runs. Names are relative POSIX paths below the attempt's folder; anything else is refused.

    Secrets in names and in contents are masked before anything is described: digest and size are those of what is kept.
    A file without secrets keeps its bytes.
    """

    def folder(self, run: RunId, step: StepName, attempt: int) -> Path:
        """The folder that the attempt's artifacts lie in; it exists afterwards."""
        ...

    def put(self, run: RunId, step: StepName, attempt: int, name: str, data: bytes | Path) -> ArtifactCreated:
        """Keep bytes, or a copy of a file, under `name`, durably: it appears whole or not at all.

        Raises:
            errors.InvalidInput: the name is absolute, leaves the folder, lies in a `.git` folder, or is not a plain
                path (code `artifact-name`), or differs only in case from one that is there (code `path-case-clash`).
            errors.StoreFailure: it could not be written.
        """
        ...

    def adopt(self, run: RunId, step: StepName, attempt: int, source: Path) -> None:
        """Move the files below `source` into the attempt's folder; links and special files stay behind.

        Raises:
            errors.InvalidInput: a file's name is none that `put` takes (code `artifact-name`); nothing was moved.
        """
        ...

    def collect(self, run: RunId, step: StepName, attempt: int) -> list[ArtifactCreated]:
        """Take in what lies in the attempt's folder, ordered by name; links and special files are left out.

        The folder is removed where it is empty.
        """
        ...

    def open(self, run: RunId, artifact: ArtifactCreated) -> BinaryIO:
        """Read an artifact.

        Raises:
            errors.NotFound: the file is gone.
        """
        ...

    def check(self, run: RunId, artifact: ArtifactCreated) -> bool:
        """Whether the file is there with the digest on record."""
        ...

    def log_path(self, run: RunId, step: StepName, attempt: int) -> Path:
        """Where the attempt's log lies, or will lie."""
        ...

    def scratch(self, run: RunId, step: StepName, attempt: int) -> Path:
        """A folder of the attempt's own for temporary files; it exists, and is the attempt's until `discard_scratch`.

        It is empty but for an emptied process record of an earlier attempt that had the same folder.
        """
        ...

    def discard_scratch(self, run: RunId, step: StepName, attempt: int) -> None:
        """Remove the attempt's temporary files."""
        ...

    def left_scratch(self, run: RunId) -> list[Path]:
        """The scratch folders of processes that are gone."""
        ...

    def clear_left_scratch(self, run: RunId, folders: Sequence[Path]) -> None:
        """Remove some of the scratch folders of processes that are gone: what ran there was ended."""
        ...

    def clear_scratch(self, run: RunId) -> None:
        """Remove the scratch folders that this process made for a run; it runs no attempt of it any more."""
        ...

    def put_snapshot(self, run: RunId, text: str) -> None:
        """Keep what the gates of a run rest on, as `SNAPSHOT`.

        Raises:
            errors.StoreFailure: it could not be written.
        """
        ...

    def put_shown(self, run: RunId, digest: str, text: str) -> str:
        """Keep what a person is shown for an approval; returns its path below the run's folder."""
        ...
