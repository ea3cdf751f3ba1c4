"""A project in a repository, with a scripted model whose every call has a price."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.acceptance.checkouts import Checkout
from tests.acceptance.program import Ended, Program
from tests.model_server import ModelServer, Say

PRICE = "  settings: {local/m: {price: {input: 1, output: 1000}, max_output_tokens: 100}}\n"
USAGE = {"prompt_tokens": 12, "completion_tokens": 100, "total_tokens": 112}
A_CALL = Decimal("0.100012")
"""What that usage costs: every call to the scripted model."""
FENCE = "```"


def says(*files: tuple[str, str]) -> Say:
    """An answer that has these files."""
    return Say("".join(f"`{path}`\n{FENCE}\n{text}{FENCE}\n" for path, text in files), usage=USAGE)


class ModelProject:
    """A repository with these files, a model that is scripted, and the program."""

    def __init__(self, nofx: Program, server: ModelServer, **files: str) -> None:
        self.nofx, self.server = nofx, server
        self.checkout = Checkout(nofx.folder).begin()
        self.settings()
        for name, text in files.items():
            (nofx.folder / f"{name}.py").write_text(text)
        self.checkout.commit("the project")

    def settings(self, more: str = "") -> None:
        """Write `nofx.yaml`: the model, its price, and more."""
        (self.nofx.folder / "nofx.yaml").write_text(self.server.models_yaml() + PRICE + more)

    def plan(self, text: str) -> str:
        """Write a plan, outside of the repository."""
        (self.nofx.folder.parent / "plan.yaml").write_text(text)
        return "../plan.yaml"

    def run(self, text: str, *words: str) -> Ended:
        return self.nofx("run", self.plan(text), *words)

    def shown(self, *words: str) -> Any:
        told = self.nofx(*words, "--json")
        assert told.code == 0, told
        return json.loads(told.out)

    def step(self, name: str) -> Any:
        """What is told of a step of the newest run."""
        [found] = [one for one in self.shown("show")["steps"] if one["name"] == name]
        return found

    def worktree(self) -> Path:
        [created] = [event for event in self.nofx.events() if event.type == "run.created"]
        return Path(str(created.payload.workspace["tree"]))  # type: ignore[attr-defined]

    def own(self, name: str = "sums") -> str:
        """The file of the user, which no run may change."""
        return (self.nofx.folder / f"{name}.py").read_text()

    def spent(self, calls: int) -> None:
        """Hold what is told of the cost, by `cost` and by `show`, against what the server was asked."""
        assert self.server.calls == calls
        for total in (self.shown("cost", "latest")["total"], self.shown("show")["cost"]):
            assert (total["calls"], total["unknown_calls"]) == (calls, 0)
            assert Decimal(total["usd"]) == calls * A_CALL
        assert f"${(calls * A_CALL).normalize()}" in self.nofx("show").out
