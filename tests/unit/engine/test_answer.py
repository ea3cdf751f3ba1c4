"""Answers count for exactly what was shown, once, whoever gives them."""

import json
import threading
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import StepName, digest_of_bytes
from nofx_cli.domain.outcome import Succeeded
from nofx_cli.domain.plan import Step
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.answer import Decision, answer, waiting_steps
from nofx_cli.engine.find_question import find_question
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.testing.rig import FunctionHandler, Rig

DEPLOY = StepName("deploy")


def rig_with_question(folder: Path) -> tuple[Rig, FunctionHandler, OpenRun]:
    """A run that waits for `deploy`."""
    tool = FunctionHandler(lambda ctx: Succeeded({"by": ctx.approval.by if ctx.approval else ""}), needs_approval=True)
    tool.shown = {"argv": ["./deploy.sh"]}
    rig = Rig(folder, tools={"ask": tool})
    run = rig.create(Step(StepName("build"), "echo"), Step(DEPLOY, "ask", (StepName("build"),)))
    assert rig.execute(run).state.status is RunStatus.WAITING
    return rig, tool, rig.reopen(run.run)


def test_what_is_shown_is_kept_and_its_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    rig, _, run = rig_with_question(tmp_path)

    asked = run.state.steps[DEPLOY].approval
    assert asked is not None
    folder = rig.services.artifacts.log_path(run.run, DEPLOY, 1).parent.parent
    kept = (folder / asked.path).read_bytes()

    assert digest_of_bytes(kept) == asked.digest
    assert json.loads(kept)["preview"] == {"argv": ["./deploy.sh"]}


def test_granted_the_step_runs_and_sees_who_granted_it(tmp_path: Path) -> None:
    rig, _, run = rig_with_question(tmp_path)

    answered = answer(run, DEPLOY, "granted", note="go")
    state = rig.execute(rig.reopen(run.run)).state

    assert answered.new
    assert state.status is RunStatus.SUCCEEDED
    assert state.steps[DEPLOY].outputs == {"by": "tester"}
    assert rig.types(run.run).count("run.resumed") == 1


def test_rejected_the_step_fails_and_the_run_ends_as_denied(tmp_path: Path) -> None:
    rig, _, run = rig_with_question(tmp_path)

    answer(run, DEPLOY, "rejected", note="not on a Friday")
    state = rig.execute(rig.reopen(run.run)).state

    assert state.status is RunStatus.FAILED
    assert state.failure is not None
    assert state.failure.error.code == "rejected"
    assert state.failure.error.message == "rejected by tester: not on a Friday"


def test_waived_the_step_is_passed_over_and_the_run_goes_on(tmp_path: Path) -> None:
    rig, _, run = rig_with_question(tmp_path)

    answer(run, DEPLOY, "waived", note="done by hand")
    state = rig.execute(rig.reopen(run.run)).state

    assert state.status is RunStatus.SUCCEEDED
    assert state.steps[DEPLOY].status is StepStatus.SKIPPED
    assert rig.types(run.run).count(f"step.started {DEPLOY}") == 0


def test_the_same_answer_again_is_told_again_without_an_event(tmp_path: Path) -> None:
    rig, _, run = rig_with_question(tmp_path)
    first = answer(run, DEPLOY, "granted")
    before = len(rig.events(run.run))

    again = answer(rig.reopen(run.run), DEPLOY, "granted")
    rig.execute(rig.reopen(run.run))
    after_the_run = answer(rig.reopen(run.run), DEPLOY, "granted")

    assert (first.new, again.new, after_the_run.new) == (True, False, False)
    assert again.approval == first.approval
    assert rig.types(run.run).count(f"approval.granted {DEPLOY}") == 1
    assert before < len(rig.events(run.run))


@pytest.mark.parametrize(("first", "second"), [("rejected", "granted"), ("granted", "rejected"), ("waived", "granted")])
def test_another_answer_after_the_first_is_refused(tmp_path: Path, first: Decision, second: Decision) -> None:
    rig, _, run = rig_with_question(tmp_path)
    answer(run, DEPLOY, first)

    with pytest.raises(errors.Conflict) as refused:
        answer(rig.reopen(run.run), DEPLOY, second)

    assert refused.value.code == "answered-already"
    assert f"was {first} by tester" in refused.value.message


def test_changed_before_the_answer_nothing_is_granted_and_it_is_asked_anew(tmp_path: Path) -> None:
    rig, tool, run = rig_with_question(tmp_path)
    tool.shown = {"argv": ["./deploy.sh", "--force"]}

    with pytest.raises(errors.Conflict) as refused:
        answer(run, DEPLOY, "granted")

    assert (refused.value.code, refused.value.exit_code) == ("approval-stale", 5)
    assert rig.types(run.run)[-2:] == [f"approval.stale {DEPLOY}", f"approval.requested {DEPLOY}"]
    assert waiting_steps(rig.reopen(run.run)) == [DEPLOY]
    assert answer(rig.reopen(run.run), DEPLOY, "granted").new


def test_changed_after_the_answer_the_step_does_not_run_and_it_is_asked_anew(tmp_path: Path) -> None:
    rig, tool, run = rig_with_question(tmp_path)
    answer(run, DEPLOY, "granted")
    tool.shown = {"argv": ["./other.sh"]}

    ending = rig.execute(rig.reopen(run.run))

    assert ending.stale
    assert ending.state.status is RunStatus.WAITING
    assert rig.types(run.run).count(f"step.started {DEPLOY}") == 0
    asked = ending.state.steps[DEPLOY].approval
    assert asked is not None
    assert asked.decision is None


def test_an_artifact_changed_on_disk_makes_the_approval_stale(tmp_path: Path) -> None:
    def builds(ctx: object) -> Succeeded:
        ctx.put_artifact("wheel.txt", b"good")  # type: ignore[attr-defined]
        return Succeeded()

    tool = FunctionHandler(lambda _ctx: Succeeded(), needs_approval=True)
    rig = Rig(tmp_path, tools={"build": builds, "ask": tool})
    run = rig.create(Step(StepName("build"), "build"), Step(DEPLOY, "ask", (StepName("build"),)))
    state = rig.execute(run).state
    answer(rig.reopen(run.run), DEPLOY, "granted")
    [artifact] = state.steps[StepName("build")].artifacts
    folder = rig.services.artifacts.log_path(run.run, DEPLOY, 1).parent.parent
    (folder / artifact.path).write_bytes(b"evil")

    assert rig.execute(rig.reopen(run.run)).stale


def test_of_two_approvers_at_the_same_time_one_event_is_left(tmp_path: Path) -> None:
    rig, _, run = rig_with_question(tmp_path)
    both = [rig.reopen(run.run) for _ in range(8)]
    start = threading.Barrier(len(both))
    new: list[bool] = []

    def approve(opened: OpenRun) -> None:
        start.wait(timeout=10)
        new.append(answer(opened, DEPLOY, "granted").new)

    threads = [threading.Thread(target=approve, args=(opened,)) for opened in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    assert sorted(new) == [False] * 7 + [True]
    assert rig.types(run.run).count(f"approval.granted {DEPLOY}") == 1


def test_a_step_that_does_not_wait_cannot_be_answered(tmp_path: Path) -> None:
    _, _, run = rig_with_question(tmp_path)

    with pytest.raises(errors.Conflict, match=r"step build of run .* is succeeded, it does not wait"):
        answer(run, StepName("build"), "granted")
    with pytest.raises(errors.NotFound, match="has no step 'nope'"):
        answer(run, StepName("nope"), "granted")


def test_an_answer_to_something_older_than_the_open_question_is_stale(tmp_path: Path) -> None:
    rig, _, run = rig_with_question(tmp_path)

    with pytest.raises(errors.Conflict) as refused:
        answer(run, DEPLOY, "granted", digest="0" * 64)

    assert refused.value.code == "approval-stale"
    assert rig.types(run.run).count(f"approval.requested {DEPLOY}") == 1


def test_the_newest_run_that_waits_so_is_meant(tmp_path: Path) -> None:
    rig, _, older = rig_with_question(tmp_path)
    rig.clock.advance(5_000)  # type: ignore[attr-defined]
    newer = rig.create(Step(DEPLOY, "ask"))
    rig.execute(newer)

    assert find_question(rig.services, DEPLOY).run == newer.run
    answer(rig.reopen(newer.run), DEPLOY, "granted")
    assert find_question(rig.services, DEPLOY).run == older.run
    with pytest.raises(errors.NotFound, match="no run has a step 'release'"):
        find_question(rig.services, StepName("release"))
