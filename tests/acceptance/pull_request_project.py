"""A project in git with a remote of its own at a forge, and plans that open pull requests there."""

import json
from pathlib import Path
from typing import Any

from tests.acceptance.checkouts import Checkout, git
from tests.acceptance.program import Ended, Program
from tests.forge_server import REPOSITORY, ForgeServer

TOKEN = "forge-token-4f1c8a27d90b"
SECRETS = "secrets:\n  forge:\n    GITHUB_TOKEN: {env: SHOP_TOKEN}\n    GITLAB_TOKEN: {env: SHOP_TOKEN}\n"


class Shop:
    """The project, its remote (`bare`) and the forge that the remote lies at."""

    def __init__(self, nofx: Program, folder: Path, forge: ForgeServer) -> None:
        self.nofx, self.forge, self.bare = nofx, forge, forge.bare
        self.checkout = Checkout(nofx.folder).begin()
        (nofx.folder / "nofx.yaml").write_text(SECRETS)
        (nofx.folder / ".gitignore").write_text("plan.yaml\n")
        self.checkout.commit("settings")
        git(folder, "init", "-q", "--bare", "-b", "trunk", str(self.bare))
        git(self.bare, "config", "http.receivepack", "true")
        self.checkout.git("remote", "add", "origin", str(self.bare))
        self.checkout.git("push", "-q", "origin", "trunk")

    def inputs(self, **inputs: object) -> dict[str, object]:
        """Those of a step that puts `notes.md` into a pull request; None takes one away."""
        usual: dict[str, object] = {
            "title": "Notes",
            "forge": "github",
            "api_url": self.forge.github,
            "repository": REPOSITORY,
            "files": [{"path": "notes.md", "content": "# Notes\n"}],
        }
        return {name: value for name, value in {**usual, **inputs}.items() if value is not None}

    def plan(self, *, before: str = "", retry: str = "", scope: str = "forge", **inputs: object) -> str:
        """Write a plan with the step `pr`, after those in `before`."""
        more = f", secrets_scope: {scope}" if scope else ""
        more += f", retry: {retry}" if retry else ""
        step = f"  - {{name: pr, tool: git_pr, inputs: {json.dumps(self.inputs(**inputs))}{more}}}\n"
        return self.nofx.plan(before + step)

    def run(self, **inputs: Any) -> Ended:
        """Run such a plan, up to its question."""
        return self.nofx("run", self.plan(**inputs))

    def opened(self, **inputs: Any) -> Ended:
        """Run such a plan, and approve; it must go well."""
        asked = self.run(**inputs)
        assert asked.code == 8, asked
        told = self.nofx("approve", "pr")
        assert told.code == 0, told
        return told

    def step(self) -> dict[str, Any]:
        """The step `pr` of the newest run, as `nofx show` has it."""
        told = self.nofx("show", "--json")
        [found] = [step for step in json.loads(told.out)["steps"] if step["name"] == "pr"]
        return dict(found)

    def remote(self, *words: str) -> str:
        """Ask git in the remote."""
        return git(self.bare, *words).strip()

    def branches(self) -> list[str]:
        """The branches of the remote, but for `trunk`."""
        names = self.remote("for-each-ref", "--format=%(refname:short)", "refs/heads").split()
        return [name for name in names if name != "trunk"]

    def changed(self, branch: str = "") -> list[str]:
        """What a branch of the remote, the only one by default, has other than `trunk`: `A notes.md`."""
        told = self.remote("diff-tree", "-r", "--name-status", "--no-renames", "trunk", branch or self.branches()[0])
        return [line.replace("\t", " ") for line in told.splitlines()]

    def objects(self) -> list[Path]:
        """All files of the project's own repository."""
        return sorted((self.nofx.folder / ".git").rglob("*"))

    def goes_on(self, name: str, content: str) -> None:
        """Somebody else changes a file of `trunk`, and pushes."""
        other = self.bare.parent / "other"
        if not other.exists():
            git(self.bare.parent, "clone", "-q", str(self.bare), str(other))
        (other / name).write_text(content)
        git(other, "add", "-A")
        git(other, "commit", "-q", "-m", "by somebody else")
        git(other, "push", "-q", "origin", "HEAD:trunk")
