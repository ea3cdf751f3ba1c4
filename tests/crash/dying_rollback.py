"""Rolls a run back in forked children that die by SIGKILL, goes on with it, and rolls the rollback back.

A process of its own, as `dying.py` is: `python -m tests.crash.dying_rollback FOLDER`. The folder has a repository and a
run of it that has ended. Prints one JSON object for each case.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from nofx_cli.cli.app import app
from nofx_cli.domain import events as ev
from nofx_cli.domain.events import Event
from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.workspace.worktrees import GitWorktrees
from tests.crash.dying import Death, in_child

FILES = ("notes.txt", "hand.txt")
CASES = [
    ("before the write", 1),
    ("in the middle of the write", 1),
    ("what stands there was kept", 0),
    ("amid setting back", 0),
    ("it was set back", 0),
    ("after the append", 1),
    ("in the middle of the write", 2),
    ("after the append", 2),
]
"""What is torn is repaired by an append of its own, so no case that counts them follows on one that tears.

The first append is `run.rolled_back`, the second tells that the worktree was set back."""


def install(point: str, append: int) -> None:
    """Let this process die at a point."""
    rename = Path.rename
    if append:
        Death(point, append).install()
    Path.rename = rename  # type: ignore[method-assign]
    snapshot, restore = GitWorktrees.snapshot, GitWorktrees.restore

    def dying_snapshot(self: GitWorktrees, *args: object, **named: object) -> object:
        kept = snapshot(self, *args, **named)  # type: ignore[arg-type]
        _die(point == "what stands there was kept")
        return kept

    def dying_restore(self: GitWorktrees, run: RunId, tree: str) -> None:
        if point == "amid setting back":
            (self.folder(run) / FILES[0]).unlink()
        _die(point == "amid setting back")
        restore(self, run, tree)
        _die(point == "it was set back")

    GitWorktrees.snapshot = dying_snapshot  # type: ignore[method-assign,assignment]
    GitWorktrees.restore = dying_restore  # type: ignore[method-assign]


def _die(now: bool) -> None:
    if now:
        os.kill(os.getpid(), signal.SIGKILL)


class Bench:
    """The run, and what it is after each command."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log"
        (self.run,) = self.store.runs()

    @property
    def store(self) -> FileRunStore:
        return FileRunStore(Layout(self.folder / "store"))

    def events(self) -> list[Event]:
        return list(self.store.read(self.run))

    def told(self) -> dict[str, object]:
        """The files of the worktree, and how often the run was rolled back."""
        created = self.events()[0].payload
        assert isinstance(created, ev.RunCreated)
        tree = Path(str(created.workspace["tree"]))
        files = {name: (tree / name).read_text() if (tree / name).exists() else "" for name in FILES}
        return {**files, "rollbacks": len(self.rollbacks())}

    def rollbacks(self) -> list[int]:
        return [event.seq for event in self.events() if isinstance(event.payload, ev.RunRolledBack)]

    def child(self, *words: str, before: Callable[[], None] = lambda: None) -> int:
        def work() -> None:
            before()
            os.chdir(self.folder / "repo")
            os.environ.update(NOFX_HOME=str(self.folder / "store"), NOFX_SYNC="on")
            app(list(words))

        return in_child(work, self.log)

    def case(self, number: int, point: str, append: int) -> dict[str, object]:
        """Write something by hand, die in a rollback, go on, and roll that back."""
        created = self.events()[0].payload
        assert isinstance(created, ev.RunCreated)
        (Path(str(created.workspace["tree"])) / "hand.txt").write_text(f"by hand {number}\n")
        before = self.told()
        self.log.write_text("")
        died = self.child("rollback", "--to", "a", before=lambda: install(point, append))
        committed = len(self.rollbacks()) > int(str(before["rollbacks"]))
        resumed = self.child("resume")
        gone_on = self.told()
        undone = self.child("rollback", "--to", str(self.rollbacks()[-1] - 1)) if committed else 0
        verified = self.child("verify")
        return {
            "point": point, "append": append, "number": number, "died": died, "committed": committed,
            "resumed": resumed, "undone": undone, "verified": verified,
            "before": before, "gone_on": gone_on, "after": self.told(), "log": self.log.read_text(),
        }  # fmt: skip


def main() -> None:
    bench = Bench(Path(sys.argv[1]))
    for number, (point, append) in enumerate(CASES):
        sys.stdout.write(json.dumps(bench.case(number, point, append)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
