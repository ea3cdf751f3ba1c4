"""Durations fall into the buckets of a histogram, and what cannot be read is counted apart."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from nofx_cli.clock import format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head, encode_batch
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.plan import Step
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.engine.measure_runs import BOUNDS_MS, Durations, RunMeasures, measure_run, measure_runs
from nofx_cli.testing.rig import Rig

AT = format_at(1_767_225_600_000_000)
ADA = ev.Actor("user", "ada")


@pytest.mark.parametrize(
    ("duration_ms", "bucket"), [(0, 0), (5, 0), (6, 1), (10, 1), (3_600_000, len(BOUNDS_MS) - 1), (3_600_001, -1)]
)
def test_a_duration_that_is_a_bound_belongs_below_it(duration_ms: int, bucket: int) -> None:
    durations = Durations()
    durations.add(duration_ms)
    assert durations.buckets[bucket] == durations.count == 1
    assert durations.sum_ms == duration_ms


def test_runs_that_were_executed(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    for _ in range(3):
        rig.execute(rig.create(Step(StepName("a"), "echo"), Step(StepName("b"), "echo", (StepName("a"),))))
    measures = measure_runs(rig.services.store)
    assert (measures.runs, +measures.steps) == ({"succeeded": 3}, {"succeeded": 6})
    assert {tool: durations.count for tool, durations in measures.durations.items()} == {"echo": 6}


def test_a_journal_that_cannot_be_opened_is_damaged_and_one_that_is_taken_away_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(tmp_path, sync=False)
    store = FileRunStore(layout)
    for number in range(3):
        run = RunId(f"20260101-120000-aaaaa{number}")
        store.create(run, "steps: []\n", [ev.Draft(ev.RunCreated(steps=1))], at=AT, actor=ADA)
    journals = [layout.run(run) / "journal.jsonl" for run in store.runs()]
    journals[0].unlink()
    journals[0].mkdir()
    journals[1].unlink()
    measures = measure_runs(store)
    assert (measures.damaged, measures.runs, +measures.steps) == (1, {"queued": 1}, {"pending": 1})


def steps(drafts: Sequence[ev.Draft]) -> Counter[StepStatus]:
    """The steps of one run by status."""
    events, _ = encode_batch(drafts, run=RunId("20260101-120000-aaaaaa"), head=Head(), at=AT, actor=ADA)
    measures = RunMeasures()
    measure_run(events, into=measures)
    return +measures.steps


ASKED, YES, NO = ev.ApprovalRequested("d"), ev.ApprovalGranted("d"), ev.ApprovalRejected("d")


@pytest.mark.parametrize(
    ("payloads", "status"),
    [
        ([ASKED], "waiting"),
        ([ASKED, YES], "queued"),
        ([ASKED, ev.ApprovalGranted("another")], "waiting"),
        ([ASKED, NO, YES], "waiting"),
        ([ASKED, ev.ApprovalStale("d", "e"), YES], "waiting"),
        ([ASKED, ev.StepReset(), ev.StepInterrupted(), YES], "waiting"),
    ],
)
def test_only_the_first_answer_to_the_question_that_stands_counts(payloads: list[ev.Payload], status: str) -> None:
    drafts = [ev.Draft(ev.RunCreated(steps=1)), *(ev.Draft(payload, StepName("a")) for payload in payloads)]
    assert steps(drafts) == {status: 1}


def test_what_comes_after_the_end_of_a_cancelled_run_moves_no_step() -> None:
    drafts = [
        ev.Draft(ev.RunCreated(steps=2)),
        ev.Draft(ev.RunCancelled("enough")),
        ev.Draft(YES, StepName("a")),
    ]
    assert steps(drafts) == {"cancelled": 2}
