"""`nofx rollback` without a command line: what is appended, what the run is afterwards, and what is refused."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from nofx_cli import errors
from nofx_cli.clock import format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.domain.plan import Step
from nofx_cli.domain.state import RunState, RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.answer import answer
from nofx_cli.engine.ask_model import _of_replayed as of_replayed
from nofx_cli.engine.enqueue import enqueue
from nofx_cli.engine.follow import follow
from nofx_cli.engine.list_runs import list_runs
from nofx_cli.engine.measure_runs import measure_runs
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.ready_jobs import jobs_of
from nofx_cli.engine.rebuild_queue import rebuild_queue, stranded_runs
from nofx_cli.engine.replayed import decisions
from nofx_cli.engine.retry import retry
from nofx_cli.engine.roll_back import RolledBack, find_way_back, roll_back
from nofx_cli.engine.view_run import view_run
from nofx_cli.engine.worktree import ensure_worktree
from nofx_cli.ports.handler import StepContext
from nofx_cli.ports.queue import Job
from nofx_cli.ports.workspaces import Surroundings, TreeSnapshot, Worktrees
from nofx_cli.testing.rig import FunctionHandler, Rig
from nofx_cli.worker.recovery import settle_the_dead

A, B, C = StepName("a"), StepName("b"), StepName("c")


def count(ctx: StepContext) -> Outcome:
    """An output and an artifact that differ from attempt to attempt."""
    ctx.put_artifact("n.txt", f"{ctx.step} {ctx.attempt}\n".encode())
    return Succeeded({"n": ctx.attempt})


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, tools={"count": count})


def chain(rig: Rig, *, approval: bool = False) -> OpenRun:
    """A run of `a`, `b` and `c`, executed; with `approval` it waits for one of `b`."""
    run = rig.create(Step(A, "count"), Step(B, "count", (A,), approval=approval), Step(C, "count", (B,)))
    rig.execute(run)
    return rig.reopen(run.run)


def back(rig: Rig, run: RunId, to: str, *, reason: str = "") -> RolledBack:
    return roll_back(rig.reopen(run), to, reason=reason, settle_the_dead=settle_the_dead)


def stand(state: RunState) -> dict[str, object]:
    """How each step stands: its status, outputs and artifacts."""
    told: dict[str, object] = {
        name: (step.status.value, dict(step.outputs), [file.digest for file in step.artifacts])
        for name, step in state.steps.items()
    }
    return {**told, "run": state.status.value}


def test_to_a_step_and_on_from_there(rig: Rig) -> None:
    run = chain(rig).run
    done = back(rig, run, "a", reason="wrong")
    assert rig.types(run)[-1] == "run.rolled_back"
    last = rig.events(run)[-1]
    assert isinstance(last.payload, ev.RunRolledBack)
    assert (last.payload.reason, last.payload.status, last.seq) == ("wrong", "running", done.seq)
    assert rig.events(run)[last.payload.to_seq - 1].type == "step.finished"
    state = rig.reopen(run).state
    assert [step.status for step in state.steps.values()] == ["succeeded", "pending", "pending"]
    ended = rig.execute(rig.reopen(run)).state
    assert ended.status is RunStatus.SUCCEEDED
    assert [step.outputs["n"] for step in ended.steps.values()] == [1, 2, 2]
    assert rig.types(run).count("step.started a") == 1


def test_a_rollback_is_rolled_back(rig: Rig) -> None:
    run = chain(rig).run
    first = stand(rig.reopen(run).state)
    undo = back(rig, run, "a").undo
    assert stand(rig.reopen(run).state) != first
    rig.execute(rig.reopen(run))
    second = stand(rig.reopen(run).state)
    again = back(rig, run, str(undo)).undo
    assert stand(rig.reopen(run).state) == first
    back(rig, run, str(again))
    assert stand(rig.reopen(run).state) == second


def test_artifacts_are_those_of_the_point_and_all_can_still_be_read(rig: Rig) -> None:
    from nofx_cli.engine.kept_files import contents, find_kept_file, kept_files

    run = chain(rig).run
    undo = back(rig, run, "a").undo
    rig.execute(rig.reopen(run))
    view = view_run(rig.services, run)
    assert b"".join(contents(rig.services, run, find_kept_file(view, B, "n.txt"))) == b"b 2\n"
    back(rig, run, str(undo))
    view = view_run(rig.services, run)
    assert b"".join(contents(rig.services, run, find_kept_file(view, B, "n.txt"))) == b"b 1\n"
    assert b"".join(contents(rig.services, run, find_kept_file(view, B, "n.txt", attempt=2))) == b"b 2\n"
    assert [(file.attempt, file.rolled_back) for file in kept_files(view, step=B)] == [(1, False), (2, True)]


def test_to_a_point_where_a_person_was_asked(rig: Rig) -> None:
    run = chain(rig, approval=True).run
    answer(rig.reopen(run), B, "granted")
    rig.execute(rig.reopen(run))
    asked = 1 + rig.types(run).index("run.waiting")
    assert back(rig, run, str(asked)).way.after.status is RunStatus.WAITING
    assert [listed.status for listed in list_runs(rig.services, limit=None)] == ["waiting"]
    answer(rig.reopen(run), B, "rejected")
    assert rig.execute(rig.reopen(run)).state.status is RunStatus.FAILED


def test_an_approval_that_was_given_before_the_point_is_not_asked_for_again(rig: Rig) -> None:
    run = chain(rig, approval=True).run
    answer(rig.reopen(run), B, "granted")
    rig.execute(rig.reopen(run))
    granted = 1 + rig.types(run).index("approval.granted b")
    back(rig, run, str(granted))
    assert rig.execute(rig.reopen(run)).state.status is RunStatus.SUCCEEDED
    assert rig.types(run).count("approval.requested b") == 1


@pytest.mark.parametrize(("rerun_safe", "asked"), [(True, 0), (False, 1)])
def test_what_ran_at_that_point_counts_as_cut_off(tmp_path: Path, *, rerun_safe: bool, asked: int) -> None:
    rig = Rig(tmp_path, tools={"count": FunctionHandler(count, rerun_safe=rerun_safe)})
    run = chain(rig).run
    started = 1 + rig.types(run).index("step.started b")
    back(rig, run, str(started))
    state = rig.execute(rig.reopen(run)).state
    assert rig.types(run).count("approval.requested b") == asked
    assert "worker.lost" not in rig.types(run), "nobody was lost"
    interrupted = [event.payload for event in rig.events(run) if isinstance(event.payload, ev.StepInterrupted)]
    assert [told.reason for told in interrupted] == ["the run was rolled back to where it ran"]
    assert state.steps[B].attempt == (1 if asked else 2)


def test_what_ran_at_that_point_is_taken_over_by_workers_though_its_own_lives(rig: Rig) -> None:
    with rig.services.workers.register(concurrency=1) as me:
        run = rig.create(Step(A, "count"))
        rig.append(run.run, ev.RunStarted())
        rig.append(run.run, ev.StepEnqueued(), "a")
        rig.append(run.run, ev.StepStarted("count", worker=me.id), "a", 1)
        rig.append(run.run, ev.StepFinished(), "a", 1)
        back(rig, run.run, "4")
        enqueue(rig.reopen(run.run))
        rig.worker()
    assert rig.reopen(run.run).state.status is RunStatus.SUCCEEDED
    assert rig.types(run.run).count("step.started a") == 2


@pytest.mark.parametrize("point", ["step.finished a", "step.started b"])
def test_workers_leave_it_alone_until_somebody_goes_on(rig: Rig, point: str) -> None:
    run = chain(rig).run
    back(rig, run, str(1 + rig.types(run).index(point)))
    rig.append(run, ev.SnapshotTaken("t"))  # as where it works in a worktree
    before = rig.types(run)
    enqueued = rig.create(Step(A, "count"))  # a job of it, left in the queue by whoever died before the rollback
    rig.services.queue.put([replace(job, run=run) for job in _jobs(rig, enqueued)])
    rig.worker()
    assert rig.types(run) == before
    assert list(rebuild_queue(rig.services)) == []
    assert list(stranded_runs(rig.services)) == []
    enqueue(rig.reopen(run))
    (job,) = [job for job in rig.services.queue.waiting() if job.run == run]
    assert (job.step, job.attempt) == ("b", 2)
    rig.worker()
    assert rig.reopen(run).state.status is RunStatus.SUCCEEDED


def _jobs(rig: Rig, run: OpenRun) -> list[Job]:
    return jobs_of(run.plan, run.state, rig.clock.now_us())


def test_jobs_that_wait_are_dropped(rig: Rig) -> None:
    run = rig.enqueue(Step(A, "count"))
    rig.append(run.run, ev.RunStarted())
    assert rig.services.queue.stats().depth == 1
    back(rig, run.run, "1")
    assert rig.services.queue.stats().depth == 0


def test_who_has_the_run_open_takes_it_in(rig: Rig) -> None:
    mine = chain(rig)
    back(rig, mine.run, "a")
    assert [event.type for event in mine.refresh()] == ["run.rolled_back"]
    assert stand(mine.state) == stand(rig.reopen(mine.run).state)
    assert mine.seq == rig.events(mine.run)[-1].seq


def test_what_somebody_appends_meanwhile_is_rolled_back_too(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    run = chain(rig, approval=True).run
    other = rig.reopen(run)

    def answered_just_now(_: OpenRun) -> None:
        answer(other, B, "granted")

    roll_back(rig.reopen(run), "a", reason="", settle_the_dead=answered_just_now)
    assert rig.types(run)[-2:] == ["approval.granted b", "run.rolled_back"]
    assert rig.reopen(run).state.steps[B].status is StepStatus.PENDING


def test_it_is_rolled_back_as_it_stands_and_not_as_it_was_seen(rig: Rig) -> None:
    seen = rig.create(Step(A, "count"), Step(B, "count", (A,)))
    rig.execute(rig.reopen(seen.run))
    done = roll_back(seen, "a", reason="", settle_the_dead=settle_the_dead)
    assert done.way.before.steps[B].status is StepStatus.SUCCEEDED


def test_a_replay_repeats_the_decisions_that_count(rig: Rig) -> None:
    run = chain(rig, approval=True).run
    asked = rig.reopen(run).seq
    answer(rig.reopen(run), B, "rejected", note="no")
    rig.execute(rig.reopen(run))
    back(rig, run, str(asked))
    answer(rig.reopen(run), B, "granted", note="yes")
    assert [decided.note for decided in decisions(rig.services.store, run, B)] == ["yes"]


def test_a_replay_is_given_the_answer_that_counts(rig: Rig) -> None:
    run = rig.create(Step(A, "count")).run
    rig.append(run, ev.LlmResponded("d", "m", answer="wrong"), "a", 1)
    back(rig, run, "1")
    rig.append(run, ev.LlmResponded("d", "m", answer="right"), "a", 2)
    taken: list[str] = []

    class Kept:
        def exact(self, digest: str, answer: str) -> str:
            taken.append(answer)
            return answer

    ctx = SimpleNamespace(step=A)
    of_replayed(rig.services, Kept(), ctx, run=run, digest="d", passed=frozenset())  # type: ignore[arg-type]
    assert taken == ["right"]


def test_a_run_that_lives_is_refused_and_nothing_is_changed(rig: Rig) -> None:
    run = chain(rig).run
    before = rig.types(run)
    with rig.services.liveness.hold(run), pytest.raises(errors.Conflict) as refused:
        back(rig, run, "a")
    assert refused.value.code == "run-is-held"
    assert rig.types(run) == before


@pytest.mark.parametrize(
    ("to", "code", "told"),
    [
        ("d", "step-not-found", "has no step 'd'"),
        ("99", "event-not-found", "they go from 1 to"),
        ("0", "event-not-found", "has no event 0"),
        ("9" * 5_000, "event-not-found", "has no event 999"),
        ("-1", "step-not-found", "has no step '-1'"),
        ("²", "step-not-found", "has no step '²'"),
        ("", "step-not-found", "has no step ''"),
    ],
)
def test_a_point_that_there_is_not(rig: Rig, to: str, code: str, told: str) -> None:
    run = chain(rig).run
    before = rig.types(run)
    with pytest.raises(errors.NotFound) as refused:
        back(rig, run, to)
    assert refused.value.code == code
    assert told in refused.value.message
    assert rig.types(run) == before


def test_the_last_event_is_no_point_to_go_back_to(rig: Rig) -> None:
    run = chain(rig)
    with pytest.raises(errors.Conflict) as refused:
        find_way_back(run, str(run.seq))
    assert refused.value.code == "nothing-to-roll-back"


def test_a_step_that_has_not_ended(rig: Rig) -> None:
    run = chain(rig, approval=True)
    with pytest.raises(errors.NotFound, match="has not ended: it is waiting") as refused:
        find_way_back(run, "b")
    assert refused.value.code == "step-not-ended"


def test_a_step_that_ended_in_what_was_rolled_back_is_found_by_its_event(rig: Rig) -> None:
    run = chain(rig).run
    ended = 1 + rig.types(run).index("step.finished b")
    back(rig, run, "a")
    with pytest.raises(errors.NotFound, match="but in what was rolled back") as refused:
        back(rig, run, "b")
    assert refused.value.hint == f"to the point where it had: --to {ended}"
    back(rig, run, str(ended))
    assert rig.reopen(run).state.steps[B].status is StepStatus.SUCCEEDED


def test_a_point_amid_a_question_is_refused_and_the_next_one_named(rig: Rig) -> None:
    """There the step waits, and nobody could answer."""
    run = chain(rig, approval=True).run
    rig.append(run, ev.ApprovalStale("x", "y"), "b")
    rig.append(run, ev.ApprovalRequested("y", "go on now?"), "b")
    stale = 1 + rig.types(run).index("approval.stale b")
    rig.append(run, ev.JournalRepaired())
    with pytest.raises(errors.Conflict) as refused:
        back(rig, run, str(stale))
    assert (refused.value.code, refused.value.hint) == ("amid-a-question", f"to where it was asked: --to {stale + 1}")
    back(rig, run, str(stale + 1))


def test_the_list_and_those_who_follow_know_how_it_stands(rig: Rig) -> None:
    run = chain(rig).run
    ended = rig.reopen(run).seq
    back(rig, run, "a")
    (listed,) = list_runs(rig.services, limit=None)
    assert (listed.status, listed.shown_status, listed.ended_at) == ("running", "interrupted", "")
    before = view_run(rig.services, run)
    back(rig, run, str(ended))
    (listed,) = list_runs(rig.services, limit=None)
    state = rig.reopen(run).state
    assert (listed.status, listed.ended_at, listed.duration_ms) == ("succeeded", state.ended_at, state.duration_ms)
    assert listed.steps == {"succeeded": 3}
    assert before.state.status is RunStatus.RUNNING
    assert [event.seq for piece in follow(rig.services, run) for event in piece][-1] == rig.reopen(run).seq
    measures = measure_runs(rig.services.store)
    assert +measures.runs == {RunStatus.SUCCEEDED: 1}


def test_attempts_that_were_rolled_back_are_still_counted(rig: Rig) -> None:
    run = chain(rig).run
    back(rig, run, "a")
    measures = measure_runs(rig.services.store)
    assert sum(found.count for found in measures.durations.values()) == 3
    assert +measures.steps == {StepStatus.SUCCEEDED: 1, StepStatus.PENDING: 2}


def test_a_run_that_was_rolled_back_can_be_rolled_back_further(rig: Rig) -> None:
    run = chain(rig).run
    back(rig, run, "b")
    back(rig, run, "a")
    state = rig.reopen(run).state
    assert [step.status for step in state.steps.values()] == ["succeeded", "pending", "pending"]


def test_a_retry_behind_a_rollback_goes_on_with_new_attempts(rig: Rig) -> None:
    run = chain(rig).run
    ended = rig.reopen(run).seq
    back(rig, run, "a")
    rig.execute(rig.reopen(run))
    back(rig, run, str(ended))
    assert retry(rig.reopen(run), start=B) == ["b", "c"]
    state = rig.execute(rig.reopen(run)).state
    assert [step.outputs["n"] for step in state.steps.values()] == [1, 3, 3]


class Trees:
    """A worktree of which only the tree is there, and what was done to it."""

    def __init__(self, folder: Path) -> None:
        self.tree, self.folder, self.broken = "t0", folder, False
        self.kept: dict[str, str] = {}

    def ensure(self, run: RunId, commit: str, *, tree: str = "") -> Path:
        return self.folder

    def snapshot(self, run: RunId, step: StepName, attempt: int, *, before: str) -> TreeSnapshot | None:
        if self.tree == before:
            return None
        self.kept[f"{step}/{attempt}"] = self.tree
        return TreeSnapshot(self.tree, f"{step}/{attempt}")

    def surroundings(self, run: RunId) -> Surroundings:
        return Surroundings(self.folder, self.folder / ".git")

    def restore(self, run: RunId, tree: str) -> None:
        if self.broken:
            raise errors.Unavailable("no space left", code="worktree-failed")
        self.tree = tree


RUN = RunId("20261122-091530-7k3f9q")


class InWorktree:
    """A run that wrote `t1` and then `t2` into its worktree."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.trees = rig, Trees(rig.services.workspace)
        rig.services = replace(rig.services, worktrees=lambda: cast("Worktrees", self.trees))
        plan = rig.create(Step(A, "count"), Step(B, "count", (A,)))
        workspace = {"mode": "worktree", "path": "/p", "commit": "c", "base": "t0", "tree": str(self.trees.folder)}
        created = ev.RunCreated(plan_digest=plan.plan.digest, workspace=workspace)
        store = rig.services.store
        at = format_at(rig.clock.now_us())
        store.create(RUN, store.plan_text(plan.run), [ev.Draft(created)], at=at, actor=rig.services.actor)
        rig.append(RUN, ev.RunStarted())
        for step, tree in (("a", "t1"), ("b", "t2")):
            rig.append(RUN, ev.StepEnqueued(), step)
            rig.append(RUN, ev.StepStarted("count"), step, 1)
            rig.append(RUN, ev.SnapshotTaken(tree, f"{step}/1"), step, 1)
            rig.append(RUN, ev.StepFinished(), step, 1)
        self.trees.tree = "t2"

    def back(self, to: str) -> RolledBack:
        return back(self.rig, RUN, to)

    @property
    def state(self) -> RunState:
        return self.rig.reopen(RUN).state


@pytest.fixture
def worktree(rig: Rig) -> InWorktree:
    return InWorktree(rig)


class TestInAWorktree:
    def test_it_is_set_back_and_that_is_on_record(self, worktree: InWorktree) -> None:
        worktree.back("a")
        assert worktree.trees.tree == "t1"
        assert worktree.rig.types(RUN)[-2:] == ["run.rolled_back", "snapshot.taken"]
        assert (worktree.state.tree, worktree.state.tree_is_due) == ("t1", False)
        assert worktree.trees.kept == {}

    def test_what_stood_there_and_no_step_left_is_kept_and_comes_back(self, worktree: InWorktree) -> None:
        worktree.trees.tree = "by hand"
        done = worktree.back("a")
        assert list(worktree.trees.kept.values()) == ["by hand"]
        assert worktree.rig.types(RUN)[-3:] == ["snapshot.taken", "run.rolled_back", "snapshot.taken"]
        worktree.back(str(done.undo))
        assert worktree.trees.tree == "by hand"

    def test_where_it_cannot_be_set_back_that_is_told_and_done_by_who_goes_on(self, worktree: InWorktree) -> None:
        worktree.trees.broken = True
        done = worktree.back("a")
        assert done.fault is not None
        assert "no space left" in done.fault.message
        assert (worktree.trees.tree, worktree.state.tree_is_due) == ("t2", True)
        worktree.trees.broken = False
        worktree.rig.execute(worktree.rig.reopen(RUN))
        assert worktree.trees.tree == "t1"
        assert not worktree.state.tree_is_due

    def test_what_a_person_changes_afterwards_stays(self, worktree: InWorktree) -> None:
        worktree.back("a")
        worktree.trees.tree = "mended by hand"
        opened = worktree.rig.reopen(RUN)
        ensure_worktree(opened.services, opened.state)
        worktree.rig.execute(opened)
        assert worktree.trees.tree == "mended by hand"

    def test_where_what_stands_there_cannot_be_kept_nothing_is_changed(
        self, worktree: InWorktree, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise errors.Unavailable("no space left", code="snapshot-not-written")

        monkeypatch.setattr(worktree.trees, "snapshot", fail)
        before = worktree.rig.types(RUN)
        with pytest.raises(errors.Unavailable):
            worktree.back("a")
        assert worktree.rig.types(RUN) == before
        assert worktree.trees.tree == "t2"

    def test_what_the_run_changed_is_told_from_what_counts(self, worktree: InWorktree) -> None:
        from nofx_cli.engine.kept_trees import changes_of_step, whole_change

        worktree.back("a")
        view = view_run(worktree.rig.services, RUN)
        assert (whole_change(view).old, whole_change(view).new) == ("t0", "t1")
        assert changes_of_step(view, B) == []
