"""What the tests of `codegen` share: a context with inputs and files, and processes that really run."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from nofx_cli.ports.processes import ProcessResult
from nofx_cli.testing import FakeContext
from nofx_cli.testing.context import ProcessCall, process_result


class MakeContext(Protocol):
    """`files` are those of the workspace, `context` is the input that is called `files`."""

    def __call__(
        self, *replies: Any, files: dict[str, str] | None = None, context: Any = None, **inputs: Any
    ) -> FakeContext: ...


@pytest.fixture
def make(tmp_path: Path) -> MakeContext:
    """A context with these inputs, these files in its workspace, and models that answer this."""

    def made(*replies: Any, files: dict[str, str] | None = None, context: Any = None, **inputs: Any) -> FakeContext:
        inputs = {**inputs, "files": context} if context else inputs
        ctx = FakeContext(tmp_path, inputs, tool="codegen", replies=replies, processes=really)
        for name, text in (files or {}).items():
            path = ctx.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return ctx

    return made


def really(call: ProcessCall) -> ProcessResult:
    done = subprocess.run(call.argv, cwd=call.cwd, capture_output=True, text=True, check=False)
    return process_result(done.returncode, stdout=done.stdout, last_line=done.stderr.strip().rpartition("\n")[2])


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., None]:
    """git in the workspace, without the settings of who runs the tests."""
    workspace = tmp_path.resolve() / "workspace"
    workspace.mkdir(exist_ok=True)
    env = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }

    def run(*words: str) -> None:
        subprocess.run(["git", *words], cwd=workspace, env=env, check=True, capture_output=True)

    return run
