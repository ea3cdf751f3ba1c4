"""The installed program sets runs back, in a real repository, and back again: all is as it was, byte for byte."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.testing.waiting import wait_until
from tests.acceptance.checkouts import Checkout, git
from tests.acceptance.program import PATIENCE, Program
from tests.acceptance.workplace import GO, Workplace, shell

pytestmark = pytest.mark.acceptance

PLAN = """
workspace: worktree
steps:
  - {name: notes, tool: "workspace:write", inputs: {path: notes.md, content: "Notes\\n"}}
  - name: build
    tool: shell
    inputs: {command: 'echo "built by $NOFX_ATTEMPT" >> notes.md; rm -f b.txt; echo n=$NOFX_ATTEMPT >> "$NOFX_OUTPUT";
                       cp notes.md "$NOFX_ARTIFACTS"'}
  - {name: release, tool: "manual:release", inputs: {message: "Release {{ steps.build.outputs.n }}?"}}
  - {name: publish, tool: "out:publish", inputs: {what: "{{ steps.build.outputs.n }}"}}
"""
HANDLER = '''
from nofx_cli.plugin import Done, NotDone, Succeeded

class Publish:
    """Appends a line to a file outside of the run's worktree."""

    def match(self, tool):
        return tool.startswith("out:")

    def run(self, ctx):
        effect = ctx.effect("file.append", "published.txt", "ab" * 32)
        with open(PLACE, "a") as file:
            file.write(f"{ctx.inputs['what']}\\n")
        effect.done({"line": str(ctx.inputs["what"])})
        return Succeeded()

    def reconcile(self, ctx, intent):
        return NotDone()

HANDLERS = [Publish()]
'''


class Bench:
    """A checkout with a plan that publishes, and the program in it."""

    def __init__(self, folder: Path) -> None:
        self.checkout = Checkout(folder / "project").begin()
        handlers = self.checkout.project / "nofx_handlers"
        handlers.mkdir()
        self.published = folder / "published.txt"
        (handlers / "publish.py").write_text(HANDLER.replace("PLACE", repr(str(self.published))))
        self.checkout.commit("a handler")
        self.nofx = Program(self.checkout.project, folder / "store")
        self.plan = folder / "plan.yaml"
        self.plan.write_text(PLAN)

    def ok(self, *words: str, code: int = 0) -> Any:
        done = self.nofx(*words, "--json")
        assert done.code == code, done
        return json.loads(done.out.splitlines()[-1])

    @property
    def worktree(self) -> Path:
        return Path(str(self.nofx.events()[0].payload.workspace["tree"]))  # type: ignore[attr-defined]

    def digests(self) -> dict[str, object]:
        """All that comes back: statuses, outputs, artifacts held against their bytes, the tree of the files."""
        shown = self.ok("show")
        kept = [told for told in self.ok("artifacts") if not told["rolled_back"]]
        index = {"GIT_INDEX_FILE": str(self.checkout.top.parent / "index")}
        git(self.worktree, "add", "-A", env=index)
        return {
            "status": shown["status"],
            "steps": {step["name"]: (step["status"], step["attempt"], step["outputs"]) for step in shown["steps"]},
            "artifacts": {(told["step"], told["name"]): (told["digest"], told["check"]) for told in kept},
            "tree": git(self.worktree, "write-tree", env=index).strip(),
        }


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.nofx.close()
    made.nofx.nothing_is_left()
    made.nofx.every_run_verifies()


def test_back_to_a_step_on_from_there_and_back_again(bench: Bench) -> None:
    user = bench.checkout.state()
    bench.ok("run", str(bench.plan), code=8)
    waiting = bench.digests()
    bench.ok("approve", "release")
    first = bench.digests()
    assert first["status"] == "succeeded"
    assert bench.published.read_text() == "1\n"
    (bench.worktree / "by-hand.txt").write_text("somebody looked into it\n")
    touched = bench.digests()

    back = bench.ok("rollback", "latest", "--to", "notes", "--reason", "the notes are wrong")
    assert [(left["kind"], left["target"], left["result"]) for left in back["not_undone"]] == [
        ("file.append", "published.txt", {"line": "1"})
    ]
    at_notes = bench.digests()
    assert (at_notes["status"], at_notes["artifacts"]) == ("running", {})
    assert (bench.worktree / "b.txt").exists()
    assert not (bench.worktree / "by-hand.txt").exists()

    bench.ok("resume", code=8)
    again = bench.digests()
    assert again["tree"] != waiting["tree"]
    bench.ok("approve", "release")
    second = bench.digests()
    assert (bench.worktree / "notes.md").read_text() == "Notes\nbuilt by 2\n"
    assert bench.published.read_text() == "1\n2\n"

    ahead = bench.ok(*back["undo"].split()[1:])
    assert bench.digests() == touched
    assert [left["attempt"] for left in ahead["not_undone"]] == [2]
    (bench.worktree / "by-hand.txt").unlink()
    assert bench.digests() == first
    bench.ok("rollback", "--to", "notes")
    assert bench.digests() == at_notes
    bench.ok(*ahead["undo"].split()[1:])
    assert bench.digests() == second
    assert bench.checkout.state() == user


def test_an_approval_is_asked_anew_where_the_tree_differs(bench: Bench) -> None:
    """What was granted before counts for what was shown, as ever: not for what a step makes of it the next time."""
    bench.ok("run", str(bench.plan), code=8)
    bench.ok("approve", "release")
    granted = 1 + bench.nofx.types().index("approval.granted release")
    bench.ok("rollback", "--to", str(granted))
    (bench.worktree / "notes.md").write_text("something else\n")
    told = bench.ok("resume", code=5)
    assert told["waiting"][0]["step"] == "release"


def test_a_worktree_that_was_cleared_away_comes_back_as_it_was_at_that_point(bench: Bench) -> None:
    bench.ok("run", str(bench.plan), code=8)
    bench.ok("approve", "release")
    assert bench.nofx("clean").code == 0
    assert not bench.worktree.exists()
    bench.ok("rollback", "--to", "notes")
    assert (bench.worktree / "notes.md").read_text() == "Notes\n"
    assert (bench.worktree / "b.txt").exists()


def test_a_living_run_is_refused_and_a_killed_one_is_rolled_back(bench: Bench) -> None:
    steps = (
        "workspace: worktree\nsteps:\n"
        + shell("one", "echo one > one.txt")
        + shell("two", f"echo half > two.txt; sh -c '{GO}' & echo ready > {bench.published}; {GO}")
    )
    bench.plan.write_text(steps)
    process = bench.nofx.start("run", str(bench.plan))
    wait_until(bench.published.exists, timeout=PATIENCE, why="the second step")
    assert bench.ok("rollback", "--to", "one", code=5)["error"]["code"] == "run-is-held"
    os.kill(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)
    bench.ok("rollback", "--to", "one")
    assert sorted(path.name for path in bench.worktree.glob("*.txt")) == ["a.txt", "b.txt", "one.txt"]
    bench.nofx.nothing_is_left()


def test_workers_that_live_leave_it_alone_until_it_is_resumed(bench: Bench) -> None:
    place = Workplace(bench.nofx)
    worker = place.worker()
    told = bench.nofx("run", str(bench.plan), "--detach")
    run = told.out.strip()
    bench.nofx.shows("run.waiting")
    wait_until(lambda: not bench.ok("show", run)["live"], timeout=PATIENCE, why="the worker lets go")
    bench.ok("rollback", run, "--to", "notes")
    before = bench.nofx.types()
    other = place.leave("  - {name: other, tool: 'test:echo'}\n")
    wait_until(lambda: bench.ok("show", other)["status"] == "succeeded", timeout=PATIENCE, why="the other run")
    assert bench.nofx.types(run) == before
    assert bench.nofx("resume", run, "--detach").code == 0
    wait_until(lambda: bench.ok("show", run)["status"] == "waiting", timeout=PATIENCE, why="the run waits again")
    worker.signal()
    assert worker.ended() == 0
    assert bench.nofx.types(run).count("step.started build") == 2
