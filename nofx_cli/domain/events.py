"""The events of a run: one typed payload for each type, and the envelope that carries it.

`docs/reference/events.md` is generated from the docstrings here. A payload's fields are its `data` in the
journal. Fields may be added with a default, never renamed or given another meaning. A reader that meets an
unknown type, or a payload it cannot read, keeps it as `Unknown` with all its data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Literal, TypeAlias

from nofx_cli.domain.ids import JsonObject, RunId, StepName
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.record import record

EVENT_VERSION = 1
ActorKind: TypeAlias = Literal["user", "worker", "system", "ci"]


@record
class Actor:
    """Who did it: a person, a worker process, nofx itself, or a CI job."""

    kind: ActorKind
    id: str


class SkipReason(StrEnum):
    """Why a step did not run."""

    NEED_FAILED = "need_failed"
    CONDITION = "condition"
    WAIVED = "waived"


class AskReason(StrEnum):
    """Why a person is asked."""

    APPROVAL = "approval"
    INTERRUPTED = "interrupted"
    ASKED = "asked"
    BUDGET = "budget"
    EFFECT = "effect"


@record
class Payload:
    """The root of all payloads. `type` is the event's type in the journal."""

    type: ClassVar[str] = ""


@record
class Unknown(Payload):
    """An event of a type, or with data, that this version does not know: kept and shown, never acted on."""

    name: str = ""
    data: JsonObject = field(default_factory=dict)


@record
class RunCreated(Payload):
    """A run was made from a plan. `origin` says what from: `{"kind": "new|rerun|replay", "run": …}`.

    `workspace` is `{"path", "mode", "commit", "dirty"}`; `params` are the values the plan was given;
    `plan_digest` is the SHA-256 of the plan file kept with the run; among queued runs, those of higher `priority`
    go first.
    """

    type: ClassVar[str] = "run.created"
    plan_digest: str = ""
    plan_name: str = ""
    goal: str = ""
    params: JsonObject = field(default_factory=dict)
    steps: int = 0
    workspace: JsonObject = field(default_factory=dict)
    origin: JsonObject = field(default_factory=dict)
    idempotency_key: str = ""
    nofx: str = ""
    priority: int = 0


@record
class RunStarted(Payload):
    """A process began to execute the run. `executor` is `{"pid", "host", "boot_id", "started"}`, and `worker`, the
    id of the worker, where it was one.
    """

    type: ClassVar[str] = "run.started"
    executor: JsonObject = field(default_factory=dict)


@record
class RunWaiting(Payload):
    """Nothing can go on before a person has decided on one of `steps`."""

    type: ClassVar[str] = "run.waiting"
    steps: tuple[str, ...] = ()


@record
class RunResumed(Payload):
    """The run goes on: after a wait, after the death of its process, or because it was retried."""

    type: ClassVar[str] = "run.resumed"
    reason: str = ""
    executor: JsonObject = field(default_factory=dict)


@record
class RunSucceeded(Payload):
    """Every step succeeded, was skipped by its condition, or failed without blocking."""

    type: ClassVar[str] = "run.succeeded"
    duration_ms: int = 0
    steps: Mapping[str, int] = field(default_factory=dict)


@record
class RunFailed(Payload):
    """The run ended with a failure that blocks.

    `step`, `attempt` and `error` tell of the first such failure, or of the first denial where there is one; `next` is
    what to type.
    """

    type: ClassVar[str] = "run.failed"
    step: str = ""
    attempt: int = 0
    error: StepError = StepError("", "")
    next: str = ""
    duration_ms: int = 0
    steps: Mapping[str, int] = field(default_factory=dict)


@record
class RunCancelled(Payload):
    """Somebody ended the run. Steps that had not ended are `cancelled`; nothing follows."""

    type: ClassVar[str] = "run.cancelled"
    reason: str = ""


@record
class RunRolledBack(Payload):
    """The run was set back to the state after event `to_seq`; `status` is that of the run afterwards.

    The events in between stay on record and count no more, but for what they spent, and for what was changed outside.
    """

    type: ClassVar[str] = "run.rolled_back"
    to_seq: int = 0
    reason: str = ""
    status: str = ""


@record
class StepEnqueued(Payload):
    """All that the step needs has ended and its condition holds: it is ready to run."""

    type: ClassVar[str] = "step.enqueued"


@record
class StepStarted(Payload):
    """The claim of an attempt: whoever appended it executes it, at most once.

    `rules` stands for what `nofx.yaml` said, and for the project's own handlers, when the run's steps began: while
    they run, those must stay as they are.
    """

    type: ClassVar[str] = "step.started"
    tool: str = ""
    idempotency_key: str = ""
    inputs_digest: str = ""
    worker: str = ""
    rules: str = ""


@record
class StepFinished(Payload):
    """The result of the last attempt. `status` is `succeeded` or `failed`; a failed step carries `error`."""

    type: ClassVar[str] = "step.finished"
    status: Literal["succeeded", "failed"] = "succeeded"
    outputs: JsonObject = field(default_factory=dict)
    error: StepError | None = None
    duration_ms: int = 0


@record
class StepSkipped(Payload):
    """The step does not run. `cause` is the step that failed, the condition, or who waived it."""

    type: ClassVar[str] = "step.skipped"
    reason: SkipReason = SkipReason.CONDITION
    cause: str = ""


@record
class StepRetryScheduled(Payload):
    """The attempt failed and the next one is due at `due_at`, `delay_ms` after its end."""

    type: ClassVar[str] = "step.retry_scheduled"
    error: StepError = StepError("", "")
    delay_ms: int = 0
    due_at: str = ""
    duration_ms: int = 0


@record
class StepInterrupted(Payload):
    """The process that executed the attempt was gone before it ended. `rerun` says that it may simply run again."""

    type: ClassVar[str] = "step.interrupted"
    reason: str = ""
    rerun: bool = False
    worker: str = ""


@record
class StepDeadLettered(Payload):
    """The step's job could not be delivered, again and again, and was put aside: `nofx dlq` shows it."""

    type: ClassVar[str] = "step.dead_lettered"
    reason: str = ""


@record
class StepReset(Payload):
    """The step is to be done again; its earlier attempts stay on record.

    In a repair, `repair` tells why: `{"gate", "attempt", "round", "of", "findings", "artifact"}`: the gate that failed
    and its attempt, the round (from 2) of how many, how many findings there were, and the artifact that has them.
    """

    type: ClassVar[str] = "step.reset"
    reason: str = ""
    repair: JsonObject = field(default_factory=dict)


@record
class ApprovalRequested(Payload):
    """A person is asked. `digest` is the SHA-256 of exactly what is shown, kept with the run at `path`."""

    type: ClassVar[str] = "approval.requested"
    digest: str = ""
    question: str = ""
    reason: AskReason = AskReason.APPROVAL
    path: str = ""


@record
class ApprovalGranted(Payload):
    """A person approved what has `digest`."""

    type: ClassVar[str] = "approval.granted"
    digest: str = ""
    note: str = ""


@record
class ApprovalRejected(Payload):
    """A person said no; the step fails with `rejected`."""

    type: ClassVar[str] = "approval.rejected"
    digest: str = ""
    note: str = ""


@record
class ApprovalWaived(Payload):
    """A person passed the step over: it does not run, and what needs it goes on. `note` says why."""

    type: ClassVar[str] = "approval.waived"
    digest: str = ""
    note: str = ""


@record
class ApprovalStale(Payload):
    """What would run differs from what was shown; the answer, if there was one, no longer counts."""

    type: ClassVar[str] = "approval.stale"
    shown: str = ""
    found: str = ""


@record
class EffectIntended(Payload):
    """A handler is about to change the outside world: `kind` is what it does, `target` what it does it to, `digest`
    the SHA-256 of what it writes there.
    """

    type: ClassVar[str] = "effect.intended"
    kind: str = ""
    target: str = ""
    digest: str = ""


@record
class EffectDone(Payload):
    """The change was made. `result` tells where it can be seen; `reconciled` that it was found out afterwards."""

    type: ClassVar[str] = "effect.done"
    kind: str = ""
    target: str = ""
    result: JsonObject = field(default_factory=dict)
    digest: str = ""
    reconciled: bool = False


@record
class EffectUnknown(Payload):
    """Nobody can tell whether a change that was intended was made: a person decides. `known` is what is known."""

    type: ClassVar[str] = "effect.unknown"
    kind: str = ""
    target: str = ""
    known: str = ""


@record
class GateEvaluated(Payload):
    """What a gate found, with the counts that it rests on and the digest of its report.

    `found` stands for what blocks: it is the same where a gate finds the same again.
    """

    type: ClassVar[str] = "gate.evaluated"
    gate: str = ""
    verdict: str = ""
    severity: str = ""
    summary: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    digest: str = ""
    found: str = ""


@record
class ArtifactCreated(Payload):
    """A file is kept with the run. `path` is below the run's folder; `size` is in bytes."""

    type: ClassVar[str] = "artifact.created"
    name: str = ""
    path: str = ""
    digest: str = ""
    size: int = 0
    media_type: str = ""


@record
class LlmRequested(Payload):
    """A model is about to be asked: one call. The request lies in the archive under `digest` once it was answered.

    `call` numbers the calls of the step's attempt, from 1. What the call can cost at most is reserved with this event:
    `reserved_usd` (empty where the price is not known) and `reserved_tokens`.
    """

    type: ClassVar[str] = "llm.requested"
    digest: str = ""
    model: str = ""
    call: int = 0
    reserved_usd: str = ""
    reserved_tokens: int = 0


@record
class LlmResponded(Payload):
    """A call has ended, or an answer was taken from the archive (`archived`: nobody was asked, nothing was paid).

    `usage` counts tokens: `input`, `output`, `cached` (part of input), `reasoning` (part of output); what is unknown is
    not there. `cost_usd` is null when it is not known: then what was reserved counts as spent. `error` is what went
    wrong, empty for an answer; `answer` is the digest of the answer in the archive.
    """

    type: ClassVar[str] = "llm.responded"
    digest: str = ""
    model: str = ""
    usage: JsonObject = field(default_factory=dict)
    cost_usd: float | None = None
    call: int = 0
    error: str = ""
    answer: str = ""
    archived: bool = False
    duration_ms: int = 0


@record
class BudgetExceeded(Payload):
    """A limit would have been passed; the call was not made, or the step was not started.

    `budget` is `<level>.<what>`: `run.usd`, `step.calls`, `project.tokens`, `run.wall`. `spent` counts what is
    reserved too. `raise_to` is the limit that a person grants who approves.
    """

    type: ClassVar[str] = "budget.exceeded"
    budget: str = ""
    limit: str = ""
    needed: str = ""
    spent: str = ""
    raise_to: str = ""


@record
class PolicyDenied(Payload):
    """A policy forbids what the step would do. `rule` and `source` say which one and where it stands."""

    type: ClassVar[str] = "policy.denied"
    rule: str = ""
    source: str = ""
    message: str = ""


@record
class QueueBackpressure(Payload):
    """The queue is behind: its oldest due job waits for `age_ms`, so the run's new jobs are due `delay_ms` later."""

    type: ClassVar[str] = "queue.backpressure"
    age_ms: int = 0
    delay_ms: int = 0


@record
class WorkerLost(Payload):
    """The process that executed steps of the run is gone."""

    type: ClassVar[str] = "worker.lost"
    worker: str = ""
    pid: int = 0
    host: str = ""


@record
class JournalRepaired(Payload):
    """A half-written batch was cut off the journal's end; its bytes are kept in the file `kept`."""

    type: ClassVar[str] = "journal.repaired"
    bytes: int = 0
    kept: str = ""


@record
class SnapshotTaken(Payload):
    """The workspace was recorded: its tree in git, or what the gates of the run rest on, kept as the file `path`."""

    type: ClassVar[str] = "snapshot.taken"
    tree: str = ""
    ref: str = ""
    digest: str = ""
    path: str = ""


PAYLOADS: tuple[type[Payload], ...] = (
    RunCreated, RunStarted, RunWaiting, RunResumed, RunSucceeded, RunFailed, RunCancelled, RunRolledBack,
    StepEnqueued, StepStarted, StepFinished, StepSkipped, StepRetryScheduled, StepInterrupted,
    StepDeadLettered, StepReset,
    ApprovalRequested, ApprovalGranted, ApprovalRejected, ApprovalWaived, ApprovalStale,
    EffectIntended, EffectDone, EffectUnknown, GateEvaluated, ArtifactCreated, LlmRequested, LlmResponded,
    BudgetExceeded, PolicyDenied, QueueBackpressure, WorkerLost, JournalRepaired, SnapshotTaken,
)  # fmt: skip
BY_TYPE: Mapping[str, type[Payload]] = {payload.type: payload for payload in PAYLOADS}
TERMINAL_TYPES = frozenset({RunSucceeded.type, RunFailed.type, RunCancelled.type})


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it has a place in a journal."""

    payload: Payload
    step: StepName | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """An event at its place. `line` is its journal line without the newline, `prev` the digest of the line before."""

    seq: int
    at: str
    run: RunId
    step: StepName | None
    attempt: int | None
    actor: Actor
    payload: Payload
    prev: str
    line: bytes
    v: int = EVENT_VERSION

    @property
    def type(self) -> str:
        return type_of(self.payload)


def type_of(payload: Payload) -> str:
    """The event's type in the journal."""
    return payload.name if isinstance(payload, Unknown) else payload.type


def ends_run(payload: Payload) -> bool:
    """Whether the run has ended with this event, unless a later one reopens it."""
    kind = f"run.{payload.status}" if isinstance(payload, RunRolledBack) else payload.type
    return kind in TERMINAL_TYPES
