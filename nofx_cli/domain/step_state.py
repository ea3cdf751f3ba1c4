"""Where one step of a run stands: a part of the state that `domain.state` folds."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from nofx_cli.domain import events as ev
from nofx_cli.domain.effects import KnownEffect
from nofx_cli.domain.ids import JsonObject, StepName
from nofx_cli.domain.outcome import StepError

if TYPE_CHECKING:
    from nofx_cli.domain.repair import Round


class StepStatus(StrEnum):
    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


ENDED_STEP = frozenset({StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELLED})


@dataclass(slots=True)
class Approval:
    """What a person was asked about a step, and what was answered (`decision` None: not yet)."""

    digest: str
    question: str
    reason: ev.AskReason
    path: str
    decision: str | None = None
    by: ev.Actor | None = None
    at: str = ""
    note: str = ""
    before: "Approval | None" = None
    """Of a question beside the step's own: the answer that the step runs under, which that question leaves."""
    attempt: int = 0
    """The newest attempt that had begun when it was asked: the question was about nothing that a later one did."""

    @property
    def standing(self) -> "Approval | None":
        """The answer that the step runs under; None where it needs none."""
        return self.before if self.reason in BESIDE and self.decision == "granted" else self


BESIDE = frozenset({ev.AskReason.BUDGET, ev.AskReason.EFFECT})
"""Questions that are not about whether the step may do what it would do: an answer to that stands beside theirs."""


@dataclass(slots=True, eq=False, repr=False, match_args=False)
class StepState:
    """Where a step stands.

    Attributes:
        attempt: the last one started (0: none).
        abandoned: it was running where the run was rolled back to: nobody has it.
        last_attempt: the highest number that an attempt at it ever had, also where that was rolled back.
        interruptions: how many attempts in a row were cut off.
        due_us, delayed_us: a queued step is due at the one and was delayed at the other; 0 when it is due at once.
        dead_letter: why its job was put aside, empty where it was not.
        taint: the failed step that spoils it.
        answers: what models answered since the step last came to an end: digests of answers, by those of requests.
        refused: the digests of the answers that led to a failure.
        spent_ms: how long its attempts took that have ended, in all.
        tried_since: when the attempts began of which none has come to an end.
        exceeded: the budget that it was last held up by.
        feedback: in a repair, why it is done again, as `step.reset` told it.
        rounds: of a gate that is repaired, how it judged so far.
        effects: what it intended or changed outside, by kind and target; those that were made go with a reset.
        tree: of the run's worktree after its last attempt that came to an end; empty where there is none.
    """

    name: StepName
    place: int
    open_needs: int
    status: StepStatus = StepStatus.PENDING
    attempt: int = 0
    last_attempt: int = 0
    abandoned: bool = False
    failures: int = 0
    interruptions: int = 0
    due_us: int = 0
    delayed_us: int = 0
    dead_letter: str = ""
    outputs: JsonObject = field(default_factory=dict)
    error: StepError | None = None
    approval: Approval | None = None
    gate: ev.GateEvaluated | None = None
    artifacts: list[ev.ArtifactCreated] = field(default_factory=list)
    taint: StepName | None = None
    cause: str = ""
    skip_reason: ev.SkipReason | None = None
    started_at: str = ""
    ended_at: str = ""
    duration_ms: int = 0
    inputs_digest: str = ""
    worker: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    tried_since: str = ""
    spent_ms: int = 0
    exceeded: ev.BudgetExceeded | None = None
    feedback: JsonObject = field(default_factory=dict)
    rounds: "list[Round]" = field(default_factory=list)
    tree: str = ""
    effects: dict[tuple[str, str], KnownEffect] = field(default_factory=dict)

    @property
    def next_attempt(self) -> int:
        """The number of the attempt that would be started next; no two attempts ever have the same."""
        return max(self.attempt, self.last_attempt) + 1

    @property
    def open_effects(self) -> list[KnownEffect]:
        """Those that may have been made without being on record, in the order in which they were intended."""
        return [effect for effect in self.effects.values() if effect.is_open]

    @property
    def standing_approval(self) -> Approval | None:
        """The answer of a person that it runs under, or waits for."""
        return self.approval.standing if self.approval else None

    def is_of_standing_approval(self, effect: KnownEffect) -> bool:
        """Whether it was intended by an attempt that began after a person was asked what the step runs under now.

        What was intended before is no part of what that person approved. Where nobody was asked, all of it counts.
        """
        asked = self.standing_approval
        before = asked.attempt if asked is not None and asked.reason is ev.AskReason.APPROVAL else 0
        return effect.intent.attempt > before

    @property
    def ended(self) -> bool:
        return self.status in ENDED_STEP

    def asked_because(self, reason: ev.AskReason) -> bool:
        """Whether a person was asked for that reason."""
        return self.approval is not None and self.approval.reason is reason

    def is_due(self, now_us: int) -> bool:
        """Whether its time has come; also when the clock was set back behind the instant that it was delayed at."""
        return self.due_us <= now_us or now_us < self.delayed_us
