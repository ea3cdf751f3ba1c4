"""What stays true of events that a rollback left out, and what of the rest is as it was."""

from collections.abc import Sequence
from typing import TypeAlias

import pytest

from nofx_cli.clock import format_at, parse_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head, encode_batch
from nofx_cli.domain.effects import Done
from nofx_cli.domain.ids import Digest, RunId, StepName
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.rollback import left_outside
from nofx_cli.domain.state import RunState, RunStatus, fold
from nofx_cli.domain.step_state import StepStatus

RUN = RunId("20261122-091530-7k3f9q")
ADA = ev.Actor("user", "ada")
AT = parse_at("2026-11-22T09:15:30.000000Z")
A, B = StepName("a"), StepName("b")
PLAN = Plan((Step(A, "shell"), Step(B, "shell", (A,))), Digest(""))
PUSH = ("git.push", "origin notes")
OPEN = ev.EffectIntended(*PUSH, "ab" * 32)
MADE = ev.EffectDone(*PUSH, {"commit": "c0ffee"}, "ab" * 32)

Entry: TypeAlias = ev.Payload | tuple[ev.Payload, StepName] | tuple[ev.Payload, StepName, int]

BEGUN: tuple[Entry, ...] = (ev.RunCreated(), ev.RunStarted(), (ev.StepEnqueued(), A))
"""Events 1 to 3."""


def written(entries: Sequence[Entry]) -> list[ev.Event]:
    """One event a second."""
    found: list[ev.Event] = []
    head = Head()
    for number, entry in enumerate(entries):
        payload, *where = (entry,) if isinstance(entry, ev.Payload) else entry
        draft = ev.Draft(payload, *where)
        events, head = encode_batch([draft], run=RUN, head=head, at=format_at(AT + number * 1_000_000), actor=ADA)
        found += events
    return found


def after(*entries: Entry) -> RunState:
    return fold(PLAN, written([*BEGUN, *entries]))


def back(to: int) -> ev.RunRolledBack:
    return ev.RunRolledBack(to)


def attempt(step: StepName, number: int, *inside: ev.Payload, took_ms: int = 0) -> list[Entry]:
    """An attempt that succeeds: its start, what happens in it, its end."""
    told: list[Entry] = [(payload, step, number) for payload in inside]
    return [(ev.StepStarted("shell"), step, number), *told, (ev.StepFinished(duration_ms=took_ms), step, number)]


def test_an_effect_that_was_made_behind_the_point_is_not_known_any_more() -> None:
    state = after(*attempt(A, 1, OPEN, MADE), back(3))
    assert state.steps[A].effects == {}


def test_an_effect_that_is_open_stays_open() -> None:
    """It is reconciled before the step goes on, as after any crash."""
    state = after((ev.StepStarted(), A, 1), (OPEN, A, 1), back(3))
    (effect,) = state.steps[A].open_effects
    assert (effect.intent.kind, effect.intent.digest, effect.intent.attempt) == ("git.push", "ab" * 32, 1)
    assert state.steps[A].status is StepStatus.QUEUED


def test_an_effect_of_which_nothing_is_known_stays_so() -> None:
    unknown = ev.EffectUnknown(*PUSH, "it hung up")
    (effect,) = after((ev.StepStarted(), A, 1), (OPEN, A, 1), (unknown, A, 1), back(3)).steps[A].open_effects
    assert effect.unclear == "it hung up"


def test_an_effect_that_was_intended_before_the_point_and_made_behind_it_was_made() -> None:
    """Else the step, which counts as cut off there, would make it twice."""
    state = after(*attempt(A, 1, OPEN, MADE), back(5))
    (effect,) = state.steps[A].effects.values()
    assert effect.done == Done({"commit": "c0ffee"})
    assert state.steps[A].open_effects == []


def test_an_effect_that_was_made_behind_the_point_with_another_content_is_that_one() -> None:
    """Else what was intended before the point would be taken for made, and never be made."""
    other, made = ev.EffectIntended(*PUSH, "cd" * 32), ev.EffectDone(*PUSH, {"commit": "c0ffee"}, "cd" * 32)
    cut_off: list[Entry] = [(ev.StepStarted("shell"), A, 1), (OPEN, A, 1), (ev.StepInterrupted(rerun=True), A, 1)]
    state = after(*cut_off, *attempt(A, 2, other, made), back(5))
    (effect,) = state.steps[A].effects.values()
    assert (effect.intent.digest, effect.done) == ("cd" * 32, Done({"commit": "c0ffee"}))


def test_an_effect_that_was_made_before_the_point_and_is_open_again_is_open() -> None:
    again: list[Entry] = [(ev.StepReset(), A), (ev.StepEnqueued(), A), (ev.StepStarted(), A, 2), (OPEN, A, 2)]
    state = after(*attempt(A, 1, OPEN, MADE), *again, back(7))
    (effect,) = state.steps[A].open_effects
    assert effect.intent.attempt == 2


def test_an_effect_that_was_made_before_the_point_and_again_behind_it_is_as_it_was() -> None:
    again = [(ev.StepReset(), A), (ev.StepEnqueued(), A), *attempt(A, 2, OPEN, MADE)]
    before = after(*attempt(A, 1, OPEN, MADE))
    assert after(*attempt(A, 1, OPEN, MADE), *again, back(7)).steps[A].effects == before.steps[A].effects


def test_open_effects_of_one_rollback_are_told_once() -> None:
    """A second rollback finds nothing new: what was settled in between is settled."""
    state = after((ev.StepStarted(), A, 1), (OPEN, A, 1), back(3), *attempt(A, 2, MADE), back(3))
    assert state.steps[A].effects == {}


def test_what_was_spent_stays_spent() -> None:
    asked = ev.LlmRequested("d", "m", 1, "0.50", 100)
    told = ev.LlmResponded("d", "m", {"input": 10, "output": 5}, 0.2, 1, answer="a")
    state = after(*attempt(A, 1, asked, told, took_ms=700), back(3))
    assert (float(state.spending.total.usd), state.spending.total.tokens) == (0.2, 15)
    assert state.spending.of(A) == state.spending.total
    assert state.steps[A].spent_ms == 700
    assert (state.steps[A].duration_ms, state.steps[A].answers) == (0, {})


def test_a_call_that_was_open_at_the_point_is_settled_by_what_came_behind_it() -> None:
    asked = ev.LlmRequested("d", "m", 1, "0.50", 100)
    told = ev.LlmResponded("d", "m", {"input": 10, "output": 5}, 0.2, 1)
    state = after(*attempt(A, 1, asked, told), back(5))
    assert float(state.spending.total.usd) == 0.2


def test_time_counts_as_long_as_the_run_was_executed() -> None:
    """It was from second 1 to 5, when it ended, and is again from second 8 on."""
    ended = [*attempt(A, 1), ev.RunFailed()]
    state = after(*ended, ev.JournalRepaired(), back(3), ev.RunResumed())
    assert state.active_ms(AT + 10_000_000) == 4_000 + 2_000


def test_time_that_was_rolled_back_was_executed_all_the_same() -> None:
    """From second 1 to 3, and from 4 to 6, behind the point."""
    state = after(ev.RunWaiting(("a",)), ev.RunResumed(), *attempt(A, 1)[:1], ev.RunFailed(), back(4))
    assert (state.status, state.active_ms(AT + 60_000_000)) == (RunStatus.WAITING, 4_000)


def test_the_rules_may_have_been_changed_since_by_a_person() -> None:
    state = after((ev.StepStarted(rules="r1"), A, 1), ev.JournalRepaired(), back(4))
    assert state.rules == ""


@pytest.mark.parametrize("executed_to", [3, 4])
def test_a_run_that_was_cut_off_was_executed_until_its_last_event(executed_to: int) -> None:
    state = after((ev.StepStarted(), A, 1), back(executed_to))
    assert state.active_ms(AT + 60_000_000) == 2_000


def test_what_ran_at_the_point_counts_as_cut_off_whoever_had_it() -> None:
    started = ev.StepStarted("shell", worker="w-1")
    state = after((started, A, 1), (ev.StepFinished(), A, 1), back(4))
    step = state.steps[A]
    assert (step.status, step.attempt, step.next_attempt) == (StepStatus.RUNNING, 1, 2)
    assert (step.worker, step.abandoned) == ("", True)


def test_the_numbers_of_attempts_are_used_once() -> None:
    state = after(*attempt(A, 1), back(3), *attempt(A, 2), back(3))
    assert (state.steps[A].attempt, state.steps[A].next_attempt) == (0, 3)


def test_an_approval_that_was_given_before_stands_and_one_behind_the_point_does_not() -> None:
    asked, granted = ev.ApprovalRequested("d1", "go on?"), ev.ApprovalGranted("d1", "yes")
    told: list[Entry] = [(asked, A), ev.RunWaiting(("a",)), (granted, A), ev.RunResumed(), *attempt(A, 1)]
    given = after(*told, back(6)).steps[A].approval
    assert given is not None
    assert (given.decision, given.note) == ("granted", "yes")
    state = after(*told, back(5))
    assert state.status is RunStatus.WAITING
    assert [step.name for step in state.in_status(StepStatus.WAITING)] == [A]
    not_given = state.steps[A].approval
    assert not_given is not None
    assert not_given.decision is None


def test_a_limit_that_was_raised_behind_the_point_is_what_it_was() -> None:
    """What was spent stays spent, so a person is asked again."""
    short = ev.BudgetExceeded("run.usd", "1", "1", "1", "2")
    asked = ev.ApprovalRequested("d1", "raise it?", ev.AskReason.BUDGET)
    told: list[Entry] = [(short, A), (asked, A), (ev.ApprovalGranted("d1"), A)]
    assert after(*told).raised == {"run.usd": "2"}
    assert after(*told, back(5)).raised == {}


def test_somebody_goes_on() -> None:
    assert after(back(2)).set_back
    assert not after(back(2), ev.RunResumed()).set_back
    assert not after(ev.RunCancelled(), back(4), (ev.StepReset(), A), back(3), (ev.StepReset(), A)).set_back


def test_an_answer_is_a_way_to_go_on() -> None:
    asked = ev.ApprovalRequested("d1", "go on?")
    told: list[Entry] = [(asked, A), (ev.StepDeadLettered(), B), back(4)]
    assert after(*told).set_back
    assert not after(*told, (ev.ApprovalGranted("d1"), A)).set_back


def test_the_worktree_is_due_until_it_is_told_or_something_runs_in_it() -> None:
    created = ev.RunCreated(workspace={"base": "t0"})
    taken = ev.SnapshotTaken("t1", "r1")
    journal: list[Entry] = [created, ev.RunStarted(), (taken, A, 1), back(2)]
    due = fold(PLAN, written(journal))
    assert (due.tree, due.tree_is_due) == ("t0", True)
    told = fold(PLAN, written([*journal, ev.SnapshotTaken("t0")]))
    assert (told.tree, told.tree_is_due) == ("t0", False)
    assert not fold(PLAN, written([*journal, (ev.StepStarted(), A, 2)])).tree_is_due
    assert not after(back(2)).tree_is_due, "a run that works in place has no tree"


def test_a_state_alone_does_not_take_a_rollback_in_and_says_so() -> None:
    state = after(*attempt(A, 1))
    state.apply(ev.Draft(back(3)), at=format_at(AT))
    assert state.outdated
    assert state.steps[A].status is StepStatus.SUCCEEDED


class TestWhatIsLeftOutside:
    def test_what_was_made_behind_the_point_is_told_with_its_result(self) -> None:
        (left,) = left_outside(written([*BEGUN, *attempt(A, 1, OPEN, MADE)]), 3)
        assert (left.step, left.attempt, left.made, left.seq) == (A, 1, True, 6)
        assert (left.intent.target, left.done) == ("origin notes", Done({"commit": "c0ffee"}))

    def test_what_was_made_before_it_is_not(self) -> None:
        assert left_outside(written([*BEGUN, *attempt(A, 1, OPEN, MADE), *attempt(B, 1)]), 7) == []

    def test_what_was_only_intended_is_told_as_that(self) -> None:
        (left,) = left_outside(written([*BEGUN, (ev.StepStarted(), A, 1), (OPEN, A, 1)]), 3)
        assert not left.made

    def test_what_was_intended_before_and_made_behind_it_is_told(self) -> None:
        (left,) = left_outside(written([*BEGUN, *attempt(A, 1, OPEN, MADE)]), 5)
        assert (left.made, left.intent.digest) == (True, "ab" * 32)

    def test_what_an_earlier_rollback_left_out_was_told_then(self) -> None:
        assert left_outside(written([*BEGUN, *attempt(A, 1, OPEN, MADE), back(3), *attempt(A, 2)]), 3) == []

    def test_of_a_rollback_that_is_rolled_back_what_came_after_it(self) -> None:
        events = written([*BEGUN, *attempt(A, 1, OPEN, MADE), back(3), *attempt(A, 2, OPEN, MADE)])
        (left,) = left_outside(events, 7)
        assert left.attempt == 2


@pytest.mark.parametrize("to_seq", [0, -1, 4, 99])
def test_a_rollback_that_no_nofx_writes_breaks_nothing(to_seq: int) -> None:
    state = after(back(to_seq))
    assert state.created is not None
    assert state.set_back
