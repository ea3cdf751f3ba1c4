"""Artifacts, logs and temporary files in the folder of their run.

What is kept is masked, so digest and size on record are those of the masked bytes. A file that a process left is read
first, and is written anew only where a secret was found in it.
"""

import contextlib
import itertools
import os
import shutil
import stat
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from nofx_cli import errors
from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.drivers.filesystem.artifact_content import digest_of_file, holds_secrets, mask_file, write_masked
from nofx_cli.drivers.filesystem.artifact_names import bad_name, check_case, free_name, place_of
from nofx_cli.drivers.filesystem.layout import Layout, told
from nofx_cli.ports.artifacts import ARTIFACTS, SNAPSHOT
from nofx_cli.ports.processes import RECORD, RECORD_BYTES
from nofx_cli.safety import identity
from nofx_cli.safety.masking import Masker

_MEDIA_TYPES = {
    ".json": "application/json", ".jsonl": "application/jsonl", ".sarif": "application/sarif+json",
    ".xml": "application/xml", ".txt": "text/plain", ".log": "text/plain", ".md": "text/markdown",
    ".html": "text/html", ".csv": "text/csv", ".diff": "text/x-diff", ".patch": "text/x-diff",
    ".py": "text/x-python", ".yaml": "application/yaml", ".yml": "application/yaml", ".svg": "image/svg+xml",
    ".png": "image/png", ".pdf": "application/pdf", ".zip": "application/zip", ".gz": "application/gzip",
}  # fmt: skip
_TRIES = 10


class FileArtifacts:
    """Files below `<run>/artifacts/<step>/<attempt>/`, `<run>/logs/` and `<run>/scratch/`."""

    def __init__(self, layout: Layout, mask: Masker | None = None) -> None:
        self._layout = layout
        self._mask = mask or Masker()
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._in_use: dict[tuple[RunId, StepName, int], Path] = {}
        self._free: list[Path] = []

    def folder(self, run: RunId, step: StepName, attempt: int) -> Path:
        folder = self._artifacts(run, step, attempt)
        with told(f"the artifacts of step {step} cannot be kept"):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def put(self, run: RunId, step: StepName, attempt: int, name: str, data: bytes | Path) -> ArtifactCreated:
        name = self._mask.text(name)
        folder = self.folder(run, step, attempt)
        target = folder / place_of(name)
        if not target.parent.resolve().is_relative_to(folder.resolve()):
            raise bad_name(name, "leads out of the folder by a link")  # one that the step made
        check_case(folder, name)
        making = target.with_name(f".new-{target.name}")
        with told(f"artifact {name} of step {step} cannot be kept"):
            target.parent.mkdir(parents=True, exist_ok=True)
            making.unlink(missing_ok=True)  # what a process left there: a link would lead out
            try:
                write_masked(data, making, self._mask.stream())
                digest, size = digest_of_file(making, sync=self._layout.sync)
                os.replace(making, target)
            finally:
                making.unlink(missing_ok=True)
            return self._described(run, target, name, digest=digest, size=size)

    def adopt(self, run: RunId, step: StepName, attempt: int, source: Path) -> None:
        with told(f"the artifacts of step {step} cannot be kept"):
            if not source.is_dir() or not os.listdir(source):
                return
            files = [path for path in sorted(source.rglob("*")) if stat.S_ISREG(path.lstat().st_mode)]
            taken: set[str] = set()
            named = {path: self._mask.text(path.relative_to(source).as_posix()) for path in files}
            places = {path: place_of(free_name(name, taken)) for path, name in named.items()}
            for path, place in places.items():
                target = self._artifacts(run, step, attempt) / place
                target.parent.mkdir(parents=True, exist_ok=True)
                if holds_secrets(path, self._mask.stream()):
                    mask_file(path, self._mask.stream())
                os.replace(path, target)

    def collect(self, run: RunId, step: StepName, attempt: int) -> list[ArtifactCreated]:
        folder = self._artifacts(run, step, attempt)
        if not folder.is_dir():
            return []
        with contextlib.suppress(OSError):  # not empty: there is something to take in
            folder.rmdir()
            return []
        with told(f"the artifacts of step {step} cannot be kept"):
            files = [path for path in sorted(folder.rglob("*")) if stat.S_ISREG(path.lstat().st_mode)]
            return [self._keep(run, path, path.relative_to(folder).as_posix()) for path in files]

    def open(self, run: RunId, artifact: ArtifactCreated) -> BinaryIO:
        try:
            return open(self._layout.run(run) / artifact.path, "rb")
        except FileNotFoundError as exc:
            raise errors.NotFound(
                f"artifact {artifact.name} of run {run} is gone: {artifact.path}", code="artifact-gone"
            ) from exc

    def check(self, run: RunId, artifact: ArtifactCreated) -> bool:
        path = self._layout.run(run) / artifact.path
        try:
            return digest_of_file(path)[0] == artifact.digest
        except OSError:
            return False

    def log_path(self, run: RunId, step: StepName, attempt: int) -> Path:
        return self._layout.run(run) / "logs" / f"{step}.{attempt}.log"

    def scratch(self, run: RunId, step: StepName, attempt: int) -> Path:
        key = (run, step, attempt)
        with self._lock, told(f"temporary files of step {step} cannot be made"):
            if key not in self._in_use:
                below = self._scratch(run)
                free = next((folder for folder in self._free if folder.parent == below), None)
                if free is None:
                    free = below / f"{identity.instance()}.{next(self._numbers)}"
                    _make(free)
                else:
                    self._free.remove(free)
                self._in_use[key] = free
            return self._in_use[key]

    def discard_scratch(self, run: RunId, step: StepName, attempt: int) -> None:
        with self._lock:
            folder = self._in_use.pop((run, step, attempt), None)
            if folder is not None and _emptied(folder):
                self._free.append(folder)

    def left_scratch(self, run: RunId) -> list[Path]:
        try:
            folders = sorted(self._scratch(run).iterdir())
        except FileNotFoundError:
            return []
        return [folder for folder in folders if not identity.instance_runs(folder.name.rpartition(".")[0])]

    def clear_left_scratch(self, run: RunId, folders: Sequence[Path]) -> None:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        self._drop_empty(run)

    def clear_scratch(self, run: RunId) -> None:
        with self._lock:
            below = self._scratch(run)
            mine = [folder for folder in self._free if folder.parent == below]
            mine += [folder for key, folder in self._in_use.items() if key[0] == run]
            self._free = [folder for folder in self._free if folder.parent != below]
            self._in_use = {key: folder for key, folder in self._in_use.items() if key[0] != run}
        for folder in mine:
            shutil.rmtree(folder, ignore_errors=True)
        if mine:
            self._drop_empty(run)

    def _drop_empty(self, run: RunId) -> None:
        with contextlib.suppress(OSError):  # somebody else has a folder there
            self._scratch(run).rmdir()

    def put_snapshot(self, run: RunId, text: str) -> None:
        self._put_text(run, SNAPSHOT, text, f"the snapshot of run {run} cannot be kept")

    def put_shown(self, run: RunId, digest: str, text: str) -> str:
        path = f"approvals/{digest}.json"
        self._put_text(run, path, text, f"what is shown for an approval of run {run} cannot be kept")
        return path

    def _put_text(self, run: RunId, path: str, text: str, failure: str) -> None:
        target = self._layout.run(run) / path
        with told(failure):
            target.parent.mkdir(parents=True, exist_ok=True)
            making = target.with_name(f".new-{target.name}")
            making.unlink(missing_ok=True)
            self._layout.write_durably(making, text.encode("utf-8", "backslashreplace"))
            os.replace(making, target)

    def _artifacts(self, run: RunId, step: StepName, attempt: int) -> Path:
        return self._layout.run(run) / "artifacts" / step / str(attempt)

    def _scratch(self, run: RunId) -> Path:
        return self._layout.run(run) / "scratch"

    def _keep(self, run: RunId, path: Path, name: str) -> ArtifactCreated:
        """Make a file durable and describe it."""
        digest, size = digest_of_file(path, sync=self._layout.sync)
        return self._described(run, path, name, digest=digest, size=size)

    def _described(self, run: RunId, path: Path, name: str, *, digest: str, size: int) -> ArtifactCreated:
        self._layout.fsync_folder(path.parent)
        media_type = _MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")
        below = path.relative_to(self._layout.run(run)).as_posix()
        return ArtifactCreated(name, below, digest, size, media_type)


def _make(folder: Path) -> None:
    """Make a folder and the one above it, which another process may be taking away as empty just now."""
    for _ in range(_TRIES):
        with contextlib.suppress(FileNotFoundError):
            folder.mkdir(parents=True, exist_ok=True)
            return


def _emptied(folder: Path) -> bool:
    """Empty a scratch folder for the next attempt; False where that cannot be done, and the folder is left alone.

    The process record and the folder of artifacts stay, blank and empty: names that come and go with every step make
    the file system's journal, and so every commit of the run, several times slower.
    """
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name == RECORD and entry.is_file(follow_symlinks=False):
                    _blank(entry.path)
                elif not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
                elif entry.name != ARTIFACTS or os.listdir(entry.path):
                    shutil.rmtree(entry.path)
    except OSError:
        return False
    return True


def _blank(record: str) -> None:
    with open(record, "r+b") as file:
        if file.read().strip():
            file.seek(0)
            file.write(b" " * RECORD_BYTES)
