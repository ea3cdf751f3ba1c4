"""What happens in a case of the crash matrix, all of it drawn from one number: plans, workers, and how they end."""

import random
from dataclasses import dataclass, field

from tests.crash.matrix_faults import (
    CLAIM,
    CREATION,
    EFFECT,
    ENQUEUE,
    HANDLER,
    LOOK,
    POINTS,
    RECOVERY,
    REPAIR,
    RESULT,
    WORKER,
)

ANY_TIME, TERM, TERM_TWICE, PAUSE = "any time", "TERM at any time", "TERM twice at any time", "stopped for a while"
KINDS = (*POINTS, ANY_TIME, ANY_TIME, TERM, TERM_TWICE, PAUSE)
"""What a case is about; the seeds go through them in turn."""

_SIGNALS = {ANY_TIME: ("KILL",), TERM: ("TERM",), TERM_TWICE: ("TERM", "TERM"), PAUSE: ("STOP", "CONT")}
_LATEST_MS = 60
_ONCE = {*REPAIR, *RECOVERY, *LOOK, *WORKER, "creation: plan written, no journal"}
_LEAVES_STEPS = ("claim: appended, handler not started", "handler: before its effect", "handler: after its effect")
_LEAVES_EFFECTS = tuple(EFFECT)[:2]
_LEAVES_JOBS = ("claim: job claimed, run not held", "claim: run held, nothing appended")
_LEAVES_TORN = "journal: in the middle of the write"
_IN_WORKERS = tuple(point for point in POINTS if point not in {*CREATION, *ENQUEUE, *REPAIR, *RECOVERY, *LOOK})
_AFFORDS_LOSS = {ANY_TIME, TERM, TERM_TWICE, PAUSE, *HANDLER, *CLAIM, *RESULT}
"""The kinds of case that come to their point, too, where a run is cancelled."""
_DELETIONS = (
    ("queue", "index", "workers"), ("queue",), ("workers",), ("index",), ("queue/log.jsonl",), ("queue/lock",),
)  # fmt: skip


@dataclass(frozen=True)
class Blow:
    """What a process gets: death at a point, or signals, `after_ms` after its start and after each other."""

    point: str = ""
    passing: int = 1
    signals: tuple[str, ...] = ()
    after_ms: float = 0

    def __str__(self) -> str:
        if self.point:
            return f"dies at {self.point!r}, passing {self.passing}"
        return f"gets {', then '.join(self.signals)} after {self.after_ms:.0f} ms"


@dataclass(frozen=True)
class WorkerSpec:
    concurrency: int
    blow: Blow | None = None

    def __str__(self) -> str:
        return f"{self.concurrency} at a time" + (f", {self.blow}" if self.blow else "")


@dataclass(frozen=True)
class Phase:
    """Workers at the same time.

    Attributes:
        stay: those without a blow stay until everything has ended or waits, instead of draining the queue; a person
            answers meanwhile.
        deletions: what is taken from the store when they are all dead.
        torn_queue: how many bytes are then cut off the end of the queue's log.
    """

    workers: tuple[WorkerSpec, ...]
    stay: bool = False
    deletions: tuple[str, ...] = ()
    torn_queue: int = 0


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        enqueuer, person: what they get who enqueue the runs, and who give the first answers.
        cancel_after_ms: a run is cancelled that long after the start of the first workers.
        spare_lines: of the queue's log before it is written anew; None leaves what it is.
        cleaners: the workers that recover all, again and again.
    """

    seed: int
    kind: str
    plans: tuple[str, ...]
    phases: tuple[Phase, ...]
    enqueuer: Blow | None = None
    person: Blow | None = None
    cancel_after_ms: float | None = None
    spare_lines: int | None = None
    cleaners: tuple[WorkerSpec, ...] = field(default_factory=tuple)

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {self.kind}"]
        if self.enqueuer:
            lines.append(f"who enqueues {self.enqueuer}")
        if self.person:
            lines.append(f"who answers {self.person}")
        if self.cancel_after_ms is not None:
            lines.append(f"a run is cancelled after {self.cancel_after_ms:.0f} ms")
        if self.spare_lines is not None:
            lines.append(f"the queue's log is written anew after {self.spare_lines} lines")
        for number, phase in enumerate(self.phases, 1):
            workers = "; ".join(map(str, phase.workers))
            rest = " (stay)" * phase.stay + f" then without {phase.deletions}" * bool(phase.deletions)
            rest += f", {phase.torn_queue} bytes cut off the queue" * bool(phase.torn_queue)
            lines.append(f"phase {number}: {workers}{rest}")
        return "\n".join([*lines, *(f"plan {number}:\n{plan}" for number, plan in enumerate(self.plans, 1))])


def draw(seed: int) -> Case:
    """The case of a seed."""
    chance = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    plans = tuple(_plan(chance) for _ in range(chance.choices((1, 2, 3), (5, 3, 2))[0]))
    return Case(
        seed=seed,
        kind=kind,
        plans=plans,
        phases=tuple(_phases(chance, kind)),
        enqueuer=_of_enqueuer(chance, kind, runs=len(plans)),
        person=Blow(chance.choice(list(ENQUEUE))) if chance.random() < 0.1 else None,
        cancel_after_ms=chance.uniform(0, _LATEST_MS) if kind in _AFFORDS_LOSS and chance.random() < 0.15 else None,
        spare_lines=0 if "new log" in kind else chance.choice((None, None, 0, 3, 8)),
        cleaners=tuple(WorkerSpec(chance.randint(1, 4)) for _ in range(chance.choices((1, 2), (3, 1))[0])),
    )


def _of_enqueuer(chance: random.Random, kind: str, *, runs: int) -> Blow | None:
    if kind in CREATION or kind in ENQUEUE:
        return Blow(kind, chance.randint(1, runs))
    if chance.random() < 0.05:
        return Blow(chance.choice([*CREATION, *ENQUEUE]), chance.randint(1, runs))
    return Blow(signals=("KILL",), after_ms=chance.uniform(0, 20)) if chance.random() < 0.05 else None


def _phases(chance: random.Random, kind: str) -> list[Phase]:
    blow = _blow(chance, kind)
    if kind in REPAIR:
        return [_phase(chance, Blow(_LEAVES_TORN, chance.randint(2, 4))), _phase(chance, blow, alone=True)]
    if kind in LOOK:
        before = Blow(chance.choice(_LEAVES_EFFECTS), 1)
        return [_phase(chance, before, alone=True), _phase(chance, blow, alone=True)]
    if kind in RECOVERY:
        leaves = _LEAVES_JOBS if "jobs" in kind else _LEAVES_STEPS
        before = Blow(chance.choice(leaves), chance.choice((1, 1, 2)))
        return [_phase(chance, before, alone=chance.random() < 0.7), _phase(chance, blow, alone=True)]
    phases = [_phase(chance, blow)]
    if chance.random() < 0.35:
        phases.append(_phase(chance, _some_blow(chance)))
    return phases


def _phase(chance: random.Random, blow: Blow | None, *, alone: bool = False) -> Phase:
    others = 0 if alone else chance.choices((0, 1, 2), (2, 5, 3))[0]
    blows = [blow, *(_some_blow(chance) if chance.random() < 0.35 else None for _ in range(others))]
    torn = chance.random() < 0.1
    return Phase(
        workers=tuple(WorkerSpec(chance.randint(1, 4), each) for each in blows),
        stay=chance.random() < 0.35,
        deletions=chance.choice(_DELETIONS) if chance.random() < 0.2 else (),
        torn_queue=chance.randint(1, 80) if torn else 0,
    )


def _blow(chance: random.Random, kind: str) -> Blow | None:
    if kind in CREATION or kind in ENQUEUE:
        return _some_blow(chance) if chance.random() < 0.3 else None
    if kind in POINTS:
        return Blow(kind, 1 if kind in _ONCE else chance.choice((1, 1, 1, 2, 2, 3, 5)))
    return _at_any_time(chance, kind)


def _some_blow(chance: random.Random) -> Blow:
    if chance.random() < 0.6:
        return Blow(chance.choice(_IN_WORKERS), chance.randint(1, 8))
    return _at_any_time(chance, chance.choices(list(_SIGNALS), (6, 2, 2, 1))[0])


def _at_any_time(chance: random.Random, kind: str) -> Blow:
    return Blow(signals=_SIGNALS[kind], after_ms=chance.uniform(0, _LATEST_MS))


def _plan(chance: random.Random) -> str:
    """A plan whose steps leave a line each; see `matrix_handlers` for what the tools do."""
    size = chance.choices((chance.randint(1, 8), chance.randint(9, 15), chance.randint(16, 30)), (14, 4, 2))[0]
    lines = ["version: 1", "policy: {env: {allow: [EFFECTS, LOCKS]}}", f"concurrency: {chance.randint(1, 4)}", "steps:"]
    shells = chance.randint(1, 2) if chance.random() < 0.3 else 0
    with_shell = set(chance.sample(range(size), min(shells, size)))
    lines += [f"  - {{{_step(chance, number, shell=number in with_shell)}}}" for number in range(size)]
    return "\n".join(lines) + "\n"


def _step(chance: random.Random, number: int, *, shell: bool) -> str:
    needs = ", ".join(f"s{need}" for need in sorted(chance.sample(range(number), chance.randint(0, min(number, 3)))))
    words = [f"name: s{number}", f"needs: [{needs}]", *(_shell(chance) if shell else _tool(chance))]
    if chance.random() < 0.1:
        words.append(f"when: {chance.choice(['always', 'failure'])}")
    if chance.random() < 0.08:
        words.append("continue_on_error: true")
    if chance.random() < 0.06:
        words.append("approval: true")
    return ", ".join(words)


def _tool(chance: random.Random) -> list[str]:
    if chance.random() < 0.05:
        return ['tool: "manual:look"']
    tool = chance.choices(("threaded", "instant", "unsafe", "outside"), (6, 4, 1, 4))[0]
    fails = chance.choices((0, 1, 2, 99), (12, 2, 1, 1))[0]
    backoff = ", ".join(chance.choice(("0s", "0s", "5ms", "20ms")) for _ in range(2))
    pause = chance.choice((0, 0, 0, 3, 15)) if tool != "instant" else 0
    words = [f"tool: 'effect:{tool}'", f"inputs: {{fails: {fails}, pause_ms: {pause}}}"]
    return [*words, f"retry: {{max_attempts: 3, backoff: [{backoff}]}}"] if fails else words


def _shell(chance: random.Random) -> list[str]:
    """A step that holds a lock, with all that it starts, so that a second execution meets what the first one left."""
    command = [
        'exec 9>>"$LOCKS/$NOFX_RUN_ID.$NOFX_STEP"',
        'flock -n 9 || echo "overlap $NOFX_RUN_ID $NOFX_STEP $NOFX_ATTEMPT" >> "$EFFECTS"',
        *(["(sleep 60 &)"] if chance.random() < 0.5 else []),
        *(["setsid -f sleep 60"] if chance.random() < 0.3 else []),
        'echo "$NOFX_RUN_ID $NOFX_STEP $NOFX_ATTEMPT" >> "$EFFECTS"',
        f"sleep 0.0{chance.randint(1, 5)}",
    ]
    words = ["tool: shell", f"inputs: {{command: '{'; '.join(command)}'}}"]
    return [*words, "retry_on_interrupt: true"] if chance.random() < 0.5 else words
