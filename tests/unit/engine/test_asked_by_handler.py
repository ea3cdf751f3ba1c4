"""A handler that asks by itself: what it showed can be seen, and an answer counts for exactly that."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, StepName, digest_of
from nofx_cli.domain.outcome import Outcome, Succeeded, Waiting
from nofx_cli.domain.plan import Step
from nofx_cli.domain.state import RunStatus
from nofx_cli.engine.answer import answer, shown_now
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.ports.handler import StepContext
from nofx_cli.testing.rig import Rig

CHECK = StepName("check")


@dataclass
class Asking:
    """Asks about what it would show now, until a person granted just that."""

    shown: JsonObject = field(default_factory=lambda: {"lines": ["one", "two"], "more": {"b": 1, "a": None}})

    def __call__(self, ctx: StepContext) -> Outcome:
        if not ctx.is_granted(self.shown):
            return Waiting("is this well?", self.shown)
        return Succeeded({"by": ctx.approval.by if ctx.approval else ""})


@pytest.fixture
def asking() -> Asking:
    return Asking()


@pytest.fixture
def rig(tmp_path: Path, asking: Asking) -> Rig:
    return Rig(tmp_path, tools={"ask": asking})


@pytest.fixture
def run(rig: Rig) -> OpenRun:
    run = rig.create(Step(CHECK, "ask"))
    assert rig.execute(run).state.status is RunStatus.WAITING
    return rig.reopen(run.run)


def kept(rig: Rig, run: OpenRun) -> Path:
    asked = run.state.steps[CHECK].approval
    assert asked is not None
    return rig.services.artifacts.log_path(run.run, CHECK, 1).parent.parent / asked.path


def test_what_it_showed_is_shown(run: OpenRun, asking: Asking) -> None:
    subject = shown_now(run, CHECK)
    assert subject is not None
    assert (subject.question, subject.text) == (
        "is this well?", '{"lines":["one","two"],"more":{"a":null,"b":1}}'
    )  # fmt: skip
    assert subject.digest == digest_of(asking.shown)


def test_granted_it_passes_and_knows_by_whom(rig: Rig, run: OpenRun) -> None:
    answer(run, CHECK, "granted")
    state = rig.execute(rig.reopen(run.run)).state
    assert state.status is RunStatus.SUCCEEDED
    assert state.steps[CHECK].outputs == {"by": "tester"}


def test_what_it_would_show_differs_by_then_so_the_answer_is_stale_and_it_asks_anew(
    rig: Rig, run: OpenRun, asking: Asking
) -> None:
    answer(run, CHECK, "granted")
    asking.shown = {"lines": []}
    ending = rig.execute(rig.reopen(run.run))
    assert ending.state.status is RunStatus.WAITING
    assert ending.stale
    assert rig.types(run.run)[-3:] == ["approval.stale check", "approval.requested check", "run.waiting"]
    again = rig.reopen(run.run)
    subject = shown_now(again, CHECK)
    assert subject is not None
    assert subject.text == '{"lines":[]}'
    answer(again, CHECK, "granted")
    assert rig.execute(rig.reopen(run.run)).state.status is RunStatus.SUCCEEDED


def test_who_saw_another_question_grants_nothing(rig: Rig, run: OpenRun) -> None:
    with pytest.raises(errors.Conflict) as refused:
        answer(run, CHECK, "granted", digest="0" * 64)
    assert refused.value.code == "approval-stale"
    assert "approval.granted check" not in rig.types(run.run)
    with pytest.raises(errors.Conflict):
        answer(rig.reopen(run.run), CHECK, "rejected", digest="0" * 64)


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_what_is_not_there_as_it_was_kept_cannot_be_granted_but_refused(rig: Rig, run: OpenRun, damage: str) -> None:
    document = kept(rig, run)
    document.write_text("{}") if damage == "changed" else document.unlink()
    for ask in (lambda: shown_now(run, CHECK), lambda: answer(run, CHECK, "granted")):
        with pytest.raises(errors.Conflict) as refused:
            ask()
        assert refused.value.code == "shown-changed"
    answer(run, CHECK, "rejected")
    assert rig.execute(rig.reopen(run.run)).state.status is RunStatus.FAILED


def test_nothing_is_granted_without_an_answer_or_by_one_to_something_else(rig: Rig, tmp_path: Path) -> None:
    seen: list[bool] = []

    def look(ctx: StepContext) -> Outcome:
        seen.append(ctx.is_granted({}))
        return Succeeded()

    rig.tools["look"] = type(rig.tools["ask"])(look)  # type: ignore[call-arg]
    run = rig.create(Step(StepName("plain"), "look"), Step(CHECK, "look", approval=True))
    rig.execute(run)
    answer(rig.reopen(run.run), CHECK, "granted")
    rig.execute(rig.reopen(run.run))
    assert seen == [False, False]
