"""A project, its remote and a forge, and a step `git_pr` in a context of the test's own."""

from pathlib import Path
from shutil import copytree
from typing import Any

from nofx_cli.domain.ids import JsonObject, JsonValue, RunId, StepName
from nofx_cli.domain.outcome import Failed, Succeeded
from nofx_cli.handlers.pull_requests.handler import HANDLER
from nofx_cli.ports.handler import Granted
from nofx_cli.testing import FakeContext
from tests.forge_server import REPOSITORY, ForgeServer
from tests.unit.workspace.repository import git, make, put

TOKEN = "token-of-the-forge-0192"
RUN = RunId("20260101-120000-aaaaaa")
BRANCH = f"nofx-pr/{RUN}/pr"
GRANTED = Granted("ada", "2026-01-01T12:00:00.000000Z", "", "0" * 64)


def make_repositories(folder: Path) -> Path:
    """A project, and its remote, for scenes to begin with."""
    workspace = make(folder / "workspace", {"a.txt": "a\n", "docs/b.txt": "b\n"})
    git(folder, "clone", "-q", "--bare", str(workspace), "bare.git")
    git(folder / "bare.git", "config", "http.receivepack", "true")
    return folder


class Scene:
    """The project's remote `origin` is the folder `bare`, which has the branch `trunk` only."""

    def __init__(self, folder: Path, forge: ForgeServer, *, before: Path) -> None:
        """`before` is what `make_repositories` made."""
        self.folder, self.forge, self.bare = folder, forge, forge.bare
        self.workspace = folder / "step" / "workspace"
        copytree(before / "workspace", self.workspace)
        copytree(before / "bare.git", self.bare)
        git(self.workspace, "config", "remote.origin.url", str(self.bare))

    def context(self, *, run: RunId = RUN, **inputs: Any) -> FakeContext:
        """A step that was approved; None takes an input away."""
        usual: dict[str, JsonValue] = {
            "title": "Notes",
            "forge": "github",
            "api_url": self.forge.github,
            "repository": REPOSITORY,
            "files": [{"path": "notes.md", "content": "notes\n"}],
        }
        given: JsonObject = {name: value for name, value in {**usual, **inputs}.items() if value is not None}
        return FakeContext(
            self.folder / "step",
            given,
            tool="git_pr",
            run_id=run,
            step=StepName("pr"),
            approval=GRANTED,
            secrets={"GITHUB_TOKEN": TOKEN, "GITLAB_TOKEN": TOKEN},
        )

    def opened(self, *, run: RunId = RUN, **inputs: Any) -> JsonObject:
        """Run such a step, which must go well; its outputs."""
        outcome = HANDLER.run(self.context(run=run, **inputs))
        assert isinstance(outcome, Succeeded), outcome
        return outcome.outputs

    def failed(self, **inputs: Any) -> Failed:
        """Run such a step, which must fail."""
        outcome = HANDLER.run(self.context(**inputs))
        assert isinstance(outcome, Failed), outcome
        assert TOKEN not in repr(outcome)
        return outcome

    def put(self, **files: str | None) -> None:
        """Change files of the workspace; `_` in a name stands for a dot."""
        put(self.workspace, {name.replace("_", "."): content for name, content in files.items()})

    def goes_on(self, name: str, content: str) -> None:
        """Somebody else changes a file of `trunk`."""
        other = self.folder / "other"
        if not other.exists():
            git(self.folder, "clone", "-q", str(self.bare), str(other))
        put(other, {name: content})
        git(other, "add", "-A")
        git(other, "commit", "-q", "-m", "by somebody else")
        git(other, "push", "-q", "origin", "trunk")

    def remote(self, *words: str) -> str:
        """Ask git in the remote."""
        return git(self.bare, *words)

    def changed(self, branch: str = BRANCH) -> list[str]:
        """What a branch of the remote has other than `trunk`."""
        told = self.remote("diff-tree", "-r", "--name-status", "--no-renames", "trunk", branch)
        return [line.replace("\t", " ") for line in told.splitlines()]
