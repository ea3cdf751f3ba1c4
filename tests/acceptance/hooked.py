"""A checkout with hooks of nofx in it, and git typed there as people type it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.acceptance.checkouts import Checkout
from tests.acceptance.program import PATIENCE, Ended, Program

NO_BAD = """
steps:
  - {name: look, tool: shell, inputs: {command: "if grep -rn BAD --include=*.txt $PWD; then exit 1; fi"}}
"""
"""A plan that fails where a text file has the word BAD, and says where."""


class Hooked:
    """`git` and `nofx` in one checkout, whose nofx.yaml and plans are committed; nothing is installed yet."""

    def __init__(self, folder: Path, store: Path, *, project: str = "") -> None:
        self.checkout = Checkout(folder, folder / project)
        self.top = folder
        self.nofx = Program(self.checkout.project, store)

    def begin(self, **plans: str) -> "Hooked":
        """Make it, with plans by name; the first commit has two files beside."""
        folder = self.checkout.project / "plans"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in plans.items():
            (folder / f"{name}.yaml").write_text(text)
        self.checkout.begin()
        return self

    def installed(self, *options: str) -> "Hooked":
        ended = self.nofx("hooks", "install", *options)
        assert ended.code == 0, ended
        return self

    def write(self, name: str, text: str, *, add: bool = True) -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if add:
            self.checkout.git("add", name)

    def git(self, *words: str, env: Mapping[str, str] | None = None, folder: Path | None = None) -> Ended:
        """Run git; its hooks take part."""
        done = subprocess.run(
            ["git", *words],
            cwd=folder or self.top,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def commit(self, *words: str, env: Mapping[str, str] | None = None) -> Ended:
        return self.git("commit", "-q", "-m", "a message", *words, env=env)

    def commits(self) -> int:
        return len(self.checkout.git("rev-list", "--all").splitlines())

    def hook(self, name: str) -> Path:
        return self.top / ".git" / "hooks" / name

    def put_hook(self, name: str, body: str) -> Path:
        """Write a hook of the user's own."""
        hook = self.hook(name)
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\n{body}\n")
        hook.chmod(0o755)
        return hook


def path_of_nofx() -> str:
    """The program beside the Python that runs the tests."""
    return str(Path(sys.executable).parent / "nofx")
