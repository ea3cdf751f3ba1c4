"""Every driver of `ArtifactStore` under the one contract."""

from pathlib import Path

from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.artifacts import FileArtifacts
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.ports.artifacts import ArtifactStore
from nofx_cli.safety.masking import Masker
from nofx_cli.testing.artifact_store import RUN, STEP, ArtifactStoreContract


def open_files(place: Path, run: RunId) -> ArtifactStore:
    layout = Layout(place, sync=False)
    layout.run(run).mkdir(parents=True, exist_ok=True)
    return FileArtifacts(layout)


class TestFiles(ArtifactStoreContract):
    open_store = staticmethod(open_files)

    def test_a_link_that_waits_where_a_file_is_made_leads_nowhere(self, tmp_path: Path) -> None:
        store = self.open_store(tmp_path / "store", RUN)
        secret = tmp_path / "secret"
        secret.write_text("as it was")
        (store.folder(RUN, STEP, 1) / ".new-report").symlink_to(secret)
        artifact = store.put(RUN, STEP, 1, "report", b"mine")
        assert secret.read_text() == "as it was"
        assert store.check(RUN, artifact)

    def test_what_is_learned_later_is_masked_too(self, tmp_path: Path) -> None:
        layout, masker = Layout(tmp_path, sync=False), Masker([])
        store = FileArtifacts(layout, masker)
        masker.learn(["swordfish"])
        (made := store.scratch(RUN, STEP, 1) / "artifacts").mkdir()
        (made / "run.sh").write_text("echo swordfish")
        (made / "run.sh").chmod(0o750)
        store.adopt(RUN, STEP, 1, made)
        [artifact] = store.collect(RUN, STEP, 1)
        kept = layout.run(RUN) / artifact.path
        assert kept.read_text() == "echo ***"
        assert kept.stat().st_mode & 0o777 == 0o750
        assert [path.name for path in kept.parent.iterdir()] == ["run.sh"]
