"""A worker in memory: it takes jobs, runs chains, leaves to others what it cannot run, and counts what it did."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.domain.plan import Retry
from nofx_cli.domain.state import RunStatus
from nofx_cli.engine.answer import answer
from nofx_cli.engine.enqueue import enqueue
from nofx_cli.engine.open_run import OpenRun, ServicesAt
from nofx_cli.engine.retry import retry
from nofx_cli.engine.services import Services
from nofx_cli.ports.handler import StepContext
from nofx_cli.ports.queue import Job
from nofx_cli.ports.workers import WorkerInfo
from nofx_cli.testing.rig import FunctionHandler, Rig
from tests.unit.worker.stage import Seen, chain, fails, step


def test_a_queued_run_is_executed_from_its_start_to_its_end(tmp_path: Path) -> None:
    rig, seen = Rig(tmp_path), Seen()
    run = rig.enqueue(*chain("a", "b", "c")).run

    rig.worker(observer=seen)

    assert rig.types(run) == [
        "run.created", "run.started",
        "step.enqueued a", "step.started a", "step.finished a",
        "step.enqueued b", "step.started b", "step.finished b",
        "step.enqueued c", "step.started c", "step.finished c", "run.succeeded",
    ]  # fmt: skip
    assert [event.seq for event in seen.told] == list(range(2, 13)), "told once each, in order"
    assert rig.services.queue.stats().depth == rig.services.queue.stats().claimed == 0


def test_a_chain_costs_one_append_a_step_and_one_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path)
    run = rig.enqueue(*chain(*"abcdefgh")).run
    put: list[Job] = []
    monkeypatch.setattr(rig.services.queue, "put", put.extend)

    rig.worker()

    batches = [event for event in rig.events(run) if b'"more":' not in event.line]
    assert len(batches) == 1 + 1 + 8
    assert not put, "the first job brought the worker to all steps"


def test_who_did_it_is_on_record(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    run = rig.enqueue(step("a")).run
    with rig.services.workers.register(concurrency=1) as me:
        rig.worker(registration=me)
        worker = me.id
    started = rig.events(run)[1].payload
    assert isinstance(started, ev.RunStarted)
    assert started.executor["worker"] == worker
    assert {event.actor.id for event in rig.events(run)[1:]} == {worker}
    (claim,) = (event.payload for event in rig.events(run) if isinstance(event.payload, ev.StepStarted))
    assert claim.worker == worker


def test_a_wide_run_goes_through_one_worker_up_to_its_end(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    run = rig.enqueue(*(step(f"s{n}") for n in range(30)), concurrency=3).run
    rig.worker(concurrency=2)
    assert rig.reopen(run).state.status is RunStatus.SUCCEEDED
    assert [kind for kind in rig.types(run) if kind.startswith("step.started")] == [
        f"step.started s{n}" for n in range(30)
    ]


def test_a_wide_run_costs_a_few_jobs_and_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a job for every step, most would come when the run has ended, and each would read it anew."""
    rig = Rig(tmp_path)
    run = rig.enqueue(*(step(f"s{n}") for n in range(60)), concurrency=8).run
    put, load = rig.services.queue.put, OpenRun.load
    jobs: list[Job] = []
    loads: list[RunId] = []

    def put_and_count(found: Iterable[Job]) -> None:
        some = list(found)
        jobs.extend(some)
        put(some)

    def load_and_count(services: Services, name: RunId, *, at: ServicesAt | None = None) -> OpenRun:
        loads.append(name)
        return load(services, name, at=at)

    monkeypatch.setattr(rig.services.queue, "put", put_and_count)
    monkeypatch.setattr(OpenRun, "load", load_and_count)
    rig.worker(concurrency=2)
    assert rig.types(run)[-1] == "run.succeeded"
    assert len({job.key for job in jobs}) <= 12
    assert loads == [run]


def test_a_failed_step_ends_its_run_and_no_other(tmp_path: Path) -> None:
    rig = Rig(tmp_path, tools={"bad": fails})
    bad, good = rig.enqueue(*chain("a", "b", tool="bad")).run, rig.enqueue(*chain("a", "b")).run
    rig.worker()
    assert rig.types(bad)[-2:] == ["step.skipped b", "run.failed"]
    assert rig.types(good)[-1] == "run.succeeded"


def test_a_retry_waits_as_a_delayed_job_and_drain_waits_for_it(tmp_path: Path) -> None:
    def flaky(ctx: StepContext) -> Outcome:
        return Succeeded() if ctx.attempt == 2 else Failed(StepError("flaky", "not yet"), retryable=True)

    rig = Rig(tmp_path, tools={"flaky": flaky})
    run = rig.enqueue(step("a", tool="flaky", retry=Retry(2, (7_000,)))).run
    began_ms = rig.clock.monotonic_ms()

    rig.worker()

    assert rig.types(run)[-1] == "run.succeeded"
    assert 7_000 <= rig.clock.monotonic_ms() - began_ms < 7_200


def test_a_run_that_waits_for_a_person_is_let_go_and_goes_on_when_answered(tmp_path: Path) -> None:
    rig = Rig(tmp_path, tools={"ask": FunctionHandler(lambda _ctx: Succeeded(), needs_approval=True)})
    run = rig.enqueue(step("a"), step("ask", "a", tool="ask"), step("b", "ask")).run
    rig.worker()
    assert rig.types(run)[-1] == "run.waiting"
    assert rig.services.liveness.holder(run) is None

    opened = rig.reopen(run)
    answer(opened, opened.plan.steps[1].name, "granted")
    enqueue(opened)
    rig.worker()

    assert rig.types(run)[-1] == "run.succeeded"
    assert rig.types(run).count("step.started a") == rig.types(run).count("step.started ask") == 1


@pytest.mark.parametrize(("decision", "end"), [("rejected", "run.failed"), ("waived", "run.succeeded")])
def test_an_answer_that_lets_nothing_run_takes_effect_too(tmp_path: Path, decision: str, end: str) -> None:
    rig = Rig(tmp_path, tools={"ask": FunctionHandler(lambda _ctx: Succeeded(), needs_approval=True)})
    run = rig.enqueue(step("ask", tool="ask")).run
    rig.worker()
    opened = rig.reopen(run)
    answer(opened, opened.plan.steps[0].name, decision)  # type: ignore[arg-type]

    enqueue(opened)

    (job,) = rig.services.queue.waiting()
    assert (job.run, job.step) == (run, "ask")
    rig.worker()
    assert rig.types(run)[-1] == end


def test_what_a_retry_set_back_reaches_a_worker(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    opened = rig.create(*chain("a", "b"))
    rig.execute(opened)
    retry(opened, start=step("a").name)

    enqueue(opened)

    assert [job.key for job in rig.services.queue.waiting()] == [f"{opened.run}/a/2"]
    rig.worker()
    assert rig.types(opened.run).count("run.succeeded") == 2


def test_a_run_in_the_hands_of_the_dead_reaches_one_that_is_asked_to_go_on_with_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    run = rig.create(step("a")).run
    rig.append(run, ev.RunStarted({}))
    rig.append(run, ev.StepEnqueued(), "a")
    rig.append(run, ev.StepStarted("echo", "", "", "w-gone"), "a", 1)

    enqueue(rig.reopen(run))

    assert [job.key for job in rig.services.queue.waiting()] == [f"{run}/a/2"]
    rig.worker()
    assert rig.types(run)[-1] == "run.succeeded"


def test_a_job_of_a_run_that_has_ended_finds_nothing_to_do(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    opened = rig.enqueue(step("a"))
    rig.execute(rig.reopen(opened.run))
    before = rig.types(opened.run)
    rig.worker()
    assert rig.types(opened.run) == before
    assert rig.services.queue.stats().depth == 0


def test_a_job_that_is_delivered_twice_leads_to_one_start(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    opened = rig.enqueue(*chain("a", "b"))
    for _ in range(3):
        rig.worker()
        rig.services.queue.put([Job(opened.run, step("a").name, 1)])
    rig.worker()
    assert rig.types(opened.run).count("step.started a") == 1


def test_a_run_that_a_process_executes_alone_is_left_to_it_until_that_is_gone(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    run = rig.enqueue(step("a")).run
    hold = rig.services.liveness.hold(run)
    rig.worker()
    assert rig.types(run) == ["run.created"]
    assert rig.services.queue.stats().depth == 0, "drained: the run is in the hands of somebody"
    hold.release()
    rig.worker()
    assert rig.types(run)[-1] == "run.succeeded"


def test_what_it_did_is_on_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path, tools={"bad": fails})
    for tool in ("echo", "echo", "bad"):
        rig.enqueue(*chain("a", "b", tool=tool))
    rig.services.queue.put([Job(rig.create(step("late")).run, step("late").name, 1, delay_ms=10_000)])
    told: list[WorkerInfo] = []
    with rig.services.workers.register(concurrency=1) as me:
        monkeypatch.setattr(me, "tell", told.append)
        rig.worker(registration=me)
    info = told[-1]
    assert (info.steps, info.runs, info.last_minute) == (5, 3, 5)
    assert not info.stopping
    assert len(told) < 10, "not at every turn"


def test_nothing_is_left_after_a_fault_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path)
    rig.enqueue(step("a"))
    monkeypatch.setattr(rig.services.queue, "claim", lambda *_args, **_kw: (_ for _ in ()).throw(RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        rig.worker()
    assert not rig.services.workers.any_alive()
