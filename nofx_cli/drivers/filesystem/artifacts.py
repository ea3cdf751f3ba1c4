"""Artifacts, logs and temporary files in the folder of their run."""

import contextlib
import hashlib
import os
import shutil
import stat
import threading
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from nofx_cli import errors
from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.drivers.filesystem.layout import Layout, told
from nofx_cli.ports.artifacts import ARTIFACTS
from nofx_cli.ports.processes import RECORD, RECORD_BYTES

_MEDIA_TYPES = {
    ".json": "application/json", ".jsonl": "application/jsonl", ".sarif": "application/sarif+json",
    ".xml": "application/xml", ".txt": "text/plain", ".log": "text/plain", ".md": "text/markdown",
    ".html": "text/html", ".csv": "text/csv", ".diff": "text/x-diff", ".patch": "text/x-diff",
    ".py": "text/x-python", ".yaml": "application/yaml", ".yml": "application/yaml", ".svg": "image/svg+xml",
    ".png": "image/png", ".pdf": "application/pdf", ".zip": "application/zip", ".gz": "application/gzip",
}  # fmt: skip
_BLOCK = 1024 * 1024


class FileArtifacts:
    """Files below `<run>/artifacts/<step>/<attempt>/`, `<run>/logs/` and `<run>/scratch/`."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = threading.Lock()
        self._in_use: dict[tuple[RunId, StepName, int], Path] = {}
        self._free: list[Path] = []

    def folder(self, run: RunId, step: StepName, attempt: int) -> Path:
        folder = self._artifacts(run, step, attempt)
        with told(f"the artifacts of step {step} cannot be kept"):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def put(self, run: RunId, step: StepName, attempt: int, name: str, data: bytes | Path) -> ArtifactCreated:
        folder = self.folder(run, step, attempt)
        target = folder / _place(name)
        if not target.parent.resolve().is_relative_to(folder.resolve()):
            raise _bad_name(name)  # a link that the step made leads out
        making = target.with_name(f".new-{target.name}")
        with told(f"artifact {name} of step {step} cannot be kept"):
            target.parent.mkdir(parents=True, exist_ok=True)
            making.unlink(missing_ok=True)  # what a process left there: a link would lead out
            try:
                _copy(data, making)
                digest, size = _digest(making, sync=self._layout.sync)
                os.replace(making, target)
            finally:
                making.unlink(missing_ok=True)
            return self._described(run, target, name, digest=digest, size=size)

    def adopt(self, run: RunId, step: StepName, attempt: int, source: Path) -> None:
        with told(f"the artifacts of step {step} cannot be kept"):
            if not source.is_dir() or not os.listdir(source):
                return
            files = [path for path in sorted(source.rglob("*")) if stat.S_ISREG(path.lstat().st_mode)]
            for path in files:
                target = self._artifacts(run, step, attempt) / path.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
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
            return _digest(path)[0] == artifact.digest
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
                    free = below / f"{os.getpid()}.{len(self._in_use) + len(self._free)}"
                    free.mkdir(parents=True, exist_ok=True)
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
            return sorted(self._scratch(run).iterdir())
        except FileNotFoundError:
            return []

    def clear_scratch(self, run: RunId) -> None:
        below = self._scratch(run)
        with self._lock:
            self._free = [folder for folder in self._free if folder.parent != below]
            self._in_use = {key: folder for key, folder in self._in_use.items() if key[0] != run}
        shutil.rmtree(below, ignore_errors=True)

    def put_shown(self, run: RunId, digest: str, text: str) -> str:
        path = f"approvals/{digest}.json"
        target = self._layout.run(run) / path
        with told(f"what is shown for an approval of run {run} cannot be kept"):
            target.parent.mkdir(parents=True, exist_ok=True)
            making = target.with_name(f".new-{target.name}")
            making.unlink(missing_ok=True)
            self._layout.write_durably(making, text.encode("utf-8", "backslashreplace"))
            os.replace(making, target)
        return path

    def _artifacts(self, run: RunId, step: StepName, attempt: int) -> Path:
        return self._layout.run(run) / "artifacts" / step / str(attempt)

    def _scratch(self, run: RunId) -> Path:
        return self._layout.run(run) / "scratch"

    def _keep(self, run: RunId, path: Path, name: str) -> ArtifactCreated:
        """Make a file durable and describe it."""
        digest, size = _digest(path, sync=self._layout.sync)
        return self._described(run, path, name, digest=digest, size=size)

    def _described(self, run: RunId, path: Path, name: str, *, digest: str, size: int) -> ArtifactCreated:
        self._layout.fsync_folder(path.parent)
        media_type = _MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")
        below = path.relative_to(self._layout.run(run)).as_posix()
        return ArtifactCreated(name, below, digest, size, media_type)


def _place(name: str) -> PurePosixPath:
    place = PurePosixPath(name)
    parts = place.parts
    if not parts or place.is_absolute() or ".." in parts or "\0" in name or "\\" in name or name.endswith("/"):
        raise _bad_name(name)
    return place


def _bad_name(name: str) -> errors.InvalidInput:
    return errors.InvalidInput(
        f"{name!r} cannot be the name of an artifact",
        code="artifact-name",
        hint="use a relative path below the artifacts folder, such as report/index.html",
    )


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


def _copy(data: bytes | Path, target: Path) -> None:
    if isinstance(data, Path):
        shutil.copyfile(data, target)
    else:
        target.write_bytes(data)


def _digest(path: Path, *, sync: bool = False) -> tuple[str, int]:
    sha, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            sha.update(block)
            size += len(block)
        if sync:
            os.fsync(file.fileno())
    return sha.hexdigest(), size
