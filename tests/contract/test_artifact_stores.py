"""Every driver of `ArtifactStore` under the one contract."""

from pathlib import Path

from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.artifacts import FileArtifacts
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.ports.artifacts import ArtifactStore
from nofx_cli.testing.artifact_store import ArtifactStoreContract


class TestFiles(ArtifactStoreContract):
    @staticmethod
    def open_store(place: Path, run: RunId) -> ArtifactStore:
        layout = Layout(place, sync=False)
        layout.run(run).mkdir(parents=True)
        return FileArtifacts(layout)
