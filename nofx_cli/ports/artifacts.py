"""Files kept with a run: artifacts, logs, and what was shown for an approval."""

from pathlib import Path
from typing import BinaryIO, Protocol

from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.ids import RunId, StepName

ARTIFACTS = "artifacts"
"""The name, in an attempt's scratch folder, of the folder that its processes put artifacts into."""


class ArtifactStore(Protocol):
    """The files of runs. Names are relative POSIX paths below the attempt's folder; anything else is refused."""

    def folder(self, run: RunId, step: StepName, attempt: int) -> Path:
        """The folder that the attempt's artifacts lie in; it exists afterwards."""
        ...

    def put(self, run: RunId, step: StepName, attempt: int, name: str, data: bytes | Path) -> ArtifactCreated:
        """Keep bytes, or a copy of a file, under `name`, durably: it appears whole or not at all.

        Raises:
            errors.InvalidInput: the name is absolute, leaves the folder, or is not a plain path (code `artifact-name`).
            errors.StoreFailure: it could not be written.
        """
        ...

    def adopt(self, run: RunId, step: StepName, attempt: int, source: Path) -> None:
        """Move the files below `source` into the attempt's folder; links and special files stay behind."""
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
        """The scratch folders that lie there, also those of a process that is gone."""
        ...

    def clear_scratch(self, run: RunId) -> None:
        """Remove all scratch folders of a run that nobody executes, or that only the caller does."""
        ...

    def put_shown(self, run: RunId, digest: str, text: str) -> str:
        """Keep what a person is shown for an approval; returns its path below the run's folder."""
        ...
