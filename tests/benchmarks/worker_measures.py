"""What is measured of workers and the queue they live on."""

import os
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from timing import Bench, Figure

from nofx_cli.clock import parse_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from nofx_cli.engine.create_run import NewRun, create_run
from nofx_cli.engine.enqueue import enqueue
from nofx_cli.wiring.session import Session, open_session

PLAN = 'version: 1\nsteps:\n  - {name: a, tool: "test:echo", inputs: {x: 1}}\n'
RUNS = 200
LATENCIES = 300
IDLE_SECONDS = 60


def latency(bench: Bench) -> Iterator[Figure]:
    """From just before the job is put to the instant of `step.started`, of an idle worker."""
    environment = bench.environment()
    session = _session(environment)
    with _workers(bench, environment, session, 1):
        delays = sorted(_delay_ms(session, number) for number in range(LATENCIES))
    for what, value, goal in (
        ("idle worker: enqueue -> step.started, p50", delays[len(delays) // 2], 5),
        ("the same, p99", delays[int(len(delays) * 0.99)], 25),
    ):
        yield Figure(what, f"{value:.1f} ms", "", value, goal, "ms")


def throughput(bench: Bench) -> Iterator[Figure]:
    """Runs of one no-op step that are queued before the workers may take them."""

    def seconds(count: int) -> float:
        environment = bench.environment()
        session = _session(environment)
        session.services.queue.pause()
        runs = [_queued(session) for _ in range(RUNS)]
        with _workers(bench, environment, session, count):
            began_us = session.services.clock.now_us()
            session.services.queue.resume()
            session.services.workers.ring()
            _await_ended(session, runs)
        return (max(_ended_us(session, run) for run in runs) - began_us) / 1e6

    one, two, ratio = bench.paired(lambda: seconds(1), lambda: seconds(2))
    rate, both = RUNS / one, RUNS / two
    yield Figure("200 queued runs of one no-op, one worker: ms a run", f"{rate:.0f}/s", "", 1000 / rate, 2.5, "ms")
    yield Figure("the same with two workers / with one", f"{both:.0f}/s", f"{rate:.0f}/s", 1 / ratio, 1 / 1.5)


def idle(bench: Bench) -> Iterator[Figure]:
    environment = bench.environment()
    session = _session(environment)
    for _ in range(100):
        _queued(session)
    with _workers(bench, environment, session, 1) as [worker]:
        _await_ended(session, list(session.services.store.runs()))
        time.sleep(5)
        before = _cpu_seconds(worker.pid)
        time.sleep(IDLE_SECONDS)
        share = (_cpu_seconds(worker.pid) - before) / IDLE_SECONDS * 100
    yield Figure(f"idle worker: CPU over {IDLE_SECONDS} s, of a core", f"{share:.2f} %", "", share, 0.2, "%")


def memory(bench: Bench) -> Iterator[Figure]:
    def peak_mb(count: int) -> float:
        environment = bench.environment()
        session = _session(environment)
        for _ in range(count):
            _queued(session)
        return bench.peak_mb([bench.nofx, "worker", "--drain", "--quiet"], environment)

    few = statistics.median(peak_mb(RUNS) for _ in range(3))
    many = peak_mb(2_000)
    yield Figure("worker's peak memory over 2,000 runs", f"{many:.1f} MB", "", many, 80, "MB")
    yield Figure("the same / over 200 runs", f"{many:.1f} MB", f"{few:.1f} MB", many / few, 1.15)


def _session(environment: Mapping[str, str]) -> Session:
    folder = Path(environment["NOFX_HOME"]).parent
    return open_session(folder=folder, environ=environment)


def _queued(session: Session) -> RunId:
    plan = session.services.load_plan(PLAN, "bench")
    opened = create_run(session.services, NewRun(plan, PLAN, "bench", {}, {}), keys=session.keys)
    enqueue(opened)
    session.services.store.forget(opened.run)
    return opened.run


def _delay_ms(session: Session, number: int) -> float:
    services = session.services
    plan = services.load_plan(PLAN, "bench")
    opened = create_run(services, NewRun(plan, PLAN, "bench", {}, {}), keys=session.keys)
    time.sleep(0.01 + 0.02 * (number % 7) / 7)
    began_us = services.clock.now_us()
    enqueue(opened)
    _await_ended(session, [opened.run])
    started = next(event for event in services.store.read(opened.run) if isinstance(event.payload, ev.StepStarted))
    services.store.forget(opened.run)
    return (parse_at(started.at) - began_us) / 1000


def _await_ended(session: Session, runs: list[RunId]) -> None:
    for run in reversed(runs):
        while _ended_us(session, run) == 0:
            time.sleep(0.01)


def _ended_us(session: Session, run: RunId) -> int:
    summary = session.services.store.summary(run)
    ended = summary is not None and summary.last.type in ev.TERMINAL_TYPES
    return parse_at(summary.last.at) if summary and ended else 0


@contextmanager
def _workers(
    bench: Bench, environment: Mapping[str, str], session: Session, count: int
) -> "Iterator[list[subprocess.Popen[bytes]]]":
    """Worker processes that are ready, ended afterwards."""
    started = [
        subprocess.Popen(
            [bench.nofx, "worker", "--quiet"], cwd=bench.folder, env=dict(environment), stderr=subprocess.DEVNULL
        )
        for _ in range(count)
    ]
    try:
        while len(session.services.workers.seen()) < count:
            time.sleep(0.01)
        time.sleep(0.5)
        yield started
    finally:
        for worker in started:
            worker.send_signal(signal.SIGTERM)
        for worker in started:
            worker.wait()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
