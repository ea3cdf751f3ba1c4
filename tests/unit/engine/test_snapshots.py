"""What gates rest on is recorded when a run is made, and vouched for by its journal."""

from dataclasses import replace
from pathlib import Path

import pytest

from nofx_cli.domain.events import SnapshotTaken
from nofx_cli.domain.ids import JsonObject, JsonValue, StepName, digest_of_bytes
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.engine.create_run import NewRun, create_run
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.services import Services
from nofx_cli.engine.verify_run import verify_run
from nofx_cli.ports.artifacts import SNAPSHOT
from nofx_cli.ports.handler import StepContext
from nofx_cli.testing.rig import Rig
from nofx_cli.worker.inline import execute
from nofx_cli.worker.observer import Silent
from tests.unit.engine.test_create_run import Keys


class World:
    """What a look gives now, and what steps saw."""

    def __init__(self) -> None:
        self.now: JsonObject = {"files": {"a": 1}}
        self.looks = 0
        self.seen: list[tuple[JsonObject, JsonObject] | None] = []

    def look(self, folder: Path) -> JsonObject:
        self.looks += 1
        return self.now

    def step(self, ctx: StepContext) -> Outcome:
        self.seen.append(ctx.snapshots())
        return Succeeded()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def rig(tmp_path: Path, world: World) -> Rig:
    return Rig(tmp_path, tools={"gate:lint": world.step, "look": world.step})


def make(rig: Rig, services: Services, tool: str) -> OpenRun:
    text = f"plan of {tool}"
    plan = Plan((Step(StepName("a"), tool),), digest_of_bytes(text.encode()))
    rig.plans[text] = plan
    return create_run(services, NewRun(plan, text, "p", {}, {}), keys=Keys())


def kept(rig: Rig, run: OpenRun) -> Path:
    return rig.services.artifacts.log_path(run.run, StepName("a"), 1).parent.parent / SNAPSHOT


def test_it_is_kept_and_its_digest_is_in_the_journal(rig: Rig, world: World) -> None:
    services = replace(rig.services, take_snapshot=world.look)
    run = make(rig, services, "gate:lint")
    text = kept(rig, run).read_text()
    assert text == '{"files":{"a":1}}'
    (taken,) = [event.payload for event in rig.events(run.run) if isinstance(event.payload, SnapshotTaken)]
    assert taken == SnapshotTaken(digest=digest_of_bytes(text.encode()), path=SNAPSHOT)
    assert verify_run(services, run.run).ok
    kept(rig, run).write_text("{}")
    assert [fault.code for fault in verify_run(services, run.run).faults] == ["file-changed"]


def test_a_step_sees_what_was_and_what_is(rig: Rig, world: World) -> None:
    run = make(rig, replace(rig.services, take_snapshot=world.look), "gate:lint")
    world.now = {"files": {}}
    execute(run, observer=Silent())
    assert world.seen == [({"files": {"a": 1}}, {"files": {}})]


def test_without_a_gate_nobody_looks(rig: Rig, world: World) -> None:
    run = make(rig, replace(rig.services, take_snapshot=world.look), "look")
    execute(run, observer=Silent())
    assert world.looks == 0
    assert world.seen == [None]
    assert not kept(rig, run).exists()


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_what_is_not_there_as_it_was_kept_fails_the_step(rig: Rig, world: World, damage: str) -> None:
    run = make(rig, replace(rig.services, take_snapshot=world.look), "gate:lint")
    kept(rig, run).write_text("{}") if damage == "changed" else kept(rig, run).unlink()
    state = execute(run, observer=Silent()).state
    error = state.steps[StepName("a")].error
    assert error is not None
    assert error.code == "snapshot-changed"
    assert world.seen == []


def test_both_are_masked_alike(rig: Rig, world: World) -> None:
    def mask(value: JsonValue) -> JsonValue:
        return (
            {str(key).replace("canary", "***"): item for key, item in value.items()}
            if isinstance(value, dict)
            else value
        )

    world.now = {"canary": 1}
    services = replace(rig.services, take_snapshot=world.look, mask=mask)
    run = make(rig, services, "gate:lint")
    assert "canary" not in kept(rig, run).read_text()
    execute(run, observer=Silent())
    assert world.seen == [({"***": 1}, {"***": 1})]
