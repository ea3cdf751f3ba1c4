"""What every `ArtifactStore` must do. A driver is held to it like this, in a module of tests:

def open_files(place: Path, run: RunId) -> ArtifactStore:
    ...  # afterwards there is the run

class TestFiles(ArtifactStoreContract):
    open_store = staticmethod(open_files)
"""

import hashlib
import os
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.ids import RunId, StepName, digest_of_bytes
from nofx_cli.ports.artifacts import ARTIFACTS, SNAPSHOT, ArtifactStore
from nofx_cli.ports.processes import RECORD
from nofx_cli.testing import child
from nofx_cli.testing.child import Child, listen, say

RUN = RunId("20261122-091530-7k3f9q")
STEP = StepName("build")
LARGE = b"nofx" * 700_000
TOKEN = b"gh" + b"p_" + b"aZ9" * 12
"""What looks like a secret, so that every store knows it for one; put together here for the sake of scanners."""


def read(store: ArtifactStore, artifact: ArtifactCreated) -> bytes:
    with store.open(RUN, artifact) as file:
        return file.read()


class ArtifactStoreContract:
    """Keep, take in, read and check."""

    @staticmethod
    def open_store(place: Path, run: RunId) -> ArtifactStore:
        """Open the store that lies at a place, with `run` in it; a function that a child can import."""
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
        "name",
        [
            *("", ".", "..", "/etc/passwd", "../x", "a/../../x", "a/..", "a\0b", "..\\x", "folder/", "//x", " "),
            *(".git", ".git/config", "a/.GIT/hooks/x", "git~1/x", "a\nb", "\x1b[2J", "a\x7f", "\x9bx"),
        ],
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

    @pytest.mark.parametrize(("kept", "refused"), [("README", "readme"), ("Docs/a", "docs/b"), ("STRASSE", "straße")])
    def test_a_name_that_differs_only_in_case_is_refused(self, store: ArtifactStore, kept: str, refused: str) -> None:
        first = store.put(RUN, STEP, 1, kept, b"first")
        with pytest.raises(errors.InvalidInput) as clash:
            store.put(RUN, STEP, 1, refused, b"second")
        assert clash.value.code == "path-case-clash"
        assert read(store, first) == b"first"
        assert [artifact.name for artifact in store.collect(RUN, STEP, 1)] == [kept]

    @pytest.mark.parametrize("way", ["bytes", "file", "left"])
    def test_secrets_are_masked_before_a_file_is_described(
        self, store: ArtifactStore, tmp_path: Path, way: str
    ) -> None:
        data = b"\xff\0 key=" + TOKEN + b"\n" + LARGE + TOKEN
        masked = b"\xff\0 key=***\n" + LARGE + TOKEN  # behind a letter it is no token
        artifact = self._kept(store, tmp_path, data, way)
        assert read(store, artifact) == masked
        assert (artifact.digest, artifact.size) == (hashlib.sha256(masked).hexdigest(), len(masked))
        assert store.check(RUN, artifact)

    @pytest.mark.parametrize("way", ["bytes", "file", "left"])
    def test_a_file_without_secrets_keeps_its_bytes(self, store: ArtifactStore, tmp_path: Path, way: str) -> None:
        data = TOKEN[:20] + bytes(range(256)) * 5000 + b"://me:***@x ghp_" + TOKEN[:20] + b"\r\n\0"
        assert read(store, self._kept(store, tmp_path, data, way)) == data

    def test_secrets_in_names_are_masked_and_names_stay_apart(self, store: ArtifactStore, tmp_path: Path) -> None:
        names = [TOKEN.decode(), "gh" + "s_" + TOKEN.decode()[4:]]
        assert store.put(RUN, STEP, 1, f"{names[0]}/x", b"x").name == "***/x"
        left = tmp_path / "left"
        left.mkdir()
        for name in names:
            (left / name).write_text(name[:3])
        store.adopt(RUN, STEP, 2, left)
        found = store.collect(RUN, STEP, 2)
        assert [artifact.name for artifact in found] == ["***", "***~2"]
        assert [read(store, artifact) for artifact in found] == [b"ghp", b"ghs"]

    @pytest.mark.parametrize("name", [".git/config", "a\nb"])
    def test_of_what_has_no_possible_name_nothing_is_adopted(
        self, store: ArtifactStore, tmp_path: Path, name: str
    ) -> None:
        left = tmp_path / "left"
        for one in ("a", name):
            (left / one).parent.mkdir(parents=True, exist_ok=True)
            (left / one).write_text("made")
        with pytest.raises(errors.InvalidInput) as refused:
            store.adopt(RUN, STEP, 1, left)
        assert refused.value.code == "artifact-name"
        assert store.collect(RUN, STEP, 1) == []

    def _kept(self, store: ArtifactStore, tmp_path: Path, data: bytes, way: str) -> ArtifactCreated:
        """Kept as bytes, as a copy of a file, or left by a process."""
        source = tmp_path / "source" / "report"
        source.parent.mkdir()
        source.write_bytes(data)
        if way != "left":
            return store.put(RUN, STEP, 1, "report", data if way == "bytes" else source)
        store.adopt(RUN, STEP, 1, source.parent)
        [artifact] = store.collect(RUN, STEP, 1)
        return artifact

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

    def test_what_gates_rest_on_is_kept_and_can_be_held_against_its_digest(self, store: ArtifactStore) -> None:
        store.put_snapshot(RUN, "first")
        store.put_snapshot(RUN, "ünd \udcff")
        data = "ünd \\udcff".encode()
        kept = ArtifactCreated(name="snapshot", path=SNAPSHOT, digest=digest_of_bytes(data))
        assert store.check(RUN, kept)
        with store.open(RUN, kept) as file:
            assert file.read() == data

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

    def test_what_a_dead_process_left_in_scratch_is_found_and_cleared(
        self, store: ArtifactStore, tmp_path: Path
    ) -> None:
        mine = store.scratch(RUN, STEP, 2)
        with Child(make_scratch, child.name_of(self.open_store), str(tmp_path / "the store")) as other:
            theirs = Path(other.hear())
            assert (theirs / RECORD).exists()
            assert store.left_scratch(RUN) == []
            other.kill()
            assert store.left_scratch(RUN) == [theirs]
        store.clear_left_scratch(RUN, [theirs])
        assert store.left_scratch(RUN) == []
        assert (mine.exists(), theirs.exists()) == (True, False)

    def test_a_process_clears_the_scratch_that_it_made(self, store: ArtifactStore, tmp_path: Path) -> None:
        mine = [store.scratch(RUN, STEP, attempt) for attempt in (1, 2)]
        store.discard_scratch(RUN, STEP, 1)
        with Child(make_scratch, child.name_of(self.open_store), str(tmp_path / "the store")) as other:
            theirs = Path(other.hear())
            store.clear_scratch(RUN)
            assert [folder.exists() for folder in (*mine, theirs)] == [False, False, True]
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


def make_scratch(opener: str, place: str) -> None:
    """In a child: make a scratch folder with a record in it, tell where, and wait."""
    store: ArtifactStore = child.find(opener)(Path(place), RUN)
    folder = store.scratch(RUN, STEP, 1)
    (folder / RECORD).write_text("{}")
    say(str(folder))
    listen()
