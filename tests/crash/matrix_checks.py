"""What must hold of a store when everything has died, was recovered and has come to its end."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from nofx_cli.domain import events as ev
from nofx_cli.domain.decide import decide
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.state import RunState, RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.verify_run import verify_run
from nofx_cli.safety import process_table
from nofx_cli.safety.process_table import Process
from nofx_cli.wiring.session import Session

WITHOUT_EFFECT, OUTSIDE = "manual:look", "effect:outside"


def faults_of_store(session: Session, *, effects: Path, killed: set[int]) -> Iterator[str]:
    """Everything that is not as it must be. `killed`: the processes of which a death may be on record."""
    runs = list(session.services.store.runs())
    lines = effects.read_text().splitlines() if effects.exists() else []
    for line, times in Counter(lines).items():
        if times > 1 or line.startswith("overlap"):
            yield f"{times} times in the effects: {line}"
    for run in runs:
        yield from (f"run {run}: {fault}" for fault in _faults_of_run(session, run, frozenset(lines), killed))
    yield from _faults_of_queue(session)
    for record in sorted((session.layout.root / "workers").glob("*.json")):
        yield f"{record.name} lies about"


def carriers(runs: Sequence[RunId]) -> list[Process]:
    """The living processes that steps of these runs have started."""
    table = process_table.read_table()
    marks = [frozenset({f"NOFX_RUN_ID={run}".encode()}) for run in runs]
    return [process for mark in marks for process in process_table.carriers(table, mark)]


def _faults_of_queue(session: Session) -> Iterator[str]:
    stats = session.services.queue.stats()
    if stats.depth or stats.claimed or stats.dead:
        yield f"the queue is not empty: {stats}"


def _faults_of_run(session: Session, run: RunId, effects: frozenset[str], killed: set[int]) -> Iterator[str]:
    services = session.services
    verified = verify_run(services, run)
    yield from (str(fault) for fault in verified.faults)
    if verified.torn_lines:
        yield f"{verified.torn_lines} torn lines are left"
    events = list(services.store.read(run))
    plan = services.load_plan(services.store.plan_text(run), "")
    ends = [event.seq for event in events if event.type in ev.TERMINAL_TYPES]
    if ends != [len(events)]:
        yield f"terminal events at {ends} of {len(events)}"
    state = RunState(plan)
    for event in events:
        yield from _faults_of_event(state, event)
        state.apply(event, at=event.at, actor=event.actor)
        if isinstance(event.payload, ev.WorkerLost) and event.payload.pid not in killed:
            yield f"{event.seq}: {event.payload.worker} was declared dead, and nobody had killed it"
    further = decide(state, events[-1].at, lambda *_: False)
    if further:
        yield f"more follows from how it ended: {further}"
    yield from _faults_of_attempts(events, cancelled=state.status is RunStatus.CANCELLED)
    yield from _faults_of_effects(plan, run, events, effects)
    yield from _faults_outside(plan, state, run, effects)


def _faults_of_event(state: RunState, event: ev.Event) -> Iterator[str]:
    """What is wrong with an event, in the state before it."""
    step = state.steps.get(event.step) if event.step is not None else None
    if step is None:
        return
    if isinstance(event.payload, ev.StepEnqueued | ev.StepStarted):
        needs = state.plan.step(step.name).needs
        open_needs = [need for need in needs if not state.steps[need].ended]
        if open_needs:
            yield f"{event.seq}: {event.type} {step.name} before {open_needs} had ended"
    if isinstance(event.payload, ev.StepStarted):
        if step.status is not StepStatus.QUEUED:
            yield f"{event.seq}: {step.name} was started while it was {step.status}"
        if event.attempt != step.attempt + 1:
            yield f"{event.seq}: attempt {event.attempt} of {step.name} came after attempt {step.attempt}"
        if state.counts[StepStatus.RUNNING] >= state.plan.concurrency:
            yield f"{event.seq}: {step.name} was started beyond the run's concurrency of {state.plan.concurrency}"
    elif _ends_attempt(event) and (step.status is not StepStatus.RUNNING or event.attempt != step.attempt):
        yield f"{event.seq}: {event.type} of {step.name}#{event.attempt}, but it was {step.status}#{step.attempt}"


def _ends_attempt(event: ev.Event) -> bool:
    match event.payload:
        case ev.StepFinished(error=error):
            return error is None or error.code != "rejected"  # that ends a wait, not an attempt
        case ev.StepRetryScheduled() | ev.StepInterrupted():
            return True
        case _:
            return False


def _faults_of_attempts(events: Sequence[ev.Event], *, cancelled: bool) -> Iterator[str]:
    started = Counter((event.step, event.attempt) for event in events if isinstance(event.payload, ev.StepStarted))
    ended = Counter((event.step, event.attempt) for event in events if _ends_attempt(event))
    for attempt in started | ended:
        whole = (started[attempt], ended[attempt])
        if whole != (1, 1) and not (cancelled and whole == (1, 0)):
            yield f"attempt {attempt}: {started[attempt]} starts, {ended[attempt]} ends"


def _faults_of_effects(plan: Plan, run: RunId, events: Sequence[ev.Event], effects: frozenset[str]) -> Iterator[str]:
    for event in events:
        if not _ends_attempt(event) or isinstance(event.payload, ev.StepInterrupted):
            continue
        assert event.step is not None
        line = f"{run} {event.step} {event.attempt}"
        if plan.step(event.step).tool != WITHOUT_EFFECT and line not in effects:
            yield f"{event.seq}: {event.type} of {event.step}#{event.attempt}, but it never had its effect"
    started = {f"{run} {event.step} {event.attempt}" for event in events if isinstance(event.payload, ev.StepStarted)}
    for line in sorted(line for line in effects - started if line.startswith(f"{run} ")):
        yield f"the effect {line!r} belongs to no start that is on record"


def _faults_outside(plan: Plan, state: RunState, run: RunId, effects: frozenset[str]) -> Iterator[str]:
    """Of an effect that is made once for a step, how often that was tried: `Counter` has told if it was made twice."""
    for step in plan.steps:
        made = f"outside {run} {step.name}" in effects
        found = state.steps[step.name]
        if step.tool != OUTSIDE:
            continue
        if made and not found.effects:
            yield f"{step.name} changed what is outside, and never said that it would"
        if found.status is StepStatus.SUCCEEDED and (not made or found.open_effects):
            yield f"{step.name} succeeded, and its change outside is not made, or not on record"


def waiting_steps(state: RunState) -> list[StepName]:
    """The steps that a person has to answer for."""
    return [
        step.name
        for step in state.in_status(StepStatus.WAITING)
        if step.approval is not None and step.approval.decision is None
    ]
