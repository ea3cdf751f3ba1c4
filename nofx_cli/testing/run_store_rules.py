"""The part of the contract for run stores that one caller can see: create, append, read, look."""

from collections.abc import Callable

import pytest

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import GENESIS, Head, lines_that_follow
from nofx_cli.domain.ids import RunId, digest_of_bytes
from nofx_cli.domain.verification import verify_chain
from nofx_cli.ports.journal import AppendConflict, RunStore
from nofx_cli.testing.run_store_case import (
    ADA,
    AT,
    NO_RUN,
    OTHER_RUN,
    PLAN,
    RUN,
    STEP,
    RunStoreCase,
    append,
    create,
    enqueued,
    finished,
)  # fmt: skip


class RunStoreRules(RunStoreCase):
    """Create, append, read, look."""

    def test_a_created_run_is_there_with_its_first_batch(self, store: RunStore, other: RunStore) -> None:
        drafts = [ev.Draft(ev.RunCreated(goal="Grüße", steps=1)), ev.Draft(ev.RunStarted({"pid": 7})), *enqueued()]
        events = store.create(RUN, PLAN, drafts, at=AT, actor=ADA)
        assert [event.seq for event in events] == [1, 2, 3]
        assert [event.payload for event in events] == [draft.payload for draft in drafts]
        assert {(event.at, event.actor, event.run) for event in events} == {(AT, ADA, RUN)}
        assert events[0].prev == GENESIS
        assert list(other.read(RUN)) == events
        assert other.head(RUN) == Head(3, digest_of_bytes(events[-1].line))
        assert other.plan_text(RUN) == PLAN
        assert list(other.runs()) == [RUN]

    def test_a_run_is_created_once(self, store: RunStore, other: RunStore) -> None:
        events = create(store)
        with pytest.raises(errors.Conflict) as refused:
            other.create(RUN, "another: plan\n", [ev.Draft(ev.RunCreated())], at=AT, actor=ADA)
        assert refused.value.code == "run-exists"
        assert list(other.read(RUN)) == events
        assert other.plan_text(RUN) == PLAN

    @pytest.mark.parametrize("run", [NO_RUN, RunId("../../etc/passwd"), RunId("")])
    @pytest.mark.parametrize(
        "ask",
        [
            lambda store, run: append(store, 0, enqueued(), run),
            lambda store, run: list(store.read(run)),
            lambda store, run: store.head(run),
            lambda store, run: list(store.lines(run)),
            lambda store, run: store.plan_text(run),
            lambda store, run: store.summary(run),
            lambda store, run: store.wait(run, after_seq=0, timeout_ms=0),
        ],
        ids=["append", "read", "head", "lines", "plan_text", "summary", "wait"],
    )
    def test_a_run_that_is_not_there_is_told(
        self, store: RunStore, run: RunId, ask: Callable[[RunStore, RunId], object]
    ) -> None:
        create(store)
        with pytest.raises(errors.NotFound):
            ask(store, run)

    def test_a_store_that_holds_nothing_yet_is_empty_and_no_error(self, store: RunStore) -> None:
        assert list(store.runs()) == []

    def test_events_go_behind_those_that_are_there(self, store: RunStore, other: RunStore) -> None:
        first = create(store)
        second = append(store, 1, [finished("one"), finished("two")])
        third = append(other, 3, enqueued())
        assert [event.seq for event in (*first, *second, *third)] == [1, 2, 3, 4]
        assert list(store.read(RUN)) == [*first, *second, *third]
        assert list(store.read(RUN, after_seq=2)) == [second[1], *third]
        assert list(store.read(RUN, after_seq=4)) == []
        assert store.head(RUN) == other.head(RUN) == Head(4, digest_of_bytes(third[0].line))

    def test_whoever_is_late_learns_what_came_in_between(self, store: RunStore, other: RunStore) -> None:
        create(store)
        store.head(RUN)
        came_in_between = append(other, 1, [finished("one"), finished("two")])
        with pytest.raises(AppendConflict) as late:
            append(store, 1, enqueued())
        assert list(late.value.since) == came_in_between
        assert len(list(other.read(RUN))) == 3
        assert append(store, 3, enqueued())[0].seq == 4

    def test_whoever_is_late_for_the_second_time_learns_all_again(self, store: RunStore) -> None:
        create(store)
        came_in_between = append(store, 1, enqueued(3))
        for _ in range(2):
            with pytest.raises(AppendConflict) as late:
                append(store, 1, enqueued())
            assert list(late.value.since) == came_in_between

    def test_whoever_is_ahead_of_the_journal_is_refused(self, store: RunStore) -> None:
        create(store)
        with pytest.raises(AppendConflict) as ahead:
            append(store, 2, enqueued())
        assert ahead.value.since == ()
        assert store.head(RUN).seq == 1

    def test_a_batch_says_of_each_line_how_many_follow(self, store: RunStore, other: RunStore) -> None:
        create(store)
        append(store, 1, enqueued(4))
        assert [lines_that_follow(line) for line in other.lines(RUN)] == [0, 3, 2, 1, 0]

    def test_an_empty_batch_changes_nothing(self, store: RunStore, other: RunStore) -> None:
        create(store)
        assert append(store, 1, []) == []
        assert len(list(other.lines(RUN))) == 1
        assert append(other, 1, enqueued())[0].seq == 2
        assert verify_chain(other.lines(RUN)).ok

    def test_the_chain_of_the_raw_lines_holds(self, store: RunStore, other: RunStore) -> None:
        create(store)
        for seq in range(1, 20, 2):
            append(store, seq, enqueued(2))
        result = verify_chain(other.lines(RUN))
        assert result.ok
        assert result.head == other.head(RUN) == store.noted_head(RUN)

    def test_runs_do_not_touch_each_other(self, store: RunStore) -> None:
        create(store)
        create(store, OTHER_RUN)
        append(store, 1, enqueued(2))
        assert store.head(OTHER_RUN).seq == 1
        assert {event.run for event in store.read(RUN)} == {RUN}

    def test_the_newest_run_comes_first(self, store: RunStore, other: RunStore) -> None:
        ids = [
            RunId(text)
            for text in ("20251231-235959-zzzzzz", "20260101-000000-aaaaaa", "20260101-000001-aaaaaa", RUN, OTHER_RUN)
        ]
        for run in (ids[2], ids[0], ids[4], ids[1], ids[3]):
            create(store, run)
        assert list(other.runs()) == ids[::-1]

    def test_a_summary_tells_the_ends_of_a_short_journal(self, store: RunStore, other: RunStore) -> None:
        [first] = create(store)
        summary = other.summary(RUN)
        assert summary is not None
        assert (summary.run, summary.first, summary.last_run_event, summary.last) == (RUN, first, first, first)

    @pytest.mark.parametrize("size", [10, 3_000, 300_000])
    def test_a_summary_tells_the_ends_of_a_long_journal(self, store: RunStore, other: RunStore, size: int) -> None:
        [first] = create(store)
        [started] = append(store, 1, [ev.Draft(ev.RunStarted())])
        tail = append(store, 2, [finished("x" * size) for _ in range(20)])
        summary = other.summary(RUN)
        assert summary is not None
        assert (summary.first, summary.last_run_event, summary.last) == (first, started, tail[-1])

    def test_a_summary_does_not_take_a_text_for_an_event_of_the_run(self, store: RunStore) -> None:
        create(store)
        append(store, 1, [finished('"type":"run.failed"')])
        summary = store.summary(RUN)
        assert summary is not None
        assert summary.last_run_event.type == "run.created"

    @pytest.mark.parametrize(
        "text",
        [
            "Grüße 你好 🙂",
            "\x00\x01\x1b[31m\x7f\x85\u2028\u2029",
            "a\nb\r\nc",
            "\udc80\udcff",
            '"\\}{',
            "x" * 1_000_000,
        ],
        ids=["unicode", "control characters", "newlines", "bytes of no text", "syntax", "a million letters"],
    )
    def test_any_text_comes_back_as_it_was(self, store: RunStore, other: RunStore, text: str) -> None:
        create(store)
        append(store, 1, [finished(text)])
        [event] = other.read(RUN, after_seq=1)
        assert event.payload == ev.StepFinished(outputs={"said": text})
        assert len(list(other.lines(RUN))) == 2

    def test_events_of_a_later_nofx_are_kept(self, store: RunStore, other: RunStore) -> None:
        create(store)
        stranger = ev.Unknown("step.teleported", {"to": "the moon"})
        append(store, 1, [ev.Draft(stranger, STEP, 1)])
        [event] = other.read(RUN, after_seq=1)
        assert (event.type, event.payload, event.step) == ("step.teleported", stranger, STEP)
