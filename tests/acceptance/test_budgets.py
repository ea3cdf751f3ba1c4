"""Budgets hold for steps, workers and runs at the same time: what would pass one asks no model, but a person."""

import threading
from collections.abc import Iterator

import pytest

from nofx_cli.testing.waiting import wait_until
from tests.acceptance.model_project import USAGE, ModelProject
from tests.acceptance.program import PATIENCE, Program, ended
from tests.acceptance.workplace import Workplace
from tests.model_server import Asked, ModelServer, Say

pytestmark = pytest.mark.acceptance

STEPS = "".join(
    f"  - {{name: {name}, tool: codegen, needs: [], inputs: {{prompt: about {name}, output: {name}.md}}}}\n"
    for name in "abcd"
)
FOR_TWO = f"concurrency: 4\nbudget: {{usd: 0.25}}\nsteps:\n{STEPS}"
"""Each step can cost a little more than 10 cents, and does cost that."""


class Held:
    """A model that answers nobody before it may."""

    def __init__(self, server: ModelServer) -> None:
        self.go_on = threading.Event()
        server.otherwise = self._say

    def _say(self, asked: Asked) -> Say:
        return Say("It is about that.", usage=USAGE, go_on=self.go_on)


@pytest.fixture
def project(nofx: Program) -> Iterator[ModelProject]:
    with ModelServer() as server:
        yield ModelProject(nofx, server)


@pytest.fixture
def held(project: ModelProject) -> Held:
    return Held(project.server)


def times(nofx: Program, event: str) -> int:
    """How often all runs have an event, whatever its step."""
    return sum(one.type == event for run in nofx.runs() for one in nofx.events(run))


def two_ask(project: ModelProject, *, others: int) -> None:
    """Wait until two steps ask, and the others do not."""
    wait_until(lambda: project.server.calls == 2, timeout=PATIENCE, why="steps that ask")
    wait_until(lambda: times(project.nofx, "budget.exceeded") == others, timeout=PATIENCE, why="steps that do not")


def test_of_four_steps_two_ask_and_when_the_budget_is_raised_the_others_do(project: ModelProject, held: Held) -> None:
    nofx = project.nofx
    running = nofx.start("run", project.plan(FOR_TWO))
    two_ask(project, others=2)
    held.go_on.set()
    told = ended(running)
    assert told.code == 8, told
    assert project.server.calls == 2
    assert "the budget of the run is $0.25 (../plan.yaml:2): $0.20" in told.err
    shown = project.shown("show")
    assert sorted(step["status"] for step in shown["steps"]) == ["succeeded", "succeeded", "waiting", "waiting"]
    assert shown["waiting"][0]["question"].startswith("the budget of the run is $0.25")
    waiting = next(step["name"] for step in shown["steps"] if step["status"] == "waiting")
    told = nofx("approve", waiting)
    assert told.code == 0, told
    assert nofx.types()[-1] == "run.succeeded"
    project.spent(4)


def test_a_no_lets_what_waits_fail_and_nobody_is_asked(project: ModelProject, held: Held) -> None:
    held.go_on.set()
    told = project.run(FOR_TWO.replace("concurrency: 4", "concurrency: 1"))
    assert told.code == 8, told
    waiting = [step["name"] for step in project.shown("show")["steps"] if step["status"] == "waiting"]
    assert [project.nofx("reject", name).code for name in waiting] == [8, 0]
    assert project.nofx.types()[-1] == "run.failed"
    project.spent(2)


def test_two_workers_on_one_run_do_not_pass_its_budget(project: ModelProject, held: Held, work: Workplace) -> None:
    nofx = project.nofx
    for _ in range(2):
        work.worker("--concurrency", "2")
    told = nofx("run", project.plan(FOR_TWO), "--detach", "--no-start-worker")
    assert told.code == 0, told
    run = told.out.strip()
    two_ask(project, others=2)
    held.go_on.set()
    work.has(run, "run.waiting")
    assert project.server.calls == 2
    waiting = next(step["name"] for step in project.shown("show")["steps"] if step["status"] == "waiting")
    assert nofx("approve", waiting).code == 0
    work.has(run, "run.succeeded")
    project.spent(4)


def test_two_runs_at_a_time_do_not_pass_what_the_project_may_ask_in_a_day(project: ModelProject, held: Held) -> None:
    nofx = project.nofx
    project.settings("budget: {calls: 2, per: day}\n")
    two = FOR_TWO.replace("budget: {usd: 0.25}\n", "")
    running = [nofx.start("run", project.plan(two)) for _ in range(2)]
    two_ask(project, others=6)
    held.go_on.set()
    for one in running:
        told = ended(one)
        assert told.code == 8, told
        assert "the budget of calls of the project is 2 (nofx.yaml:" in told.err
    assert project.server.calls == 2
    assert times(nofx, "llm.requested") == 2
