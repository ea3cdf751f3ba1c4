"""Whatever a plan or a tool names, what is used lies below its folder, outside of .git, and is refused by name else."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from nofx_cli import errors
from nofx_cli.domain.ids import RunId, StepName, is_run_id
from nofx_cli.drivers.filesystem.artifacts import FileArtifacts
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.safety.paths import contained

T = TypeVar("T")
RUN, STEP = RunId("20261122-091530-7k3f9q"), StepName("build")
PARTS = st.one_of(
    st.sampled_from(
        ["a", "A", "b", "..", ".", "", ".git", ".GIT", ".Git ", "git~1", ".g\u200cit", ".git:x", "out", "in"]
    ),
    st.sampled_from(
        ["loop", "hidden", "root", "~", "-rf", "a\0b", "a\n", "\x1b[2J", "\x9b", "\\..\\x", "C:", "é", "\ud800"]
    ),
    st.text(max_size=4),
)
NAMES = st.builds(
    "{}{}".format, st.sampled_from(["", "", "", "/", "./", "//"]), st.lists(PARTS, max_size=6).map("/".join)
)
CODES = {"path-empty", "path-nul", "path-control", "path-absolute", "path-escapes", "path-git", "path-case-clash"}


def planted(place: Path) -> Path:
    """A folder with ways out of it: to what is above, into .git, round in circles."""
    root = place / "root"
    (root / ".git" / "hooks").mkdir(parents=True)
    (root / "a" / "b").mkdir(parents=True)
    for name, target in (("out", ".."), ("in", "a/b"), ("hidden", ".git"), ("loop", "loop"), ("root", "/")):
        (root / name).symlink_to(target)
    return root


def outcome(call: Callable[[], T]) -> T | errors.NofxError:
    try:
        return call()
    except errors.NofxError as exc:
        return exc


def lower_names(folder: Path) -> list[str]:
    return [path.name.casefold() for path in folder.iterdir()]


@given(NAMES)
def test_a_path_lies_below_its_folder_or_is_refused(name: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = planted(Path(place).resolve())
        path = outcome(lambda: contained(root, name))
        if isinstance(path, errors.NofxError):
            assert path.code in CODES
            assert repr(name) in path.message
            assert path.hint
            return
        parts = path.relative_to(root).parts
        assert path == path.resolve()
        assert not any(part.casefold().startswith(".git") and len(part.rstrip(". ")) == 4 for part in parts)
        assert name.isprintable() or not any(ord(one) < 32 or one == "\x7f" for one in name)


@given(st.lists(NAMES, min_size=1, max_size=5))
def test_artifacts_lie_below_their_folder_or_are_refused(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        layout = Layout(Path(place).resolve() / "store", sync=False)
        store = FileArtifacts(layout)
        folder = store.folder(RUN, STEP, 1)
        for name in names:
            artifact = outcome(partial(store.put, RUN, STEP, 1, name, b"x"))
            if isinstance(artifact, errors.NofxError):  # also: a folder is in the way, or the name is too long
                assert artifact.code in {"artifact-name", "path-case-clash", "store-unwritable"}
                continue
            kept = layout.run(RUN) / artifact.path
            assert kept.is_file()
            assert kept.resolve().is_relative_to(folder)
            assert not {"..", ".git", ".GIT"} & set(PurePosixPath(artifact.name).parts)
            assert len(set(lower_names(kept.parent))) == len(lower_names(kept.parent))
        outside = {path for path in Path(place).rglob("*") if path.is_file() and not path.is_relative_to(folder)}
        assert outside == set()


@given(st.one_of(NAMES, st.text("0123456789-abz/.", min_size=20, max_size=24)))
def test_only_ids_name_the_folder_of_a_run(text: str) -> None:
    layout = Layout(Path("/store"), sync=False)
    folder = outcome(lambda: layout.run(RunId(text)))
    if isinstance(folder, errors.NofxError):
        assert folder.code == "run-not-found"
        return
    assert is_run_id(text)
    assert folder.parent.parent == Path("/store/runs")
    assert folder.name == text
