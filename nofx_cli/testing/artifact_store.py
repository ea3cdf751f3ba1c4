"""What every `ArtifactStore` must do. A driver is held to it like this, in a module of tests:

class TestFiles(ArtifactStoreContract):
    @staticmethod
    def open_store(place: Path, run: RunId) -> ArtifactStore:
        ...  # afterwards there is the run
"""

import hashlib
import os
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.ports.artifacts import ARTIFACTS, ArtifactStore
from nofx_cli.ports.processes import RECORD

RUN = RunId("20261122-091530-7k3f9q")
STEP = StepName("build")
LARGE = b"nofx" * 700_000


def read(store: ArtifactStore, artifact: ArtifactCreated) -> bytes:
    with store.open(RUN, artifact) as file:
        return file.read()


class ArtifactStoreContract:
    """Keep, take in, read and check."""

    @staticmethod
    def open_store(place: Path, run: RunId) -> ArtifactStore:
        """Open the store that lies at a place, with `run` in it."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path: Path) -> ArtifactStore:
        return self.open_store(tmp_path / "the store", RUN)

    @pytest.mark.parametrize(
        "data", [b"", b"hello\n", bytes(range(256)), LARGE], ids=["empty", "text", "bytes", "large"]
    )
    def test_what_is_put_is_kept_with_digest_and_size(self, store: ArtifactStore, data: bytes) -> None:
        artifact = store.put(RUN, STEP, 1, "report.json", data)
        assert artifact.name == "report.json"
        assert artifact.digest == hashlib.sha256(data).hexdigest()
        assert artifact.size == len(data)
        assert artifact.media_type == "application/json"
        assert read(store, artifact) == data
        assert store.check(RUN, artifact)

    def test_a_path_is_told_below_the_folder_of_the_run(self, store: ArtifactStore) -> None:
        artifact = store.put(RUN, STEP, 1, "html/index.html", b"<p>")
        assert not Path(artifact.path).is_absolute()
        assert ".." not in Path(artifact.path).parts
        assert artifact.path.endswith("html/index.html")

    def test_of_a_file_a_copy_is_kept(self, store: ArtifactStore, tmp_path: Path) -> None:
        source = tmp_path / "built"
        source.write_bytes(b"as it was")
        artifact = store.put(RUN, STEP, 1, "built", source)
        source.write_bytes(b"changed since")
        assert read(store, artifact) == b"as it was"
        assert store.check(RUN, artifact)

    @pytest.mark.parametrize("name", ["a", "a/b/c.txt", "Grüße 你好.md", "with space", "..fine", ".hidden/x", "-rf"])
    def test_plain_relative_names_are_kept_as_they_are(self, store: ArtifactStore, name: str) -> None:
        artifact = store.put(RUN, STEP, 1, name, b"x")
        assert artifact.name == name
        assert read(store, artifact) == b"x"

    @pytest.mark.parametrize(
        "name", ["", ".", "..", "/etc/passwd", "../x", "a/../../x", "a/..", "a\0b", "..\\x", "folder/", "//x"]
    )
    def test_a_name_that_leaves_the_folder_is_refused(self, store: ArtifactStore, name: str, tmp_path: Path) -> None:
        before = everything_below(tmp_path)
        with pytest.raises(errors.InvalidInput) as refused:
            store.put(RUN, STEP, 1, name, b"x")
        assert refused.value.code == "artifact-name"
        assert repr(name) in refused.value.message
        assert everything_below(tmp_path) == before

    def test_a_link_does_not_lead_a_name_out_of_the_folder(self, store: ArtifactStore, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (store.folder(RUN, STEP, 1) / "out").symlink_to(outside)
        with pytest.raises(errors.NofxError):
            store.put(RUN, STEP, 1, "out/x", b"x")
        assert everything_below(outside) == {}

    def test_a_second_file_of_a_name_replaces_the_first(self, store: ArtifactStore) -> None:
        first = store.put(RUN, STEP, 1, "report", b"first")
        second = store.put(RUN, STEP, 1, "report", b"second")
        assert read(store, second) == b"second"
        assert store.check(RUN, second)
        assert not store.check(RUN, first)

    def test_attempts_and_steps_do_not_touch_each_other(self, store: ArtifactStore) -> None:
        kept = [
            store.put(RUN, StepName(step), attempt, "report", f"{step} {attempt}".encode())
            for step in ("one", "two")
            for attempt in (1, 2)
        ]
        assert [read(store, artifact) for artifact in kept] == [b"one 1", b"one 2", b"two 1", b"two 2"]
        assert all(store.check(RUN, artifact) for artifact in kept)

    def test_what_cannot_be_put_leaves_what_was_there(self, store: ArtifactStore, tmp_path: Path) -> None:
        kept = store.put(RUN, STEP, 1, "report", b"whole")
        with pytest.raises(errors.StoreFailure):
            store.put(RUN, STEP, 1, "report", tmp_path / "nowhere")
        with pytest.raises(errors.StoreFailure):
            store.put(RUN, STEP, 1, "report", tmp_path)
        assert store.check(RUN, kept)
        assert [artifact.name for artifact in store.collect(RUN, STEP, 1)] == ["report"]

    def test_what_a_process_left_is_taken_in_by_name(self, store: ArtifactStore) -> None:
        folder = store.folder(RUN, STEP, 1)
        for name in ("z.txt", "a.txt", "sub/m.txt", "sub/deep/b.txt"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name)
        found = store.collect(RUN, STEP, 1)
        assert [artifact.name for artifact in found] == ["a.txt", "sub/deep/b.txt", "sub/m.txt", "z.txt"]
        assert [read(store, artifact).decode() for artifact in found] == [artifact.name for artifact in found]
        assert all(store.check(RUN, artifact) for artifact in found)
        assert {artifact.media_type for artifact in found} == {"text/plain"}

    def test_links_and_special_files_are_not_taken_in(self, store: ArtifactStore, tmp_path: Path) -> None:
        secret = tmp_path / "elsewhere"
        secret.mkdir()
        (secret / "key").write_text("not for the run")
        folder = store.folder(RUN, STEP, 1)
        (folder / "link").symlink_to(secret / "key")
        (folder / "linked folder").symlink_to(secret)
        (folder / "dangling").symlink_to(tmp_path / "nowhere")
        os.mkfifo(folder / "fifo")
        (folder / "plain").write_text("for the run")
        assert [artifact.name for artifact in store.collect(RUN, STEP, 1)] == ["plain"]

    def test_an_empty_folder_goes_when_it_is_taken_in(self, store: ArtifactStore) -> None:
        folder = store.folder(RUN, STEP, 1)
        assert folder.is_dir()
        assert store.collect(RUN, STEP, 1) == []
        assert not folder.exists()
        assert store.collect(RUN, STEP, 1) == []

    def test_a_file_that_was_changed_or_removed_is_told(self, store: ArtifactStore) -> None:
        (store.folder(RUN, STEP, 1) / "report").write_text("as it was")
        [artifact] = store.collect(RUN, STEP, 1)
        (store.folder(RUN, STEP, 1) / "report").write_text("overwritten")
        assert not store.check(RUN, artifact)
        (store.folder(RUN, STEP, 1) / "report").unlink()
        assert not store.check(RUN, artifact)
        with pytest.raises(errors.NotFound) as gone:
            store.open(RUN, artifact)
        assert gone.value.code == "artifact-gone"

    def test_each_attempt_has_a_log_of_its_own(self, store: ArtifactStore) -> None:
        paths = {store.log_path(RUN, StepName(step), attempt) for step in ("one", "two") for attempt in (1, 2)}
        assert len(paths) == 4

    def test_scratch_goes_with_its_attempt_only(self, store: ArtifactStore) -> None:
        first, second = (store.scratch(RUN, STEP, attempt) for attempt in (1, 2))
        for folder in (first, second):
            (folder / "sub").mkdir()
            (folder / "sub" / "file").write_text("temporary")
        store.discard_scratch(RUN, STEP, 1)
        store.discard_scratch(RUN, STEP, 1)
        assert everything_below(first) == {}
        assert (second / "sub" / "file").exists()
        assert list(store.scratch(RUN, STEP, 1).iterdir()) == []
        assert store.scratch(RUN, STEP, 1) not in (second, store.scratch(RUN, STEP, 3))

    def test_what_a_dead_process_left_in_scratch_is_found_and_cleared(self, store: ArtifactStore) -> None:
        assert store.left_scratch(RUN) == []
        folder = store.scratch(RUN, STEP, 1)
        (folder / RECORD).write_text("{}")
        assert store.left_scratch(RUN) == [folder]
        store.clear_scratch(RUN)
        assert store.left_scratch(RUN) == []
        assert list(store.scratch(RUN, STEP, 1).iterdir()) == []

    def test_a_record_is_emptied_with_its_scratch(self, store: ArtifactStore) -> None:
        folder = store.scratch(RUN, STEP, 1)
        (folder / RECORD).write_text("{}")
        store.discard_scratch(RUN, STEP, 1)
        again = store.scratch(RUN, STEP, 2)
        assert all(path.endswith(RECORD) and not data.strip() for path, data in everything_below(again).items())

    def test_what_processes_made_is_adopted_but_for_links(self, store: ArtifactStore, tmp_path: Path) -> None:
        made = store.scratch(RUN, STEP, 1) / ARTIFACTS
        (made / "sub").mkdir(parents=True)
        (made / "sub" / "report").write_text("made")
        (made / "link").symlink_to(tmp_path)
        store.adopt(RUN, STEP, 1, made)
        [artifact] = store.collect(RUN, STEP, 1)
        assert (artifact.name, read(store, artifact)) == ("sub/report", b"made")
        assert everything_below(made) == {}

    def test_what_is_shown_is_kept_under_its_digest(self, store: ArtifactStore) -> None:
        paths = [
            store.put_shown(RUN, digest, text)
            for digest, text in (("d1", "old\udc80"), ("d2", "Grüße"), ("d2", "Grüße"))
        ]
        assert paths[1] == paths[2] != paths[0]
        assert read(store, ArtifactCreated(path=paths[1])).decode() == "Grüße"
        assert read(store, ArtifactCreated(path=paths[0])).startswith(b"old")


def everything_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, to see that nothing was written."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
