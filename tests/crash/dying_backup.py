"""Makes and restores backups in forked children that die by SIGKILL before a chosen step.

A script of its own: the parent stays single-threaded, so that forking it is safe.
Usage: dying_backup.py FOLDER create|restore, or FOLDER finish AT, where AT is the step at which the restore died whose
end then dies at every step of its own; prints one JSON object for each case.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nofx_cli import errors
from nofx_cli.clock import SystemClock
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, StepName, digest_of_bytes
from nofx_cli.drivers.filesystem.artifacts import FileArtifacts
from nofx_cli.drivers.filesystem.backup import restoring, shelf, swap
from nofx_cli.drivers.filesystem.backup.checking import check
from nofx_cli.drivers.filesystem.backup.creating import BACKUPS, CreateOrder, create_backup
from nofx_cli.drivers.filesystem.backup.unpacking import BackupFile
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.safety.masking import Masker
from tests.crash.dying_children import Countdown, died, tell

PLAN = "steps:\n  - {name: a, tool: test:echo}\n"
RUNS = (RunId("20260101-120000-aaaaaa"), RunId("20260102-120000-bbbbbb"), RunId("20260103-120000-cccccc"))
AT = "2026-01-01T12:00:00.000000Z"
ADA = ev.Actor("user", "ada")
CONTENT = ("runs", "archive", "notify", "queue")
_STEPS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link")


class Death(Countdown):
    """Counts what is done to files; dies before the step that is chosen."""

    def install(self) -> None:
        sys.addaudithook(lambda event, args: self.step() if event in _STEPS or _writes(event, args) else None)
        fsync, pwrite, write = os.fsync, os.pwrite, os.write

        def dying(call: Callable[..., Any]) -> Callable[..., Any]:
            def wrapped(*args: Any) -> Any:
                self.step()
                return call(*args)

            return wrapped

        os.fsync, os.sync, os.pwrite, os.write = dying(fsync), dying(lambda: None), dying(pwrite), dying(write)


class Store:
    """A store of two runs, of which there is a backup; since then one went on, and a third was made."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        self.backups = root / BACKUPS

    def make(self) -> None:
        self._run(RUNS[0])
        self._run(RUNS[1])
        _write(self.layout.root / "archive" / "ab" / f"{'ab' * 32}.json", "an answer")
        self.create()
        store = FileRunStore(self.layout)
        store.append(RUNS[1], store.head(RUNS[1]).seq, [ev.Draft(ev.RunCancelled("enough"))], at=AT, actor=ADA)
        self._run(RUNS[2])
        _write(self.layout.root / "archive" / "cd" / f"{'cd' * 32}.json", "another answer")
        _write(self.layout.root / "notify" / "hook.json", "7")
        _write(self.layout.root / "queue" / "log.jsonl", "jobs")

    def _run(self, run: RunId) -> None:
        store = FileRunStore(self.layout)
        store.create(run, PLAN, [ev.Draft(ev.RunCreated(digest_of_bytes(PLAN.encode()), "p", "g"))], at=AT, actor=ADA)
        store.append(run, 1, [ev.Draft(ev.StepStarted("test:echo"), StepName("a"), 1)], at=AT, actor=ADA)
        kept = FileArtifacts(self.layout).put(run, StepName("a"), 1, "out.txt", f"of {run}".encode())
        store.append(run, 2, [ev.Draft(kept, StepName("a"), 1)], at=AT, actor=ADA)

    def create(self) -> None:
        create_backup(self.layout, CreateOrder(AT), masker=Masker())

    def restore(self) -> None:
        oldest = shelf.list_backups(self.backups)[-1]
        with BackupFile(oldest.path) as backup:
            restoring.restore_backup(self.layout, backup, SystemClock(), masker=Masker())

    def finish(self) -> None:
        swap.finish(self.layout)

    def content(self) -> str:
        """A digest of all that a backup is about; locks and folders do not count."""
        sha = hashlib.sha256()
        for name in CONTENT:
            for path in sorted((self.layout.root / name).rglob("*")):
                if path.is_file() and not path.name.endswith("lock"):
                    sha.update(str(path.relative_to(self.layout.root)).encode() + b"\0" + path.read_bytes())
        return sha.hexdigest()

    def is_closed(self) -> str:
        """The code with which it is refused; empty where it can be used."""
        try:
            self.layout.check_format()
        except errors.StoreFailure as exc:
            return exc.code
        return ""

    def sound_backups(self) -> int:
        """How many there are; each must be whole."""
        found = shelf.list_backups(self.backups)
        for one in found:
            with BackupFile(one.path) as backup:
                assert check(backup).ok, one
        return len(found)

    def leftovers(self) -> list[str]:
        names = [".restore", "restoring"]
        left = [name for name in names if (self.layout.root / name).exists()]
        return left + [path.name for path in self.backups.glob(".*")]


def _writes(event: str, args: tuple[Any, ...]) -> bool:
    return event == "open" and bool(args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class Cases:
    """Copies of one store, and what its content is called."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._first = Store(folder / "first")
        self._first.layout.root.mkdir(parents=True)
        self._first.make()
        new = self.copy("new")
        new.restore()
        self._names = {self._first.content(): "old", new.content(): "new"}

    def copy(self, name: str) -> Store:
        shutil.copytree(self._folder / "first", self._folder / name)
        return Store(self._folder / name)

    def name(self, store: Store) -> str:
        return self._names.get(store.content(), "neither")


def dying_create(cases: Cases) -> None:
    at, goes_on = 0, True
    while goes_on:
        at += 1
        store = cases.copy(str(at))
        goes_on = died(store.create, doomed=Death(at).install)
        found = {"at": at, "died": goes_on, "left": cases.name(store), "sound": store.sound_backups()}
        store.create()
        tell({**found, "again": store.sound_backups(), "leftovers": store.leftovers()})
        shutil.rmtree(store.layout.root)


def dying_restore(cases: Cases) -> None:
    at, goes_on = 0, True
    while goes_on:
        at += 1
        store = cases.copy(str(at))
        goes_on = died(store.restore, doomed=Death(at).install)
        closed = store.is_closed()
        found = {"at": at, "died": goes_on, "closed": closed, "left": "" if closed else cases.name(store)}
        store.finish()
        found |= {"finished": cases.name(store), "backups": store.sound_backups()}
        store.create()
        tell({**found, "leftovers": store.leftovers(), "open": store.is_closed()})
        shutil.rmtree(store.layout.root)


def dying_finish(cases: Cases, first: int) -> None:
    at, goes_on = 0, True
    while goes_on:
        at += 1
        store = cases.copy(str(at))
        died(store.restore, doomed=Death(first).install)
        goes_on = died(store.finish, doomed=Death(at).install)
        store.finish()
        tell({"at": at, "died": goes_on, "finished": cases.name(store), "leftovers": store.leftovers()})
        shutil.rmtree(store.layout.root)


def main() -> None:
    cases = Cases(Path(sys.argv[1]))
    if sys.argv[2] == "finish":
        dying_finish(cases, int(sys.argv[3]))
    else:
        {"create": dying_create, "restore": dying_restore}[sys.argv[2]](cases)


if __name__ == "__main__":
    main()
