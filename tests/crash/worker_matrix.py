"""The crash matrix: worker processes that die at named points and random times, and others that go on with their runs.

A program of its own: its process stays single-threaded, so that forking it is safe, and imports nofx once for all.

    python -m tests.crash.worker_matrix FOLDER [--first SEED] [--count N] [--jobs N] [--progress]

prints a line now and then, or without --progress one JSON object: how many cases there were, how often each point was
hit, and the failures in words. The seed of a case tells all of it (`matrix_cases.draw`), but for what the scheduler
does. What all cases have in common is in `matrix_bench`.
"""

import argparse
import gc
import importlib
import json
import os
import pkgutil
import selectors
import shutil
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import nofx_cli
from nofx_cli.domain.plan import Plan
from nofx_cli.handlers.registry import Registry
from nofx_cli.planning import load
from nofx_cli.wiring import session
from nofx_cli.wiring.session import open_session
from tests.crash.matrix_bench import Bench, Failed, command
from tests.crash.matrix_cases import draw
from tests.crash.matrix_faults import POINTS

_PLUGIN = "from tests.crash.matrix_handlers import HANDLERS\n"


def play(seed: int, folder: Path) -> dict[str, object]:
    """Play the case of a seed; what was hit, and the failure in words, empty where there is none."""
    case = draw(seed)
    shutil.rmtree(folder / str(seed), ignore_errors=True)
    bench = Bench(case, folder / str(seed))
    failure = ""
    try:
        for text in case.plans:
            _read_plan(text)
        bench.play()
    except Failed as exc:
        replay = f"python -m tests.crash.worker_matrix FOLDER --first {seed} --count 1"
        failure = f"{exc}\n{bench.told()}\nplay it again: {replay}"
    hits = bench.folder / "hits"
    points = hits.read_text().splitlines() if hits.exists() else []
    if not failure:
        shutil.rmtree(bench.folder)
    return {"seed": seed, "hits": points, "failure": failure}


def _play_all(seeds: Sequence[int], folder: Path, *, out: int) -> None:
    """Play cases one after another; each is told by one line of JSON."""
    for seed in seeds:
        told = json.dumps(play(seed, folder)).encode() + b"\n"
        while told:
            told = told[os.write(out, told) :]


def _make_project(folder: Path) -> None:
    """Make a project with the tools of the matrix, for all cases, and go into it."""
    project = folder / "project"
    (project / "nofx_handlers").mkdir(parents=True, exist_ok=True)
    (project / "nofx.yaml").touch()
    (project / "nofx_handlers" / "effects.py").write_text(_PLUGIN)
    for name in [name for name in os.environ if name.startswith(("NOFX_", "BACKPRESSURE_")) or name == "CI"]:
        del os.environ[name]
    os.environ["NOFX_GRACE"] = "200ms"
    os.chdir(project)


def _load_everything() -> None:
    """Import all that a child may need, once; plans are read once, too, whoever needs them."""
    for module in pkgutil.walk_packages(nofx_cli.__path__, "nofx_cli."):
        if not module.name.startswith(("nofx_cli.testing", "nofx_cli.cli", "nofx_cli.__main__")):
            importlib.import_module(module.name)
    for name in ("nofx_cli.cli.commands.worker", "nofx_cli.cli.commands.cancel", "nofx_cli.cli.worker_log", "filelock"):
        importlib.import_module(name)
    session.load_plan = lambda text, **_named: _read_plan(text)  # type: ignore[attr-defined]
    command()
    open_session()  # what it makes on its way, such as regular expressions, is there for all that are forked
    gc.collect()
    gc.freeze()


@lru_cache(16)
def _read_plan(text: str) -> Plan:
    return load.load_plan(text, source="a plan", handlers=Registry(Path.cwd()))


def _fork_players(folder: Path, asked: argparse.Namespace) -> list[int]:
    """Start processes that play the cases; the ends of the pipes on which they tell of them."""
    every = asked.seeds or range(asked.first, asked.first + asked.count)
    ends = []
    jobs = asked.jobs or os.cpu_count() or 1
    for job in range(jobs):
        reading, writing = os.pipe()
        if not os.fork():
            code = 1
            try:
                _play_all(every[job::jobs], folder, out=writing)
                code = 0
            except BaseException:  # noqa: BLE001 - it must not go on as its parent
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        os.close(writing)
        ends.append(reading)
    return ends


def _results(ends: Sequence[int]) -> Iterator[dict[str, Any]]:
    """What the players tell, as it comes."""
    selector = selectors.DefaultSelector()
    for end in ends:
        selector.register(end, selectors.EVENT_READ, bytearray())
    while selector.get_map():
        for key, _ in selector.select():
            data = os.read(key.fd, 1 << 16)
            if not data:
                selector.unregister(key.fd)
            key.data.extend(data)
            *lines, rest = key.data.split(b"\n")
            key.data[:] = rest
            yield from map(json.loads, lines)
    for _ in ends:
        os.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="for the cases; those that fail stay there")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--count", type=int, default=100, help="how many cases")
    parser.add_argument("--seeds", type=int, nargs="+", help="instead of these: the seeds")
    parser.add_argument("--jobs", type=int, default=1, help="how many cases at a time; 0: as many as there are cores")
    parser.add_argument("--progress", action="store_true", help="tell how far it is, and of each failure at once")
    return parser.parse_args()


def main() -> int:
    asked = _arguments()
    folder: Path = asked.folder.resolve()
    count = len(asked.seeds) if asked.seeds else asked.count
    _make_project(folder)
    _load_everything()
    hits: Counter[str] = Counter()
    failures, played, began = [], 0, time.monotonic()
    for result in _results(_fork_players(folder, asked)):
        played += 1
        hits.update(result["hits"])
        if result["failure"]:
            failures.append(result["failure"])
        if asked.progress and (result["failure"] or not played % 100 or played == count):
            rate = played / (time.monotonic() - began)
            _say(f"{result['failure']}\n{played} of {count}, {len(failures)} failed, {rate:.1f} a second".lstrip())
    never = [point for point in POINTS if not hits[point]]
    if asked.progress:
        _say(f"{len(POINTS) - len(never)} of {len(POINTS)} points were hit; never: {', '.join(never) or 'none'}")
    else:
        _say(json.dumps({"played": played, "hits": hits, "failures": failures}))
    return int(bool(failures) or played != count)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a program


if __name__ == "__main__":
    sys.exit(main())
