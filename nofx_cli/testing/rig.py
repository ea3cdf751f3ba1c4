"""A whole engine in memory, for tests of runs: plans by hand, handlers as functions, a manual clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nofx_cli.clock import Clock, ManualClock, format_at
from nofx_cli.domain.events import Actor, Draft, Event, RunCreated
from nofx_cli.domain.ids import Digest, JsonObject, RunId, StepName, digest_of_bytes, new_run_id
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.state import RunState
from nofx_cli.drivers.filesystem.artifacts import FileArtifacts
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.memory.liveness import MemoryLiveness
from nofx_cli.drivers.memory.run_store import MemoryRunStore
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.services import Limits, Services
from nofx_cli.ports.handler import StepContext, StepHandler
from nofx_cli.ports.journal import RunStore
from nofx_cli.ports.liveness import Holder, Liveness
from nofx_cli.safety.masking import Masker
from nofx_cli.safety.processes import LocalProcesses
from nofx_cli.worker.executor import Ending
from nofx_cli.worker.inline import execute
from nofx_cli.worker.observer import Silent

Work = Callable[[StepContext], Outcome]
TEXT = "a plan by hand\n"


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
        workspace = folder / "workspace"
        workspace.mkdir(parents=True, exist_ok=True)
        self.services = Services(
            store=store or MemoryRunStore(),
            artifacts=FileArtifacts(Layout(folder / "store", sync=False)),
            liveness=liveness or MemoryLiveness(Holder(1, "here", "boot", "now")),
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
            limits=Limits(grace_ms=200),
        )

    def find(self, tool: str) -> StepHandler | None:
        return self.tools.get(tool)

    def patterns(self) -> tuple[str, ...]:
        return tuple(self.tools)

    def create(self, *steps: Step, concurrency: int = 4) -> OpenRun:
        """Make a run of these steps; it has not begun."""
        text = f"{TEXT}{len(self.plans)}"
        plan = Plan(steps=steps, digest=Digest(digest_of_bytes(text.encode())), concurrency=concurrency)
        self.plans[text] = plan
        at = format_at(self.clock.now_us())
        run = new_run_id(at=at, randomness=len(self.plans))
        created = RunCreated(plan_digest=plan.digest, plan_name="by hand", steps=len(steps))
        events = self.services.store.create(run, text, [Draft(created)], at=at, actor=self.services.actor)
        return OpenRun(self.services, run, plan, events)

    def execute(self, opened: OpenRun, *, rerun_interrupted: bool = False) -> Ending:
        """Execute a run until it ends or waits."""
        return execute(opened, observer=Silent(), rerun_interrupted=rerun_interrupted)

    def reopen(self, run: RunId) -> OpenRun:
        """Open a run anew, as another process would."""
        return OpenRun.load(self.services, run)

    def events(self, run: RunId) -> Sequence[Event]:
        """All events of a run."""
        return list(self.services.store.read(run))

    def types(self, run: RunId) -> list[str]:
        """The types of all events, with the step's name behind those of steps: `step.started a`."""
        return [f"{e.type} {e.step}" if e.step else e.type for e in self.events(run)]
