"""Answers from another process: the run that waits goes on at once, once, and with exactly what was shown."""

import json
from collections.abc import Iterable
from datetime import datetime

import pytest

from nofx_cli.domain import events as ev
from tests.acceptance.program import Program, ended

pytestmark = pytest.mark.acceptance

QUESTION = '  - {{name: {name}, tool: "manual:release", needs: [], inputs: {{message: "Release {name}?"}}}}\n'
DEPLOY = "  - {name: deploy, tool: shell, approval: required, inputs: {command: [./deploy.sh]}}\n"


def _questions(nofx: Program, *names: str) -> None:
    nofx.plan("".join(QUESTION.format(name=name) for name in names))


def _deploy(nofx: Program, text: str) -> None:
    script = nofx.folder / "deploy.sh"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)


def _at(events: Iterable[ev.Event], kind: str, step: str) -> datetime:
    (at,) = (event.at for event in events if event.type == kind and event.step == step)
    return datetime.fromisoformat(at)


def test_a_run_that_waits_goes_on_within_100_ms_of_an_answer_in_another_process(nofx: Program) -> None:
    names = ("a", "b", "c")
    _questions(nofx, *names)
    waiting = nofx.start("run", "plan.yaml", "--wait", "--json")
    nofx.shows("run.waiting")
    for times, name in enumerate(names, 1):
        told = nofx("approve", name, "--json")
        assert told.code == 0, told
        assert json.loads(told.out)["decision"] == "granted"
        assert f"goes on in process {waiting.pid} on " in told.err
        nofx.shows("step.finished " + name)
        assert nofx.types().count("run.waiting") >= times
    assert ended(waiting).code == 0
    events = nofx.events()
    took = [_at(events, "step.started", name) - _at(events, "approval.granted", name) for name in names]
    assert min(took).total_seconds() < 0.1
    assert all(
        event.payload.executor["pid"] == waiting.pid for event in events if isinstance(event.payload, ev.RunResumed)
    )


def test_where_nobody_waits_the_run_goes_on_right_here(nofx: Program) -> None:
    _questions(nofx, "a")
    assert nofx("run", "plan.yaml").code == 8
    approving = nofx.start("approve", "a", "--note", "looks good")
    assert ended(approving).code == 0
    (resumed,) = (event.payload for event in nofx.events() if isinstance(event.payload, ev.RunResumed))
    assert resumed.executor["pid"] == approving.pid
    assert nofx.types()[-1] == "run.succeeded"


def test_two_who_approve_at_the_same_time_leave_one_event_and_have_the_same_answer(nofx: Program) -> None:
    _questions(nofx, "a")
    assert nofx("run", "plan.yaml").code == 8
    both = [ended(process) for process in [nofx.start("approve", "a", "--no-resume", "--json") for _ in range(3)]]
    assert [told.code for told in both] == [0, 0, 0]
    answers = [json.loads(told.out) for told in both]
    assert sorted(answer.pop("new") for answer in answers) == [False, False, True]
    assert answers[0] == answers[1] == answers[2]
    assert nofx.types().count("approval.granted a") == 1


def test_two_who_approve_and_go_on_run_the_step_once(nofx: Program) -> None:
    _questions(nofx, "a")
    assert nofx("run", "plan.yaml").code == 8
    both = [ended(process) for process in [nofx.start("approve", "a") for _ in range(2)]]
    assert [told.code for told in both] == [0, 0], both
    assert nofx.types().count("step.started a") == 1
    assert nofx.types()[-1] == "run.succeeded"


def test_approve_and_reject_at_the_same_time_one_wins_and_the_other_is_refused(nofx: Program) -> None:
    _questions(nofx, "a")
    assert nofx("run", "plan.yaml").code == 8
    both = [nofx.start(word, "a", "--no-resume", "--json") for word in ("approve", "reject")]
    codes = sorted(ended(process).code for process in both)
    assert codes == [0, 5]
    assert nofx.types().count("approval.granted a") + nofx.types().count("approval.rejected a") == 1


def test_what_changed_after_the_approval_does_not_run_and_is_asked_anew(nofx: Program) -> None:
    _deploy(nofx, "echo deployed >> deployed")
    nofx.plan(DEPLOY)
    assert nofx("run", "plan.yaml").code == 8
    assert nofx("approve", "deploy", "--no-resume").code == 0
    _deploy(nofx, "echo something else >> deployed")
    stale = nofx("resume")
    assert stale.code == 5, stale
    assert "nofx approve deploy --run" in stale.err
    assert nofx.types()[-3:] == ["approval.stale deploy", "approval.requested deploy", "run.waiting"]
    assert not (nofx.folder / "deployed").exists()
    assert nofx("approve", "deploy").code == 0
    assert (nofx.folder / "deployed").read_text() == "something else\n"


def test_what_changed_before_the_approval_is_not_approved_and_is_asked_anew(nofx: Program) -> None:
    _deploy(nofx, "echo deployed >> deployed")
    nofx.plan(DEPLOY)
    assert nofx("run", "plan.yaml").code == 8
    _deploy(nofx, "echo something else >> deployed")
    stale = nofx("approve", "deploy")
    assert stale.code == 5, stale
    assert "approval-stale" in stale.err
    assert "nofx approve deploy --run" in stale.err
    assert nofx.types()[-2:] == ["approval.stale deploy", "approval.requested deploy"]
    assert not (nofx.folder / "deployed").exists()
    assert nofx("resume").code == 8, "the new question is open"
    assert nofx("approve", "deploy").code == 0


def test_who_approves_elsewhere_without_the_variable_is_told_so_and_nothing_happens(nofx: Program) -> None:
    nofx.plan(
        "policy: {env: {allow: [TARGET]}}\n"
        'steps: [{name: a, tool: "manual:x", inputs: {message: "{{ env.TARGET }}?"}}]\n'
    )
    assert nofx("run", "plan.yaml", env={"TARGET": "production"}).code == 8
    before = nofx.types()
    told = nofx("approve", "a")
    assert told.code == 3, told
    assert "TARGET" in told.err
    assert nofx.types() == before
    assert nofx("approve", "a", env={"TARGET": "production"}).code == 0
