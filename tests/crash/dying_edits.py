"""Applies edits in forked children that die by SIGKILL before a chosen step, and then goes on as a new attempt would.

A script of its own: the parent stays single-threaded, so that forking it is safe. Usage: dying_edits.py FOLDER [AT],
where AT is the step at which the child that applies died, and every step of taking that back is died at; prints one
JSON object for each case.
"""

import gc
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nofx_cli.domain.models import EditFormat
from nofx_cli.handlers.edits import apply_record, durable
from nofx_cli.handlers.edits.api import apply_changes, parse, plan_changes, settle
from nofx_cli.safety.paths import write_synced
from tests.crash.dying_children import Countdown, died, tell

OLD = {
    "keep.txt": "not named in the answer\n",
    "run.sh": "#!/bin/sh\r\necho one\r\n",
    "sub/gone.txt": "to be deleted\n",
    "sub/was.py": "a = 1\nb = 2\nc = 3\n",
    "two.py": "x = 1\ny = 2\nz = 3\n",
}
NEW = {
    "keep.txt": "not named in the answer\n",
    "run.sh": "#!/bin/sh\r\necho two\r\n",
    "new/deep/file.py": "fresh = True\n",
    "sub/is.py": "a = 1\nc = 3\n",
    "two.py": "x = 1\nz = 3\n",
}
MODES = {"run.sh": 0o755}
ANSWER = """\
--- a/run.sh
+++ b/run.sh
@@ -1,2 +1,2 @@
 #!/bin/sh
-echo one
+echo two
--- /dev/null
+++ b/new/deep/file.py
@@ -0,0 +1 @@
+fresh = True
--- a/sub/gone.txt
+++ /dev/null
@@ -1 +0,0 @@
-to be deleted
diff --git a/sub/was.py b/sub/is.py
rename from sub/was.py
rename to sub/is.py
--- a/sub/was.py
+++ b/sub/is.py
@@ -1,3 +1,2 @@
 a = 1
-b = 2
 c = 3
--- a/two.py
+++ b/two.py
@@ -1,3 +1,2 @@
 x = 1
-y = 2
 z = 3
"""
WORK = "run/step/1"
_STEPS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "fcntl.flock")


class Death(Countdown):
    """Counts what is done to files; dies before the step that is chosen, or in the middle of a write."""

    def install(self) -> None:
        sys.addaudithook(lambda event, args: self.step() if event in _STEPS else None)

        def dying_sync(fd: Any) -> None:
            self.step()

        def dying_write(path: Path, data: bytes, mode: int | None) -> None:
            if self.count + 1 == self.at:
                path.write_bytes(data[: len(data) // 2])
            self.step()
            write_synced(path, data, mode)

        os.fsync = dying_sync
        durable.write_synced = apply_record.write_synced = dying_write  # type: ignore[attr-defined]


class Case:
    """A workspace of its own."""

    def __init__(self, folder: Path) -> None:
        self.workspace, self.store = folder / "workspace", folder / "store"
        for name, text in OLD.items():
            place = self.workspace / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.encode())
            place.chmod(MODES.get(name, 0o644))

    def attempt(self, work: str = WORK) -> None:
        """As a handler does it, from the beginning."""
        settle(self.workspace, store=self.store, work=work)
        edits = parse(ANSWER, EditFormat.UNIFIED_DIFF)
        changes = plan_changes(edits, self.workspace, store=self.store, check_write=lambda path: None)
        apply_changes(changes, self.workspace, store=self.store, work=work)

    def settle(self, work: str = WORK) -> None:
        settle(self.workspace, store=self.store, work=work)

    def folders(self) -> list[str]:
        return sorted(str(path.relative_to(self.workspace)) for path in self.workspace.rglob("*") if path.is_dir())

    def state(self) -> str:
        """`old` or `new`, where all files are that; `mixed` where some are this, some that; what is neither is told."""
        files = {
            path.relative_to(self.workspace).as_posix(): (path.read_bytes().decode(), path.stat().st_mode & 0o777)
            for path in self.workspace.rglob("*")
            if path.is_file()
        }
        old, new = with_modes(OLD), with_modes(NEW)
        if files in (old, new):
            return "old" if files == old else "new"
        torn = [name for name, found in files.items() if found not in (old.get(name), new.get(name))]
        return f"torn: {torn}" if torn else "mixed"


def with_modes(files: Mapping[str, str]) -> Mapping[str, tuple[str, int]]:
    return {name: (text, MODES.get(name, 0o644)) for name, text in files.items()}


def dying_attempts(folder: Path) -> None:
    """An attempt that dies at each of its steps; then the same work again, or another first."""
    at, goes_on = 0, True
    while goes_on:
        at += 1
        case, other = Case(folder / f"{at}"), Case(folder / f"{at}-other")
        goes_on = died(case.attempt, doomed=Death(at).install)
        died(other.attempt, doomed=Death(at).install)
        found: dict[str, object] = {"at": at, "died": goes_on, "left": case.state()}
        case.settle()
        found["settled"], found["folders"] = case.state(), case.folders()
        case.attempt()
        found["again"] = case.state()
        other.settle("another work")
        found["by_others"] = other.state()
        tell(found)


def dying_twice(folder: Path, first: int) -> None:
    """An attempt that dies at one step, and taking it back dies at each of its own."""
    at, goes_on = 0, True
    while goes_on:
        at += 1
        case = Case(folder / f"{first}-{at}")
        died(case.attempt, doomed=Death(first).install)
        goes_on = died(case.settle, doomed=Death(at).install)
        found: dict[str, object] = {"first": first, "at": at, "died": goes_on, "left": case.state()}
        case.settle()
        found["settled"], found["folders"] = case.state(), case.folders()
        case.attempt()
        found["again"] = case.state()
        tell(found)


if __name__ == "__main__":
    os.fsync = lambda fd: None  # a process dies here, not the machine: what it wrote is there whatever the disk has
    Case(Path(sys.argv[1]) / "rehearsal").attempt()  # imports what children need, once for all
    gc.collect()
    gc.freeze()
    if sys.argv[2:]:
        dying_twice(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        dying_attempts(Path(sys.argv[1]))
