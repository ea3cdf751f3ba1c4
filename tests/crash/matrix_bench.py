"""One case of the crash matrix: its processes, its folder, and what is looked at in the end."""

import faulthandler
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import typer

from nofx_cli import errors
from nofx_cli.cli.app import app
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.queue import FileQueue
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.drivers.jobs import decisions
from nofx_cli.engine import going_on
from nofx_cli.engine.answer import Decision, answer
from nofx_cli.engine.create_run import NewRun, create_run
from nofx_cli.engine.enqueue import enqueue
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.wiring.session import open_session
from nofx_cli.worker import process
from tests.crash.matrix_cases import Blow, Case, Phase, WorkerSpec
from tests.crash.matrix_checks import carriers, faults_of_store, waiting_steps
from tests.crash.matrix_faults import Death

_PATIENCE_SECONDS = 30
_LAST_SECONDS = 5
_ROUNDS = 25
_SLOW_CASES = 50
"""One of so many has the real pauses."""


@cache
def command() -> Any:
    """The command line, put together once for all that are forked."""
    made: Any = typer.main.get_command(app)
    for name in ("worker", "cancel"):
        made.get_command(None, name)
    return made


class Failed(Exception):
    """A case did not come out as it must."""


@dataclass
class Child:
    """A forked process. `blow` is how it is to end."""

    pid: int
    blow: Blow | None
    started: float = field(default_factory=time.monotonic)
    code: int | None = None
    sent: int = 0
    told: bool = False

    def poll(self) -> bool:
        """Whether it has ended; its exit code, or minus the signal that ended it, is in `code` then."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def strike(self) -> None:
        """Send the signals that are due."""
        if self.blow is None or self.sent == len(self.blow.signals):
            return
        due_ms = self.blow.after_ms * (self.sent + 1)
        if (time.monotonic() - self.started) * 1000 >= due_ms:
            self.send(self.blow.signals[self.sent])
            self.sent += 1

    def send(self, name: str) -> None:
        if not self.poll():
            self.told = True
            os.kill(self.pid, signal.Signals[f"SIG{name}"])


class Bench:
    """The processes of one case, its folder, and what is checked in the end."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case, self.folder, self.store = case, folder, folder / "store"
        self._chance = random.Random(case.seed)
        self._children: list[Child] = []
        self._logs = 0
        for name in ("locks", "logs"):
            (folder / name).mkdir(parents=True)

    def play(self) -> None:
        """Play the case.

        Raises:
            Failed: it did not come out as it must.
        """
        try:
            self._wait([self._fork(self._put_runs, self.case.enqueuer, "enqueuer")])
            after_ms = self.case.cancel_after_ms
            canceller = None if after_ms is None else self._fork(self._cancel, None, "canceller")
            for phase in self.case.phases:
                self._play_phase(phase)
            self._wait([canceller] if canceller else [])
            self._finish()
            self._check()
        finally:
            for child in self._children:
                child.send("KILL")
                if child.code is None:
                    os.waitpid(child.pid, 0)
            for left in carriers(self._runs()):
                with suppress(ProcessLookupError):
                    os.kill(left.pid, signal.SIGKILL)

    # the processes

    def _put_runs(self) -> None:
        session = open_session()
        for number, text in enumerate(self.case.plans, 1):
            plan = session.services.load_plan(text, f"plan {number}")
            workspace = {"path": str(session.project), "mode": "in_place"}
            new = NewRun(plan=plan, text=text, name=f"plan {number}", params={}, workspace=dict(workspace))
            enqueue(create_run(session.services, new, keys=session.keys))

    def _answer(self) -> None:
        session = open_session()
        for run in self._open_runs():
            opened = OpenRun.load(session.services, run)
            for step in waiting_steps(opened.state):
                given: tuple[Decision, ...] = ("granted", "rejected", "waived")
                with suppress(errors.Conflict):  # it was cancelled in between
                    answer(opened, step, self._chance.choices(given, (15, 3, 1))[0])
            enqueue(opened)

    def _cancel(self) -> None:
        assert self.case.cancel_after_ms is not None
        time.sleep(self.case.cancel_after_ms / 1000)
        for run in self._open_runs()[:1]:
            try:
                command()(["cancel", run])
            except SystemExit as exc:
                if exc.code not in (0, errors.ExitCode.CONFLICT):
                    raise

    def _fork(self, work: Callable[[], object], blow: Blow | None, name: str) -> Child:
        self._chance.random()  # the children draw from here, each something else
        self._logs += 1
        log = self.folder / "logs" / f"{self._logs:02}-{name}"
        pid = os.fork()
        if not pid:
            self._become(work, blow, log)
        self._children.append(child := Child(pid, blow))
        return child

    def _become(self, work: Callable[[], object], blow: Blow | None, log: Path) -> None:
        code = 70
        try:
            out = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            os.dup2(out, 1)
            os.dup2(out, 2)
            self._prepare(blow)
            work()
            code = 0
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else 0 if exc.code is None else 1
        except BaseException:  # noqa: BLE001 - told in its log, and by its exit code
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _prepare(self, blow: Blow | None) -> None:
        faulthandler.register(signal.SIGUSR1, all_threads=True)
        os.environ.update(EFFECTS=str(self.folder / "effects"), LOCKS=str(self.folder / "locks"))
        os.environ["NOFX_HOME"] = str(self.store)
        os.environ["NOFX_SYNC"] = "on" if blow and blow.point == "journal: synced" else "off"
        if self.case.spare_lines is not None and FileQueue.__init__.__kwdefaults__:
            FileQueue.__init__.__kwdefaults__["spare_lines"] = self.case.spare_lines
        if self.case.seed % _SLOW_CASES:
            process._TICK_MS = 30
            going_on._YOUNG_US = 40_000
            decisions.RETRY_DELAYS_MS = (0, 10, 30, 60)  # type: ignore[attr-defined]
        if blow and blow.point:
            Death(blow.point, blow.passing, hits=self.folder / "hits").install()

    def _worker(self, spec: WorkerSpec, *, drain: bool) -> Child:
        words = ["worker", "--concurrency", str(spec.concurrency), *(["--drain"] if drain else [])]
        return self._fork(lambda: command()(words), spec.blow, "worker")

    # what happens

    def _play_phase(self, phase: Phase) -> None:
        stays = phase.stay and any(spec.blow is None for spec in phase.workers)
        workers = [self._worker(spec, drain=not stays or spec.blow is not None) for spec in phase.workers]
        if stays:
            self._let_work(workers)
            for worker in workers:
                worker.send("TERM")
        self._wait(workers)
        for name in phase.deletions:
            with suppress(FileNotFoundError):
                path = self.store / name
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        log = self.store / "queue" / "log.jsonl"
        if phase.torn_queue and log.exists():
            os.truncate(log, max(log.stat().st_size - phase.torn_queue, 0))

    def _let_work(self, workers: Sequence[Child]) -> None:
        """Let workers that stay do all there is; a person answers while they live."""
        answered = 0
        for _ in self._until("the workers that stayed did not do all there is"):
            for worker in workers:
                worker.strike()
            if _all_ended(workers):
                return
            if all(worker.poll() for worker in workers if worker.blow is not None) and self._nothing_goes_on():
                if not self._open_runs() or answered == 3:
                    return
                answered += 1
                self._wait([self._fork(self._answer, None, "person")])

    def _finish(self) -> None:
        """Let workers without a blow drain the queue, and a person answer, until every run has ended."""
        blow = self.case.person
        for _ in range(_ROUNDS):
            self._wait([self._worker(spec, drain=True) for spec in self.case.cleaners])
            if not self._open_runs():
                return
            if not self._nothing_goes_on():
                raise Failed(f"the queue was drained, and {self._open_runs()} have neither ended nor do they wait")
            self._wait([self._fork(self._answer, blow, "person")])
            blow = None
        raise Failed(f"{self._open_runs()} have not ended after {_ROUNDS} rounds")

    def _wait(self, children: Sequence[Child]) -> None:
        """Wait until they have ended, each as it was to."""
        for _ in self._until("a process hangs"):
            for child in children:
                child.strike()
            if _all_ended(children):
                break
        for child in children:
            allowed = {-signal.SIGKILL, -signal.SIGTERM} if child.blow else {-signal.SIGTERM} if child.told else set()
            if child.code and child.code not in allowed:
                raise Failed(f"process {child.pid} ended with {child.code}")

    def _until(self, why: str) -> Iterator[None]:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            yield
            time.sleep(0.001)
        for child in self._children:
            child.send("USR1")
        time.sleep(0.2)
        raise Failed(why)

    # what is seen

    def _runs(self) -> list[RunId]:
        return list(FileRunStore(Layout(self.store)).runs())

    def _open_runs(self) -> list[RunId]:
        store = FileRunStore(Layout(self.store))
        summaries = [summary for run in store.runs() if (summary := store.summary(run))]
        return [each.run for each in summaries if each.last_run_event.type not in ev.TERMINAL_TYPES]

    def _nothing_goes_on(self) -> bool:
        """Whether every run has ended or waits for a person."""
        store = FileRunStore(Layout(self.store))
        for run in self._open_runs():
            summary = store.summary(run)
            if summary is None or not isinstance(summary.last.payload, ev.RunWaiting):
                return False
        return True

    def _check(self) -> None:
        deadline = time.monotonic() + _LAST_SECONDS
        while left := carriers(self._runs()):
            if time.monotonic() > deadline:
                raise Failed(f"processes are left: {left}")
            time.sleep(0.01)
        killed = {child.pid for child in self._children if child.code == -signal.SIGKILL}
        session = open_session(store=str(self.store))
        faults = list(faults_of_store(session, effects=self.folder / "effects", killed=killed))
        if faults:
            raise Failed("\n".join(faults))

    def told(self) -> str:
        """All that there is to see of the case."""
        files = [*sorted((self.folder / "logs").iterdir()), *sorted(self.store.glob("runs/*/*/journal.jsonl"))]
        files += [self.folder / name for name in ("effects", "hits", "store/queue/log.jsonl")]
        shown = [
            f"--- {path.relative_to(self.folder)}\n{path.read_text('utf-8', 'replace')}"
            for path in files
            if path.exists()
        ]
        return "\n".join([str(self.case), *shown])


def _all_ended(children: Sequence[Child]) -> bool:
    """Whether all of them have; none is left unreaped that has."""
    return all([child.poll() for child in children])  # noqa: C419 - each of them is asked
