"""Decisions, case by case: what follows from which state, in which order, with which words."""

from collections.abc import Callable

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.decide import decide
from nofx_cli.domain.ids import Digest, RunId, StepName
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import POLICY_DENIED, Plan, Repair, Severity, Step, When
from nofx_cli.domain.state import RunState, RunStatus
from nofx_cli.domain.step_state import StepStatus

A, B, C, D = (StepName(name) for name in "abcd")
AT = "2026-11-22T09:15:30.000000Z"
LATER = "2026-11-22T09:15:32.500000Z"
ADA = ev.Actor("user", "ada")
FAILURE = StepError("exit-code", "ended with 1")


class Case:
    """A run whose events are given one by one."""

    def __init__(self, *steps: Step) -> None:
        self.state = RunState(Plan(steps, Digest("")))
        self.state.run = RunId("20261122-091530-7k3f9q")
        self.tell(ev.RunStarted())

    def tell(self, payload: ev.Payload, step: StepName | None = None, attempt: int | None = None) -> None:
        self.state.apply(ev.Draft(payload, step, attempt), at=AT, actor=ADA)

    def follows(self, now: str = AT) -> list[tuple[StepName | None, ev.Payload]]:
        """What is decided now; it is applied too."""
        drafts = decide(self.state, now, lambda expression, state, step: _judge(expression))
        for draft in drafts:
            self.state.apply(draft, at=now, actor=ADA)
        return [(draft.step, draft.payload) for draft in drafts]

    def run(self, name: StepName, *, error: StepError | None = None) -> None:
        self.tell(ev.StepStarted(), name, 1)
        self.tell(ev.StepFinished("failed" if error else "succeeded", error=error), name, 1)

    def ask(self, name: StepName, digest: str = "d1") -> None:
        self.tell(ev.ApprovalRequested(digest, "go on?"), name)

    def status(self, name: StepName) -> StepStatus:
        return self.state.steps[name].status


def _judge(expression: str) -> bool:
    if expression == "broken":
        raise ValueError("`broken` is undefined")
    return expression == "yes"


def chain(**more: When | str) -> Case:
    """a, then b, then c; `more` gives the `when` of a step."""
    return Case(
        Step(A, "test:echo"),
        Step(B, "test:echo", needs=(A,), when=more.get("b", When.SUCCESS)),
        Step(C, "test:echo", needs=(B,), when=more.get("c", When.SUCCESS)),
    )


def test_nothing_follows_before_the_run_was_started() -> None:
    case = Case(Step(A, "test:echo"))
    case.state.status = RunStatus.QUEUED
    assert case.follows() == []


def test_what_needs_nothing_is_enqueued_in_the_order_of_the_plan() -> None:
    case = Case(Step(C, "test:echo"), Step(A, "test:echo", needs=(C,)), Step(B, "test:echo"))
    assert case.follows() == [(C, ev.StepEnqueued()), (B, ev.StepEnqueued())]
    assert case.follows() == []


def test_what_becomes_free_together_is_enqueued_in_the_order_of_the_plan() -> None:
    case = Case(
        Step(A, "test:echo"), Step(B, "test:echo"), Step(C, "test:echo", needs=(B,)), Step(D, "test:echo", needs=(A,))
    )
    case.follows()
    case.run(A)
    case.run(B)
    assert [name for name, _ in case.follows()] == [C, D]


def test_a_step_is_enqueued_when_the_last_of_what_it_needs_has_ended() -> None:
    case = Case(Step(A, "test:echo"), Step(B, "test:echo"), Step(C, "test:echo", needs=(A, B)))
    case.follows()
    case.run(B)
    assert case.follows() == []
    case.run(A)
    assert case.follows() == [(C, ev.StepEnqueued())]


def test_a_failure_skips_all_that_rests_on_it_in_one_batch_and_ends_the_run() -> None:
    case = chain()
    case.follows()
    case.run(A, error=FAILURE)
    skipped = ev.StepSkipped(ev.SkipReason.NEED_FAILED, "a")
    ended = ev.RunFailed(
        "a", 1, FAILURE, "nofx retry 20261122-091530-7k3f9q --from a", 2_500, {"failed": 1, "skipped": 2}
    )
    assert case.follows(LATER) == [(B, skipped), (C, skipped), (None, ended)]
    assert case.follows() == []


def test_what_is_independent_of_a_failure_goes_on() -> None:
    case = Case(Step(A, "test:echo"), Step(B, "test:echo", needs=(A,)), Step(C, "test:echo"))
    case.follows()
    case.run(A, error=FAILURE)
    assert case.follows() == [(B, ev.StepSkipped(ev.SkipReason.NEED_FAILED, "a"))]
    case.run(C)
    [(_, ended)] = case.follows()
    assert isinstance(ended, ev.RunFailed)
    assert ended.steps == {"succeeded": 1, "failed": 1, "skipped": 1}


def test_of_several_failures_the_first_is_told() -> None:
    case = Case(Step(A, "test:echo"), Step(B, "test:echo"))
    case.follows()
    case.run(B, error=FAILURE)
    case.run(A, error=StepError("timeout", "too long"))
    [(_, ended)] = case.follows()
    assert isinstance(ended, ev.RunFailed)
    assert (ended.step, ended.error) == ("b", FAILURE)


def test_a_run_in_which_something_was_denied_is_said_to_have_failed_with_that() -> None:
    case = Case(Step(A, "test:echo"), Step(B, "test:echo", continue_on_error=True), Step(C, "test:echo"))
    denial = StepError(POLICY_DENIED, "step b may not")
    case.follows()
    case.run(A, error=FAILURE)
    case.run(B, error=denial)
    case.run(C, error=StepError(POLICY_DENIED, "step c may not"))
    [(_, ended)] = case.follows()
    assert isinstance(ended, ev.RunFailed)
    assert (ended.step, ended.error) == ("b", denial)


def test_a_failure_that_does_not_block_lets_the_run_succeed() -> None:
    case = Case(Step(A, "test:echo", continue_on_error=True), Step(B, "test:echo", needs=(A,)))
    case.follows()
    case.run(A, error=FAILURE)
    assert case.follows() == [(B, ev.StepEnqueued())]
    case.run(B)
    assert case.follows(LATER) == [(None, ev.RunSucceeded(2_500, {"succeeded": 1, "failed": 1}))]


@pytest.mark.parametrize(
    ("when", "after_success", "after_failure"),
    [
        (When.SUCCESS, ev.StepEnqueued(), ev.StepSkipped(ev.SkipReason.NEED_FAILED, "a")),
        (When.FAILURE, ev.StepSkipped(ev.SkipReason.CONDITION, "failure"), ev.StepEnqueued()),
        (When.ALWAYS, ev.StepEnqueued(), ev.StepEnqueued()),
        ("yes", ev.StepEnqueued(), ev.StepEnqueued()),
        ("no", ev.StepSkipped(ev.SkipReason.CONDITION, "no"), ev.StepSkipped(ev.SkipReason.CONDITION, "no")),
    ],
)
def test_when_a_step_runs(when: str, after_success: ev.Payload, after_failure: ev.Payload) -> None:
    for error, expected in ((None, after_success), (FAILURE, after_failure)):
        case = Case(Step(A, "test:echo"), Step(B, "test:echo", needs=(A,), when=when))
        case.follows()
        case.run(A, error=error)
        assert case.follows()[0] == (B, expected)


def test_a_failure_is_seen_through_a_step_that_runs_always() -> None:
    case = chain(b=When.ALWAYS)
    case.follows()
    case.run(A, error=FAILURE)
    assert case.follows() == [(B, ev.StepEnqueued())]
    case.run(B)
    assert case.follows()[0] == (C, ev.StepSkipped(ev.SkipReason.NEED_FAILED, "a"))


def test_a_step_that_is_skipped_by_its_condition_frees_what_needs_it() -> None:
    case = chain(b="no")
    case.follows()
    case.run(A)
    assert case.follows() == [(B, ev.StepSkipped(ev.SkipReason.CONDITION, "no")), (C, ev.StepEnqueued())]


def test_a_condition_that_cannot_be_judged_fails_its_step_and_says_why() -> None:
    case = chain(b="broken")
    case.follows()
    case.run(A)
    [(name, payload)] = case.follows()
    error = StepError("when", "`when: broken` cannot be judged: `broken` is undefined")
    assert (name, payload) == (B, ev.StepFinished("failed", error=error))
    assert case.follows()[0] == (C, ev.StepSkipped(ev.SkipReason.NEED_FAILED, "b"))


def test_a_run_waits_once_nothing_else_can_go_on() -> None:
    case = Case(Step(A, "manual:release"), Step(B, "test:echo"))
    case.follows()
    case.ask(A)
    assert case.follows() == []
    case.run(B)
    assert case.follows() == [(None, ev.RunWaiting(("a",)))]
    assert case.follows() == []
    assert case.state.status is RunStatus.WAITING


def test_a_granted_step_goes_on_after_the_run_is_told_to() -> None:
    case = Case(Step(A, "manual:release"))
    case.follows()
    case.ask(A)
    case.follows()
    case.tell(ev.ApprovalGranted("d1", "fine"), A)
    assert case.follows() == [(None, ev.RunResumed("answered"))]
    assert case.follows() == []
    assert case.status(A) is StepStatus.QUEUED


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            ev.ApprovalRejected,
            ev.StepFinished(
                "failed",
                error=StepError("rejected", "rejected by ada: too early", "nofx retry 20261122-091530-7k3f9q --from a"),
            ),
        ),
        (ev.ApprovalWaived, ev.StepSkipped(ev.SkipReason.WAIVED, "waived by ada: too early")),
    ],
)
def test_an_answer_takes_effect(answer: Callable[[str, str], ev.Payload], expected: ev.Payload) -> None:
    case = Case(Step(A, "manual:release"), Step(B, "test:echo", needs=(A,)))
    case.follows()
    case.ask(A)
    case.follows()
    case.tell(answer("d1", "too early"), A)
    assert case.follows() == [(None, ev.RunResumed("answered"))]
    assert case.follows() == [(A, expected)]
    follows = case.follows()[0][1]
    assert isinstance(follows, ev.StepEnqueued if answer is ev.ApprovalWaived else ev.StepSkipped)


def test_an_answer_counts_only_for_what_was_asked_and_only_once() -> None:
    case = Case(Step(A, "manual:release"))
    case.follows()
    case.ask(A, "d1")
    case.tell(ev.ApprovalGranted("d0"), A)
    assert case.status(A) is StepStatus.WAITING
    case.tell(ev.ApprovalRejected("d1", "no"), A)
    case.tell(ev.ApprovalGranted("d1", "yes"), A)
    approval = case.state.steps[A].approval
    assert approval is not None
    assert (approval.decision, approval.note) == ("rejected", "no")


def test_a_stale_answer_no_longer_counts() -> None:
    case = Case(Step(A, "manual:release"))
    case.follows()
    case.ask(A, "d1")
    case.tell(ev.ApprovalRejected("d1"), A)
    case.tell(ev.ApprovalStale("d1", "d2"), A)
    case.ask(A, "d2")
    assert case.follows() == [(None, ev.RunWaiting(("a",)))]


def test_nothing_follows_a_cancelled_run() -> None:
    case = chain()
    case.follows()
    case.tell(ev.RunCancelled("no more"))
    assert case.follows() == []
    assert {case.status(name) for name in (A, B, C)} == {StepStatus.CANCELLED}
    assert case.state.cancel_reason == "no more"


def test_a_cancelled_step_that_is_not_done_again_spoils_what_needs_it() -> None:
    case = chain()
    case.follows()
    case.tell(ev.RunCancelled("no more"))
    case.tell(ev.RunResumed("retry from b"))
    case.tell(ev.StepReset(), B)
    case.tell(ev.StepReset(), C)
    skipped = ev.StepSkipped(ev.SkipReason.NEED_FAILED, "a")
    *skips, (_, ended) = case.follows()
    assert skips == [(B, skipped), (C, skipped)]
    assert isinstance(ended, ev.RunFailed)
    assert (ended.step, ended.error) == ("a", StepError("cancelled", "the step was cancelled"))
    assert ended.next.endswith("--from a")


def test_a_step_that_was_reset_is_decided_anew() -> None:
    case = chain()
    case.follows()
    case.run(A, error=FAILURE)
    case.follows()
    for name in (A, B, C):
        case.tell(ev.StepReset("retry"), name)
    assert case.state.status is RunStatus.RUNNING
    assert case.follows() == [(A, ev.StepEnqueued())]
    case.tell(ev.StepStarted(), A, 2)
    case.tell(ev.StepFinished(), A, 2)
    assert case.follows() == [(B, ev.StepEnqueued())]
    assert case.state.steps[A].attempt == 2


def test_a_retry_is_due_later_and_what_is_due_first_stands_first() -> None:
    case = Case(Step(A, "test:fail"), Step(B, "test:echo"))
    case.follows()
    case.tell(ev.StepStarted(), A, 1)
    case.tell(ev.StepRetryScheduled(FAILURE, 2_500, LATER), A, 1)
    state = case.state
    due_us = state.steps[A].due_us
    first = state.next_ready(due_us)
    assert first is not None
    assert first.name == B
    case.run(B)
    assert state.next_ready(due_us - 1) is None
    assert state.next_due_us() == due_us
    again = state.next_ready(due_us)
    assert again is not None
    assert (again.name, again.failures, again.attempt) == (A, 1, 1)


def test_an_interrupted_step_runs_again_or_waits_for_a_person() -> None:
    case = Case(Step(A, "test:echo"), Step(B, "shell"))
    case.follows()
    for name, rerun in ((A, True), (B, False)):
        case.tell(ev.StepStarted(), name, 1)
        case.tell(ev.StepInterrupted("the process is gone", rerun=rerun), name, 1)
    assert case.status(A) is StepStatus.QUEUED
    assert case.status(B) is StepStatus.WAITING


def test_a_plan_without_steps_succeeds_at_once() -> None:
    assert Case().follows() == [(None, ev.RunSucceeded(0, {}))]


@pytest.mark.parametrize(("when", "severity"), [(When.FAILURE, "blocking"), (When.ALWAYS, "blocking"), ("", "warning")])
def test_nothing_follows_from_a_gate_that_is_to_be_repaired_while_a_step_runs_that_is_done_again(
    when: When, severity: str
) -> None:
    case = Case(
        Step(A, "codegen"),
        Step(B, "gate:unit", needs=(A,), repair=Repair(A, 3), severity=Severity(severity)),
        Step(C, "test:slow", needs=(A,)),
        Step(D, "test:echo", needs=(B,), when=when or When.SUCCESS),
    )
    case.follows()
    case.run(A)
    case.follows()
    case.tell(ev.StepStarted(), C, 1)
    case.tell(ev.StepStarted(), B, 1)
    case.tell(ev.GateEvaluated("gate:unit", "failed", "1 failed", found="1 abc"), B, 1)
    case.tell(ev.StepFinished("failed", error=StepError("gate-failed", "1 failed")), B, 1)
    assert case.follows() == []

    case.tell(ev.StepFinished("succeeded"), C, 1)

    assert [(step, payload.type) for step, payload in case.follows()] == [
        (A, "step.reset"),
        (B, "step.reset"),
        (C, "step.reset"),
    ]
    assert case.status(D) is StepStatus.PENDING
