"""Every driver of `ArtifactStore` under the one contract."""

from pathlib import Path

from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.artifacts import FileArtifacts
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.ports.artifacts import ArtifactStore
from nofx_cli.testing.artifact_store import RUN, STEP, ArtifactStoreContract


class TestFiles(ArtifactStoreContract):
    @staticmethod
    def open_store(place: Path, run: RunId) -> ArtifactStore:
        layout = Layout(place, sync=False)
        layout.run(run).mkdir(parents=True)
        return FileArtifacts(layout)

    def test_a_link_that_waits_where_a_file_is_made_leads_nowhere(self, tmp_path: Path) -> None:
        store = self.open_store(tmp_path / "store", RUN)
        secret = tmp_path / "secret"
        secret.write_text("as it was")
        (store.folder(RUN, STEP, 1) / ".new-report").symlink_to(secret)
        artifact = store.put(RUN, STEP, 1, "report", b"mine")
        assert secret.read_text() == "as it was"
        assert store.check(RUN, artifact)
