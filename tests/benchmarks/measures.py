"""What is measured, one function a row of the table of goals."""

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import hook_measures
import model_measures
import queue_measures
import worker_measures
import worktree_measures
from timing import Bench, Figure, microseconds, milliseconds

from nofx_cli.clock import SystemClock, format_at, parse_at
from nofx_cli.domain.events import Actor, Draft, RunCreated, RunStarted, RunSucceeded, StepEnqueued
from nofx_cli.domain.ids import RunId, StepName, new_run_id
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore

RECORD = b"x" * 1023 + b"\n"  # about what a step of a chain appends
ACTOR = Actor("user", "bench")
BARE_RUN = """
import typer, pydantic, yaml, os, subprocess
subprocess.run(["true"], capture_output=True)
fd = os.open("bare.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
for _ in range(3):
    os.write(fd, b"x" * 500)
    os.fdatasync(fd)
"""


def version(bench: Bench) -> Iterator[Figure]:
    ours, theirs, ratio = bench.paired(
        lambda: bench.run([bench.nofx, "--version"]).wall,
        lambda: bench.run([bench.python, "-c", "import typer"]).wall,
    )
    yield Figure("nofx --version / import typer", milliseconds(ours), milliseconds(theirs), ratio, 1.3)


def one_step(bench: Bench) -> Iterator[Figure]:
    plan = bench.plan("one", ["{name: a, tool: shell, inputs: {command: ['true']}}"])
    ours, theirs, ratio = bench.paired(
        lambda: bench.run([bench.nofx, "run", plan]).wall, lambda: bench.run([bench.python, "-c", BARE_RUN]).wall
    )
    what = "run of one shell step / imports + spawn + 3 fdatasync"
    yield Figure(what, milliseconds(ours), milliseconds(theirs), ratio, 1.5)


def shell_chain(bench: Bench) -> Iterator[Figure]:
    def plan(count: int) -> str:
        return bench.plan(
            f"shell{count}", [f"{{name: s{n}, tool: shell, inputs: {{command: ['true']}}}}" for n in range(count)]
        )

    hundred, one = plan(100), plan(1)

    def step() -> float:
        return (bench.run([bench.nofx, "run", hundred]).wall - bench.run([bench.nofx, "run", one]).wall) / 99

    ours, theirs, ratio = bench.paired(step, lambda: _bare(bench, 100, spawn=True))
    yield Figure("step of a chain of 100 shell / spawn + append", microseconds(ours), microseconds(theirs), ratio, 2.0)


def noop_steps(bench: Bench) -> Iterator[Figure]:
    def plan(count: int, needs: str) -> str:
        name = f"noop{count}{'free' if needs else 'chain'}"
        return bench.plan(name, [f"{{name: s{n}, tool: 'test:echo'{needs}}}" for n in range(count)])

    one, chain, free = plan(1, ""), plan(1000, ""), plan(1000, ", needs: []")
    large, large_free = plan(10_000, ""), plan(10_000, ", needs: []")

    def step_of(path: str, count: int) -> Callable[[], float]:
        return lambda: (_run(bench, path) - _run(bench, one)) / (count - 1)

    ours, theirs, ratio = bench.paired(step_of(chain, 1000), lambda: _bare(bench, 1000, spawn=False))
    yield Figure("step of a chain of 1,000 no-ops / append", microseconds(ours), microseconds(theirs), ratio, 2.5)
    for what, path, count in (
        ("step of 1,000 independent / of the chain", free, 1000),
        ("step of a chain of 10,000 / of 1,000", large, 10_000),
        ("step of 10,000 independent / of the chain of 1,000", large_free, 10_000),
    ):
        ours, theirs, ratio = bench.paired(step_of(path, count), step_of(chain, 1000))
        yield Figure(what, microseconds(ours), microseconds(theirs), ratio, 1.3)


def listing(bench: Bench) -> Iterator[Figure]:
    few, many = bench.environment(), bench.environment()
    _fill_store(Path(few["NOFX_HOME"]), 10)
    _fill_store(Path(many["NOFX_HOME"]), 10_000)
    argv = [bench.nofx, "list", "-n", "20"]
    ours, theirs, ratio = bench.paired(lambda: bench.run(argv, many).wall, lambda: bench.run(argv, few).wall)
    yield Figure("nofx list -n 20 of 10,000 runs / of 10", milliseconds(ours), milliseconds(theirs), ratio, 1.5)


def follow(bench: Bench) -> Iterator[Figure]:
    environment = bench.environment()
    store, run = _new_run(Path(environment["NOFX_HOME"]))
    argv = [bench.nofx, "timeline", run, "--follow", "--json"]
    with subprocess.Popen(argv, cwd=bench.folder, env=environment, stdout=subprocess.PIPE) as reader:
        delays = sorted(_follow_delays(store, run, reader))
        reader.kill()
    for what, value, goal in (
        ("event appended -> line of timeline --follow, p50", delays[len(delays) // 2], 15),
        ("the same, p99", delays[int(len(delays) * 0.99)], 60),
    ):
        yield Figure(what, f"{value:.1f} ms", "", value, goal, "ms")


def memory(bench: Bench) -> Iterator[Figure]:
    one = bench.plan("mem1", ["{name: a, tool: shell, inputs: {command: ['true']}}"])
    thousand = bench.plan("mem1000", [f"{{name: s{n}, tool: 'test:echo'}}" for n in range(1000)])
    for what, plan, goal in (("peak memory of a run of one step", one, 60), ("of 1,000 steps", thousand, 90)):
        peak = statistics.median(bench.peak_mb([bench.nofx, "run", plan]) for _ in range(bench.pairs))
        yield Figure(what, f"{peak:.1f} MB", "", peak, goal, "MB")


def _run(bench: Bench, plan: str) -> float:
    return bench.run([bench.nofx, "run", plan]).wall


def _bare(bench: Bench, count: int, *, spawn: bool) -> float:
    """Seconds for one bare append with fdatasync, with one spawn of `true` before it where asked for."""
    fd = os.open(bench.folder / "bare.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        began = time.perf_counter()
        for _ in range(count):
            if spawn:
                subprocess.run(["true"], capture_output=True, check=True)
            os.write(fd, RECORD)
            os.fdatasync(fd)
        return (time.perf_counter() - began) / count
    finally:
        os.close(fd)


def _new_run(root: Path, *, ended: bool = False) -> tuple[FileRunStore, RunId]:
    store = FileRunStore(Layout(root, sync=not ended))
    at = format_at(SystemClock().now_us())
    run = new_run_id(at=at, randomness=int.from_bytes(os.urandom(4)))
    drafts = [Draft(RunCreated(plan_name="bench", steps=1)), Draft(RunStarted())]
    if ended:
        drafts.append(Draft(RunSucceeded(5, {"succeeded": 1})))
    store.create(run, "version: 1\nsteps: [{name: a, tool: 'test:echo'}]\n", drafts, at=at, actor=ACTOR)
    return store, run


def _fill_store(root: Path, count: int) -> None:
    for _ in range(count):
        _new_run(root, ended=True)


def _follow_delays(store: FileRunStore, run: RunId, reader: "subprocess.Popen[bytes]") -> list[float]:
    """Milliseconds from just before each append to the line at the reader's end."""
    assert reader.stdout is not None
    delays = []
    clock = SystemClock()
    for seq in range(2, 302):
        lines_before: Sequence[bytes] = [reader.stdout.readline() for _ in range(2)] if seq == 2 else []
        assert all(lines_before)
        time.sleep(0.005 + 0.02 * (seq % 7) / 7)
        at = format_at(clock.now_us())
        store.append(run, seq, [Draft(StepEnqueued(), StepName("a"))], at=at, actor=ACTOR)
        event = json.loads(reader.stdout.readline())
        assert event["seq"] == seq + 1
        delays.append((clock.now_us() - parse_at(at)) / 1000)
    return delays


ALL: Mapping[str, Callable[[Bench], Iterator[Figure]]] = {
    "version": version,
    "one-step": one_step,
    "shell-chain": shell_chain,
    "noop": noop_steps,
    "list": listing,
    "follow": follow,
    "memory": memory,
    "queue-depth": queue_measures.queue_depth,
    "worker-latency": worker_measures.latency,
    "worker-throughput": worker_measures.throughput,
    "worker-idle": worker_measures.idle,
    "worker-memory": worker_measures.memory,
    "model-overhead": model_measures.overhead,
    "snapshot": worktree_measures.snapshot,
    "hook": hook_measures.commit,
}
