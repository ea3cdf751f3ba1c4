"""A whole engine in memory, for tests of runs: plans by hand, handlers as functions, a manual clock."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nofx_cli.clock import Clock, ManualClock, format_at
from nofx_cli.domain.budget import Budget
from nofx_cli.domain.events import Actor, Draft, Event, Payload, RunCreated
from nofx_cli.domain.ids import Digest, JsonObject, RunId, StepName, digest_of_bytes, new_run_id
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.state import RunState
from nofx_cli.drivers.filesystem.artifacts import FileArtifacts
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.memory.archive import MemoryArchive
from nofx_cli.drivers.memory.ledger import MemoryLedger
from nofx_cli.drivers.memory.liveness import MemoryLiveness
from nofx_cli.drivers.memory.queue import MemoryQueue
from nofx_cli.drivers.memory.run_store import MemoryRunStore
from nofx_cli.drivers.memory.workers import MemoryWorkers
from nofx_cli.engine.enqueue import enqueue
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.services import Limits, Services
from nofx_cli.ports.handler import StepContext, StepHandler
from nofx_cli.ports.journal import RunStore
from nofx_cli.ports.liveness import Holder, Liveness
from nofx_cli.ports.models import Models
from nofx_cli.ports.workers import Registration
from nofx_cli.safety.masking import Masker
from nofx_cli.safety.processes import LocalProcesses
from nofx_cli.testing.models import ScriptedModels
from nofx_cli.worker.attempts import Changed, Inbox
from nofx_cli.worker.executor import Ending
from nofx_cli.worker.inline import execute
from nofx_cli.worker.observer import Silent, WorkerObserver
from nofx_cli.worker.process import WorkerProcess

Work = Callable[[StepContext], Outcome]
TEXT = "a plan by hand\n"
_LONG_MS = 3_600_000


@dataclass
class FunctionHandler:
    """A tool that is a function. `shown` is its preview; change it to make approvals stale."""

    work: Work
    rerun_safe: bool = True
    needs_approval: bool = False
    instant: bool = False
    shown: JsonObject = field(default_factory=dict)

    def match(self, tool: str) -> bool:
        return True

    def run(self, ctx: StepContext) -> Outcome:
        return self.work(ctx)

    def preview(self, ctx: StepContext) -> JsonObject:
        return dict(self.shown)


class PlainRenderer:
    """Templates are taken as they stand; an expression of `when` is the name of a step that must have succeeded."""

    def inputs(self, step: Step, state: RunState) -> JsonObject:
        return step.inputs

    def env(self, step: Step, state: RunState) -> dict[str, str]:
        return dict(step.env)

    def holds(self, expression: str, state: RunState, step: StepName) -> bool:
        return state.steps[StepName(expression)].status == "succeeded"


class Rig:
    """Makes runs of hand-made plans and executes them in this process.

    Args:
        folder: an empty folder for files and the workspace.
        tools: what runs each tool; `echo`, which answers with its inputs, is always there.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tools: Mapping[str, StepHandler | Work] | None = None,
        clock: Clock | None = None,
        store: RunStore | None = None,
        liveness: Liveness | None = None,
    ) -> None:
        self.clock = clock or ManualClock()
        self.tools: dict[str, StepHandler] = {
            "echo": FunctionHandler(lambda ctx: Succeeded(dict(ctx.inputs)), instant=True)
        }
        for name, tool in (tools or {}).items():
            self.tools[name] = FunctionHandler(tool) if callable(tool) else tool
        self.plans: dict[str, Plan] = {}
        masker = Masker([])
        self.archive = MemoryArchive(masker)
        self.models: Models = ScriptedModels()
        workspace = folder / "workspace"
        workspace.mkdir(parents=True, exist_ok=True)
        store = store or MemoryRunStore()
        self.ledger = MemoryLedger(store)
        self.services = Services(
            store=store,
            artifacts=FileArtifacts(Layout(folder / "store", sync=False)),
            liveness=liveness or MemoryLiveness(Holder(1, "here", "boot", "now")),
            queue=MemoryQueue(self.clock),
            workers=MemoryWorkers(self.clock),
            handlers=self,
            processes=LocalProcesses(masker, self.clock),
            clock=self.clock,
            load_plan=lambda text, _source: self.plans[text],
            renderer_for=lambda _plan, _params, _run: PlainRenderer(),
            mask=masker.data,
            mask_text=masker.text,
            actor=Actor("user", "tester"),
            workspace=workspace.resolve(),
            store_folder=folder / "store",
            environ={"PATH": "/usr/bin:/bin"},
            archive=lambda: self.archive,
            models=lambda: self.models,
            ledger=lambda: self.ledger,
            limits=Limits(grace_ms=200),
        )

    def find(self, tool: str) -> StepHandler | None:
        return self.tools.get(tool)

    def patterns(self) -> tuple[str, ...]:
        return tuple(self.tools)

    def create(self, *steps: Step, concurrency: int = 4, priority: int = 0, budget: Budget = Budget()) -> OpenRun:
        """Make a run of these steps; it has not begun."""
        text = f"{TEXT}{len(self.plans)}"
        digest = Digest(digest_of_bytes(text.encode()))
        plan = Plan(steps=steps, digest=digest, concurrency=concurrency, budget=budget)
        self.plans[text] = plan
        at = format_at(self.clock.now_us())
        run = new_run_id(at=at, randomness=len(self.plans))
        created = RunCreated(plan_digest=plan.digest, plan_name="by hand", steps=len(steps), priority=priority)
        events = self.services.store.create(run, text, [Draft(created)], at=at, actor=self.services.actor)
        return OpenRun(self.services, run, plan, events)

    def execute(self, opened: OpenRun, *, rerun_interrupted: bool = False) -> Ending:
        """Execute a run until it ends or waits."""
        return execute(opened, observer=Silent(), rerun_interrupted=rerun_interrupted)

    def enqueue(self, *steps: Step, concurrency: int = 4, priority: int = 0) -> OpenRun:
        """Make a run of these steps and leave it to the workers."""
        opened = self.create(*steps, concurrency=concurrency, priority=priority)
        enqueue(opened)
        return opened

    def worker(
        self,
        *,
        concurrency: int = 4,
        drain: bool = True,
        inbox: Inbox | None = None,
        observer: WorkerObserver | None = None,
        registration: Registration | None = None,
    ) -> str:
        """Be a worker, in this thread, until the queue is empty or a signal in the inbox; returns the signal's name."""
        inbox = Inbox() if inbox is None else inbox
        with registration or self.services.workers.register(concurrency=concurrency) as me:
            bell = threading.Thread(target=_hear_the_bell, args=(me, inbox), name=f"bell of {me.id}")
            bell.start()
            services = replace(self.services, actor=Actor("worker", me.id))
            try:
                return WorkerProcess(
                    services, me, concurrency=concurrency, observer=observer or Silent(), inbox=inbox, drain=drain
                ).serve()
            finally:
                me.release()
                bell.join()

    def append(self, run: RunId, payload: Payload, step: str = "", attempt: int = 0, *, worker: str = "") -> Event:
        """Append an event by hand, as a worker where one is named."""
        store = self.services.store
        actor = Actor("worker", worker) if worker else self.services.actor
        draft = Draft(payload, StepName(step) if step else None, attempt or None)
        at = format_at(self.clock.now_us())
        return store.append(run, store.head(run).seq, [draft], at=at, actor=actor)[0]

    def reopen(self, run: RunId) -> OpenRun:
        """Open a run anew, as another process would."""
        return OpenRun.load(self.services, run)

    def events(self, run: RunId) -> Sequence[Event]:
        """All events of a run."""
        return list(self.services.store.read(run))

    def types(self, run: RunId) -> list[str]:
        """The types of all events, with the step's name behind those of steps: `step.started a`."""
        return [f"{e.type} {e.step}" if e.step else e.type for e in self.events(run)]


def _hear_the_bell(me: Registration, inbox: Inbox) -> None:
    while me.wait_for_ring(timeout_ms=_LONG_MS):
        inbox.put(Changed())
