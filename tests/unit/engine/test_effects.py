"""Effects: on record before and after, found out about after a cut, and asked about where nobody can tell."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.effects import Done, Intent, NotDone, Reconciled, Unclear
from nofx_cli.domain.ids import JsonObject, JsonValue, StepName
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.domain.plan import Retry, Step
from nofx_cli.domain.state import RunState, RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.answer import answer, shown_now
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.retry import retry
from nofx_cli.ports.handler import StepContext
from nofx_cli.testing.rig import PlainRenderer, Rig

WRITE = StepName("write")
STEP = Step(WRITE, "writer")


@dataclass
class Writer:
    """Writes into the outside world. `breaks` is called between the change and its record."""

    breaks: Callable[[], None] = lambda: None
    digest: str = "d1"
    finds: Callable[[Intent], Reconciled] = lambda intent: NotDone()
    outside: list[str] = field(default_factory=list)
    asked: list[Intent] = field(default_factory=list)
    previewed: list[JsonValue] = field(default_factory=list)
    before: list[JsonObject | None] = field(default_factory=list)
    needs_approval = False

    def match(self, tool: str) -> bool:
        return True

    def preview(self, ctx: StepContext) -> JsonObject:
        return {"lines": len(self.outside)}

    def run(self, ctx: StepContext) -> Outcome:
        self.previewed.append(ctx.previewed)
        self.before.append(ctx.made_before("file.append", "the file"))
        effect = ctx.effect("file.append", "the file", self.digest)
        if effect.result is None:
            self.outside.append(f"{self.digest} {ctx.attempt}")
            self.breaks()
            effect.done({"line": len(self.outside)})
        return Succeeded(dict(effect.result or {}))

    def reconcile(self, ctx: StepContext, intent: Intent) -> Reconciled:
        self.asked.append(intent)
        return self.finds(intent)


class Blind(Writer):
    """It cannot look."""

    reconcile = None  # type: ignore[assignment]  # as of a handler that does not have it
    rerun_safe = True


def breaks_once(how: BaseException) -> Callable[[], None]:
    left = [how]

    def broken() -> None:
        if left:
            raise left.pop()

    return broken


@pytest.fixture
def writer() -> Writer:
    return Writer()


@pytest.fixture
def rig(tmp_path: Path, writer: Writer) -> Rig:
    return Rig(tmp_path, tools={"writer": writer})


def unable(intent: Intent) -> Reconciled:
    raise errors.Conflict("it cannot be told now", code="busy")


def effects(rig: Rig, run: OpenRun) -> list[str]:
    return [type_ for type_ in rig.types(run.run) if "effect" in type_ or "approval" in type_]


def cut_off(rig: Rig, step: Step = STEP) -> OpenRun:
    """A run whose process died between the change and its record."""
    run = rig.create(step)
    rig.append(run.run, ev.RunStarted({}))
    rig.append(run.run, ev.StepEnqueued(), step.name)
    rig.append(run.run, ev.StepStarted(step.tool), step.name, 1)
    rig.append(run.run, ev.EffectIntended("file.append", "the file", "d1"), step.name, 1)
    return rig.reopen(run.run)


def ended(rig: Rig, run: OpenRun) -> RunState:
    return rig.execute(rig.reopen(run.run)).state


def test_an_effect_is_on_record_before_and_after(rig: Rig, writer: Writer) -> None:
    run = rig.create(STEP)
    seen: list[list[str]] = []
    writer.breaks = lambda: seen.append(effects(rig, run))

    state = rig.execute(run).state

    assert seen == [["effect.intended write"]]
    assert effects(rig, run) == ["effect.intended write", "effect.done write"]
    done = next(event.payload for event in rig.events(run.run) if isinstance(event.payload, ev.EffectDone))
    assert done == ev.EffectDone("file.append", "the file", {"line": 1}, "d1")
    assert state.steps[WRITE].outputs == {"line": 1}


@pytest.mark.parametrize("found", [Done({"line": 7}), NotDone()], ids=["done", "not done"])
def test_after_a_crash_the_handler_finds_out_and_the_step_goes_on(
    rig: Rig, writer: Writer, found: Done | NotDone
) -> None:
    writer.finds = lambda intent: found
    run = cut_off(rig)

    state = ended(rig, run)

    assert state.status is RunStatus.SUCCEEDED
    assert writer.asked == [Intent("file.append", "the file", "d1", 1)]
    if isinstance(found, Done):
        assert writer.outside == []
        assert state.steps[WRITE].outputs == {"line": 7}
        [done] = [event.payload for event in rig.events(run.run) if isinstance(event.payload, ev.EffectDone)]
        assert done.reconciled
    else:
        assert writer.outside == ["d1 2"]
        assert effects(rig, run) == ["effect.intended write", "effect.intended write", "effect.done write"]


def test_an_effect_on_record_as_made_is_not_asked_about_nor_made_again(rig: Rig, writer: Writer) -> None:
    run = cut_off(rig)
    rig.append(run.run, ev.EffectDone("file.append", "the file", {"line": 3}, "d1"), WRITE, 1)

    assert ended(rig, run).steps[WRITE].outputs == {"line": 3}
    assert (writer.asked, writer.outside) == ([], [])


def test_another_content_is_another_effect(rig: Rig, writer: Writer) -> None:
    run = cut_off(rig)
    rig.append(run.run, ev.EffectDone("file.append", "the file", {"line": 3}, "d1"), WRITE, 1)
    writer.digest = "d2"

    ended(rig, run)

    assert writer.outside == ["d2 2"]


def test_what_fails_in_between_is_found_out_about_before_the_next_attempt(rig: Rig, writer: Writer) -> None:
    def run_it(ctx: StepContext) -> Outcome:
        outcome = Writer.run(writer, ctx)
        return Failed(StepError("lost", "no answer"), retryable=True) if ctx.attempt == 1 else outcome

    writer.breaks = breaks_once(errors.Unavailable("no answer", code="lost"))
    writer.run = run_it  # type: ignore[method-assign]  # for this test
    writer.finds = lambda intent: Done({"line": 1})
    run = rig.create(STEP)
    assert rig.execute(run).state.steps[WRITE].status is StepStatus.FAILED

    retry(rig.reopen(run.run))

    assert ended(rig, run).status is RunStatus.SUCCEEDED
    assert writer.outside == ["d1 1"]
    assert len(writer.asked) == 1


def test_who_cannot_look_just_now_tries_again_as_the_step_says(rig: Rig, writer: Writer) -> None:
    looks = iter((errors.Unavailable("no network", code="offline"), Done({"line": 2})))

    def finds(intent: Intent) -> Reconciled:
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        return found

    writer.finds = finds
    run = cut_off(rig, Step(WRITE, "writer", retry=Retry(max_attempts=2, backoff_ms=(0,))))

    assert ended(rig, run).status is RunStatus.SUCCEEDED
    assert writer.outside == []
    assert "step.retry_scheduled write" in rig.types(run.run)


@pytest.mark.parametrize("answered", ["done", None], ids=["a text", "nothing"])
def test_an_answer_that_is_none_fails_the_step_and_leaves_it_open(
    rig: Rig, writer: Writer, answered: str | None
) -> None:
    writer.finds = lambda intent: answered  # type: ignore[assignment,return-value]  # as a plugin may
    run = cut_off(rig)

    state = ended(rig, run)

    error = state.steps[WRITE].error
    assert error is not None
    assert error.code == "handler-fault"
    assert state.steps[WRITE].open_effects


class TestUnclear:
    @pytest.fixture
    def run(self, rig: Rig, writer: Writer) -> OpenRun:
        writer.finds = lambda intent: Unclear("the server has two lines, and says not whose")
        run = cut_off(rig)
        assert ended(rig, run).status is RunStatus.WAITING
        return rig.reopen(run.run)

    def test_a_person_is_asked_and_sees_what_is_known(self, run: OpenRun, rig: Rig) -> None:
        subject = shown_now(run, WRITE)

        assert effects(rig, run) == ["effect.intended write", "effect.unknown write", "approval.requested write"]
        assert subject is not None
        assert subject.reason is ev.AskReason.EFFECT
        for told in ("the server has two lines, and says not whose", "file.append", "the file", "d1"):
            assert told in subject.text

    def test_granted_it_is_made(self, run: OpenRun, rig: Rig, writer: Writer) -> None:
        answer(run, WRITE, "granted")

        assert ended(rig, run).status is RunStatus.SUCCEEDED
        assert writer.outside == ["d1 2"]
        assert len(writer.asked) == 1

    def test_waived_the_step_is_passed_over(self, run: OpenRun, rig: Rig, writer: Writer) -> None:
        answer(run, WRITE, "waived")

        state = ended(rig, run)
        assert state.status is RunStatus.SUCCEEDED
        assert state.steps[WRITE].status is StepStatus.SKIPPED
        assert writer.outside == []

    def test_rejected_the_step_fails(self, run: OpenRun, rig: Rig) -> None:
        answer(run, WRITE, "rejected")

        assert ended(rig, run).status is RunStatus.FAILED


def test_a_handler_that_cannot_look_leaves_it_to_a_person(tmp_path: Path) -> None:
    blind = Blind()
    rig = Rig(tmp_path, tools={"writer": blind})
    run = cut_off(rig)

    assert ended(rig, run).status is RunStatus.WAITING
    assert effects(rig, run)[-1] == "approval.requested write"
    answer(rig.reopen(run.run), WRITE, "granted")
    assert ended(rig, run).status is RunStatus.SUCCEEDED
    assert blind.outside == ["d1 2"]


def test_a_success_that_leaves_an_effect_open_is_none(rig: Rig, writer: Writer) -> None:
    def forgets(ctx: StepContext) -> Outcome:
        ctx.effect("file.append", "the file", "d1")
        return Succeeded()

    writer.run = forgets  # type: ignore[method-assign]  # for this test
    state = rig.execute(rig.create(STEP)).state

    assert state.steps[WRITE].error == StepError(
        "effect-left-open",
        "the handler intended file.append on the file, and did not say what came of it",
        "mend the handler: it calls done(…) on every effect it made",
    )


class TestApproval:
    @pytest.fixture
    def writer(self) -> Writer:
        writer = Writer()
        writer.needs_approval = True
        return writer

    def approved(self, rig: Rig) -> OpenRun:
        run = rig.create(STEP)
        assert rig.execute(run).state.status is RunStatus.WAITING
        answer(rig.reopen(run.run), WRITE, "granted")
        return rig.reopen(run.run)

    def die_in_between(self, rig: Rig, run: OpenRun) -> OpenRun:
        rig.append(run.run, ev.RunResumed("answered", {}))
        rig.append(run.run, ev.StepStarted("writer"), WRITE, 1)
        rig.append(run.run, ev.EffectIntended("file.append", "the file", "d1"), WRITE, 1)
        return rig.reopen(run.run)

    def test_the_handler_knows_what_was_approved(self, rig: Rig, writer: Writer) -> None:
        rig.execute(self.approved(rig))

        assert writer.previewed == [{"lines": 0}]

    def test_what_was_made_under_it_stays_approved_though_it_looks_otherwise_now(
        self, rig: Rig, writer: Writer
    ) -> None:
        run = self.die_in_between(rig, self.approved(rig))
        writer.outside.append("d1 1")  # so that the preview is another one
        writer.finds = lambda intent: Done({"line": 1})

        assert ended(rig, run).status is RunStatus.SUCCEEDED
        assert writer.outside == ["d1 1"]
        assert writer.before == [{"line": 1}]
        assert "approval.stale write" not in rig.types(run.run)

    @pytest.mark.parametrize("of", ["inputs", "env", "what was shown"])
    def test_what_would_act_with_something_else_is_asked_anew_though_a_part_was_made(
        self, rig: Rig, writer: Writer, of: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As where it goes on in another environment, from which its inputs are rendered."""
        run = self.die_in_between(rig, self.approved(rig))
        writer.finds = lambda intent: Done({"line": 1})
        if of == "what was shown":
            for kept in (rig.services.store_folder / "runs").rglob("approvals/*"):
                kept.unlink()
            writer.outside.append("d1 1")  # so that the preview is another one
        else:
            monkeypatch.setattr(PlainRenderer, of, lambda self, step, state: {"to": "others"})

        assert ended(rig, run).status is RunStatus.WAITING
        assert "approval.stale write" in rig.types(run.run)[-3:]
        assert rig.types(run.run)[-1] == "run.waiting"

    def test_what_was_made_before_a_person_was_asked_is_no_part_of_what_they_approve(
        self, rig: Rig, writer: Writer
    ) -> None:
        run = self.die_in_between(rig, self.approved(rig))
        writer.finds = unable
        assert ended(rig, run).status is RunStatus.FAILED
        retry(rig.reopen(run.run))
        writer.outside.append("d1 1")
        writer.digest = "d2"  # as where an earlier step made something else this time
        writer.finds = lambda intent: Done({"line": 1})
        assert ended(rig, run).status is RunStatus.WAITING
        answer(rig.reopen(run.run), WRITE, "granted")

        assert ended(rig, run).status is RunStatus.SUCCEEDED
        assert writer.outside == ["d1 1", "d2 3"]
        assert writer.previewed == [{"lines": 1}]
        assert writer.before == [None]

    def test_what_was_not_made_is_made_under_it_where_it_looks_as_it_did(self, rig: Rig, writer: Writer) -> None:
        run = self.die_in_between(rig, self.approved(rig))

        assert ended(rig, run).status is RunStatus.SUCCEEDED
        assert writer.outside == ["d1 2"]
        assert rig.types(run.run).count("approval.requested write") == 1

    def test_what_was_not_made_is_asked_anew_where_it_looks_otherwise_now(self, rig: Rig, writer: Writer) -> None:
        run = self.die_in_between(rig, self.approved(rig))
        writer.outside.append("of somebody else")

        assert ended(rig, run).status is RunStatus.WAITING
        assert rig.types(run.run)[-3:] == ["approval.stale write", "approval.requested write", "run.waiting"]

    def test_an_unclear_one_is_asked_beside_it(self, rig: Rig, writer: Writer) -> None:
        run = self.die_in_between(rig, self.approved(rig))
        writer.finds = lambda intent: Unclear("who knows")
        assert ended(rig, run).status is RunStatus.WAITING

        answer(rig.reopen(run.run), WRITE, "granted")

        assert ended(rig, run).status is RunStatus.SUCCEEDED
        assert writer.outside == ["d1 2"]
        assert writer.previewed == [{"lines": 0}]


def test_a_handler_that_is_called_where_the_run_is_decided_has_no_effects(tmp_path: Path) -> None:
    class Instant(Writer):
        instant = True

    writer = Instant()
    rig = Rig(tmp_path, tools={"writer": writer})

    error = rig.execute(rig.create(STEP)).state.steps[WRITE].error

    assert error is not None
    assert error.code == "handler-fault"
    assert "instant" in error.message
    assert writer.outside == []
