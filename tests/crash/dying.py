"""Runs nofx in forked children that die by SIGKILL at a chosen append, and then goes on with `nofx resume`.

A script of its own: the parent stays single-threaded, so that forking it is safe, and imports nofx once for all cases.
Usage: dying.py FOLDER PLAN, or dying.py FOLDER --seeds FIRST COUNT for random plans that die at a random point;
prints one JSON object for each case.
"""

import gc
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from nofx_cli.cli.app import app
from nofx_cli.drivers.filesystem import journal_file, layout, run_store
from nofx_cli.drivers.filesystem.journal_file import JournalFile
from nofx_cli.drivers.filesystem.layout import Layout

POINTS = ("before the write", "in the middle of the write", "before the sync", "after the sync", "after the append")

OF_CREATION = ("before the write", "after the append")
"""The points that the creation of a run has, too: it is a rename, not a write."""


class Death:
    """Counts appends (the creation of the run is the first) and dies at one of them."""

    def __init__(self, point: str, append: int) -> None:
        self.point, self.append, self.count = point, append, 0

    def at(self, point: str) -> None:
        if self.count == self.append and self.point == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        write_all, fdatasync, write, rename = layout.write_all, layout.fdatasync, JournalFile._write, Path.rename

        def dying_write_all(fd: int, data: bytes) -> None:
            if self.count == self.append and self.point == "in the middle of the write":
                write_all(fd, data[: len(data) * 2 // 3])
                self.at("in the middle of the write")
            write_all(fd, data)
            self.at("before the sync")

        def dying_sync(fd: int) -> None:
            fdatasync(fd)
            self.at("after the sync")

        def dying_write(journal: JournalFile, *args: object, **named: object) -> object:
            self.count += 1
            self.at("before the write")
            events = write(journal, *args, **named)  # type: ignore[arg-type]
            self.at("after the append")
            return events

        def dying_rename(path: Path, target: Path) -> Path:
            self.count += 1
            self.at("before the write")
            renamed = rename(path, target)
            self.at("after the append")
            return renamed

        journal_file.write_all = dying_write_all  # type: ignore[attr-defined]
        journal_file.fdatasync = dying_sync  # type: ignore[attr-defined]
        JournalFile._write = dying_write  # type: ignore[method-assign,assignment]
        Path.rename = dying_rename  # type: ignore[method-assign,assignment]


def in_child(work: Callable[[], None], log: Path) -> int:
    """Run in a forked child; its exit code, or minus the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        out = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        code = 70
        try:
            work()
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else 1
        finally:
            sys.stdout.flush()
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def die(folder: Path, plan: str, point: str, append: int) -> None:
    os.chdir(folder)
    os.environ.update(NOFX_HOME=str(folder / "store"), EFFECTS=str(folder / "effects"), NOFX_SYNC="on")
    Death(point, append).install()
    app(["run", plan])


def go_on(folder: Path, *args: str) -> None:
    os.chdir(folder)
    os.environ.update(NOFX_HOME=str(folder / "store"), EFFECTS=str(folder / "effects"))
    app(list(args))


def import_what_it_takes(folder: Path) -> None:
    """Import what children do, once for all: a run is rehearsed in one, which tells what it had imported in the end."""
    folder.mkdir(parents=True)
    plan, told = folder / "plan.yaml", folder / "modules"
    plan.write_text("steps:\n  - {name: a, tool: shell, inputs: {command: ':'}}\n  - {name: b, tool: 'test:echo'}\n")

    def rehearse() -> None:
        for words in (("run", str(plan)), ("resume", "latest"), ("verify", "latest")):
            with suppress(SystemExit):
                go_on(folder, *words)
        told.write_text("\n".join(name for name in sys.modules if name != "__main__"))

    in_child(rehearse, folder / "log")
    for name in told.read_text().split():
        import_module(name)
    gc.collect()
    gc.freeze()


def one_case(folder: Path, plan: str, point: str, append: int) -> dict[str, object]:
    folder.mkdir(parents=True)
    died = in_child(lambda: die(folder, plan, point, append), folder / "log")
    runs = list(run_store.FileRunStore(Layout(folder / "store")).runs())
    resumed = in_child(lambda: go_on(folder, "resume", "--rerun-interrupted"), folder / "log") if runs else None
    verified = in_child(lambda: go_on(folder, "verify", "latest"), folder / "log") if runs else None
    store = run_store.FileRunStore(Layout(folder / "store"))
    events = [(e.type, e.step, e.attempt) for e in store.read(runs[0])] if runs else []
    effects = (folder / "effects").read_text().splitlines() if (folder / "effects").exists() else []
    return {
        "point": point, "append": append, "died": died, "runs": len(runs), "resumed": resumed,
        "verified": verified, "events": events, "effects": effects, "log": (folder / "log").read_text(),
    }  # fmt: skip


def random_plan(chance: random.Random) -> str:
    """A plan of 2 to 8 steps with random needs; its shell steps leave a line each."""
    lines = ["version: 1", "policy: {env: {allow: [EFFECTS]}}", f"concurrency: {chance.randint(1, 4)}", "steps:"]
    for number in range(chance.randint(2, 8)):
        needs = sorted(chance.sample(range(number), chance.randint(0, min(number, 3))))
        named = ", ".join(f"s{need}" for need in needs)
        command = f'echo "$NOFX_RUN_ID s{number} $NOFX_ATTEMPT" >> "$EFFECTS"'
        work = f"tool: shell, inputs: {{command: '{command}'}}" if chance.random() < 0.6 else 'tool: "test:echo"'
        lines.append(f"  - {{name: s{number}, needs: [{named}], {work}}}")
    return "\n".join(lines) + "\n"


def random_case(folder: Path, seed: int) -> dict[str, object]:
    chance = random.Random(seed)
    plan = folder / f"{seed}.yaml"
    folder.mkdir(exist_ok=True)
    plan.write_text(random_plan(chance))
    point = chance.choice(POINTS)
    append = chance.randint(1 if point in OF_CREATION else 2, 8)
    return {"seed": seed, **one_case(folder / str(seed), str(plan), point, append)}


def main() -> None:
    folder, plan = Path(sys.argv[1]), sys.argv[2]
    os.environ.pop("CI", None)
    import_what_it_takes(folder / "rehearsal")
    if plan == "--seeds":
        first, count = int(sys.argv[3]), int(sys.argv[4])
        for seed in range(first, first + count):
            print(json.dumps(random_case(folder, seed)), flush=True)
        return
    for number, point in enumerate(POINTS):
        append = 0 if point in OF_CREATION else 1
        while True:
            append += 1
            case = one_case(folder / f"{number}-{append}", plan, point, append)
            if case["died"] == 0:
                break  # the run has fewer appends
            print(json.dumps(case), flush=True)
            if case["died"] != -signal.SIGKILL:
                break  # it failed before it could die; the test tells


if __name__ == "__main__":
    main()
