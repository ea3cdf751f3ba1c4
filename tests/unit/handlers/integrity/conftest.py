"""A project that is looked at when a run is made, and again after a step of it."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nofx_cli.domain.ids import JsonObject
from nofx_cli.handlers.gates.integrity.compare import weakenings
from nofx_cli.handlers.gates.integrity.snapshot import take_snapshot


@dataclass
class Project:
    """Files, and what became weaker since `begin`."""

    folder: Path
    before: JsonObject = field(default_factory=dict)

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def begin(self, files: dict[str, str]) -> None:
        """These are the files when the run is made."""
        self.write(files)
        self.before = self.look()

    def look(self) -> JsonObject:
        return take_snapshot(self.folder, store=self.folder / "local_data")

    def weaker(self, gate: str = "unit", *, own: bool = False) -> list[str]:
        """What became weaker for a gate, one line each: `tests/test_a.py: test_total was removed`."""
        found = weakenings(self.before, self.look(), gate, own=own)
        return [f"{path}: {words}" for path, said in found.items() for words in said]

    def changed(self, files: dict[str, str], gate: str = "unit", *, own: bool = False) -> list[str]:
        self.write(files)
        return self.weaker(gate, own=own)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)
