"""A run to look at: its events, its state and its plan, also where the plan can no longer be used to execute it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import GENESIS, Head
from nofx_cli.domain.ids import Digest, RunId, StepName, digest_of_bytes
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.record import record
from nofx_cli.domain.state import RunState, RunStatus, fold
from nofx_cli.engine.place import settle
from nofx_cli.engine.queued_runs import QueuedRuns
from nofx_cli.engine.services import Services
from nofx_cli.ports.liveness import Holder

if TYPE_CHECKING:
    from nofx_cli.domain.spending import Bill


@record
class RunView:
    """A run as it was when it was read.

    `plan_fault` is why its plan cannot be read; `plan` then has only the steps that the events tell of, without needs.
    `holder` is the process that executes the run now; `queued` says that there is none, and a job of it waits.
    """

    run: RunId
    events: Sequence[ev.Event]
    plan: Plan
    state: RunState
    head: Head
    holder: Holder | None
    queued: bool = False
    plan_fault: str = ""

    @property
    def interrupted(self) -> bool:
        """Whether the journal says that the run goes on, and no process executes it or is about to."""
        return self.state.status is RunStatus.RUNNING and self.holder is None and not self.queued

    @property
    def rolled_back(self) -> ev.Event | None:
        """The last time that it was set back."""
        return next((event for event in reversed(self.events) if type(event.payload) is ev.RunRolledBack), None)

    @property
    def counting(self) -> Sequence[ev.Event]:
        """The events that the state rests on: all, but for those that a rollback left out."""
        if self.rolled_back is None:
            return self.events
        from nofx_cli.domain.rollback import counting

        return counting(self.events)


def view_run(services: Services, run: RunId) -> RunView:
    """Read a run.

    Raises:
        errors.NotFound: there is no such run.
        errors.StoreFailure: its journal is damaged.
    """
    events = list(services.store.read(run))
    plan, fault = _plan(services, run, events)
    state = fold(plan, events)
    state.run = run
    settle(services.store, run, state)
    head = Head(events[-1].seq, digest_of_bytes(events[-1].line)) if events else Head(0, GENESIS)
    holder = services.liveness.holder(run)
    queued = not state.ended and holder is None and run in QueuedRuns(services)
    return RunView(run, events, plan, state, head, holder, queued, fault)


def bills_of(view: RunView) -> "Mapping[str, Bill]":
    """What each step's calls to models come to; empty where the run asked none."""
    told = [event for event in view.events if isinstance(event.payload, ev.LlmRequested | ev.LlmResponded)]
    if not told:
        return {}
    from nofx_cli.domain.spending import bills_by, charges_of

    return bills_by(charges_of(told), lambda charge: charge.step)


def _plan(services: Services, run: RunId, events: Sequence[ev.Event]) -> tuple[Plan, str]:
    try:
        text = services.store.plan_text(run)
        return services.load_plan(text, f"the plan of run {run}"), ""
    except (errors.InvalidInput, errors.NotFound, UnicodeDecodeError) as exc:
        return plan_of_events(events), str(exc)


def plan_of_events(events: Sequence[ev.Event]) -> Plan:
    """A plan of the steps that events tell of, in that order, each with its tool where it was started."""
    tools: dict[StepName, str] = {}
    goal, digest = "", ev.RunCreated().plan_digest
    for event in events:
        if isinstance(event.payload, ev.RunCreated):
            goal, digest = event.payload.goal, event.payload.plan_digest
        if event.step is not None:
            started = event.payload.tool if isinstance(event.payload, ev.StepStarted) else ""
            tools[event.step] = started or tools.get(event.step, "")
    steps = tuple(Step(name, tool) for name, tool in tools.items())
    return Plan(steps=steps, digest=Digest(digest), goal=goal)


def headless_state() -> RunState:
    """A state that takes in only what concerns the run as a whole: its status, its failure, when it began and ended."""
    return RunState(plan_of_events(()))


def find_step(view: RunView, name: str) -> StepName:
    """The step that a person means.

    Raises:
        errors.NotFound: the run has no such step (code `step-not-found`); the hint names those that it has.
    """
    if name in view.state.steps:
        return StepName(name)
    from difflib import get_close_matches

    close = get_close_matches(name, view.state.steps, n=1)
    hint = f"did you mean {close[0]}?" if close else f"nofx show {view.run}"
    raise errors.NotFound(f"run {view.run} has no step {name!r}", code="step-not-found", hint=hint)


@record
class Origin:
    """A run that another one was made from. `there` says that its journal can still be read."""

    kind: str
    run: RunId
    there: bool


def origins(services: Services, created: ev.RunCreated | None, *, limit: int = 50) -> list[Origin]:
    """What a run was made from, what that one was made from, and so on back to a run made anew."""
    chain: list[Origin] = []
    while created is not None and len(chain) < limit:
        kind, run = created.origin.get("kind"), created.origin.get("run")
        if not isinstance(run, str) or not run or any(run == origin.run for origin in chain):
            break
        created = _created(services, RunId(run))
        chain.append(Origin(str(kind), RunId(run), created is not None))
    return chain


def _created(services: Services, run: RunId) -> ev.RunCreated | None:
    try:
        summary = services.store.summary(run)
    except (errors.NotFound, errors.StoreFailure, ValueError):
        return None
    return summary.first.payload if summary and isinstance(summary.first.payload, ev.RunCreated) else None
