"""A workspace that answers are applied to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nofx_cli.domain.models import EditFormat
from nofx_cli.handlers.edits.api import ChangeSet, apply_changes, parse, plan_changes, settle


@dataclass
class Work:
    """A workspace and its store. `asked` are the paths that the policy was asked for."""

    workspace: Path
    store: Path
    asked: list[str] = field(default_factory=list)
    check_write: Callable[[str], None] = lambda path: None

    def put(self, name: str, data: bytes | str, mode: int = 0o644) -> Path:
        place = self.workspace / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data.encode() if isinstance(data, str) else data)
        place.chmod(mode)
        return place

    def bytes_of(self, name: str) -> bytes:
        return (self.workspace / name).read_bytes()

    def plan(self, answer: str, form: EditFormat) -> ChangeSet:
        return plan_changes(parse(answer, form), self.workspace, store=self.store, check_write=self._ask)

    def take(self, answer: str, form: EditFormat, *, work: str = "") -> ChangeSet:
        """Plan and apply."""
        changes = self.plan(answer, form)
        apply_changes(changes, self.workspace, store=self.store, work=work)
        return changes

    def settle(self, work: str = "") -> tuple[str, ...]:
        return settle(self.workspace, store=self.store, work=work)

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Every file of the workspace with its mode, and every link with where it leads; folders too."""
        found = {}
        for path in sorted(self.workspace.rglob("*")):
            name, mode = path.relative_to(self.workspace).as_posix(), path.lstat().st_mode
            content = (
                str(path.readlink()).encode() if path.is_symlink() else b"" if path.is_dir() else path.read_bytes()
            )
            found[name] = (content, mode)
        return found

    def _ask(self, path: str) -> None:
        self.asked.append(path)
        self.check_write(path)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return Work(workspace, tmp_path / "own-store")
