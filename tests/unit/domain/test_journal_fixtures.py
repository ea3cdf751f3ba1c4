"""Journals that earlier versions wrote must be readable for ever. The files here are never written anew."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head, decode_line
from nofx_cli.domain.ids import Digest, RunId, StepName, digest_of_bytes
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.payload_data import data_of
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.state import RunStatus, fold
from nofx_cli.domain.verification import verify_chain
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore

V1 = Path(__file__).resolve().parents[2] / "fixtures" / "journals" / "v1"
RUN = RunId("20261122-112413-fpxcqy")
HEAD = Head(26, "4a592339397ecdc87f48b2ca8e83b85065868d5306f2fb9f34990f3c55689885")
EVERY_TYPE_DIGEST = "c726f5e22630fbc9b15a83aca065115d56315e1bc3a92c66e585805b8ce0c729"
NEEDS: Mapping[str, tuple[str, ...]] = {
    "build": (),
    "flaky": (),
    "broken": ("flaky",),
    "release": ("build", "flaky"),
    "publish": ("release",),
    "never": ("publish",),
}


def lines(name: str) -> list[bytes]:
    return (V1 / name).read_bytes().split(b"\n")[:-1]


def plan() -> Plan:
    steps = (
        Step(StepName(name), "shell", tuple(map(StepName, needs)), continue_on_error=name == "broken")
        for name, needs in NEEDS.items()
    )
    return Plan(tuple(steps), Digest(""))


def test_the_files_are_the_ones_that_were_written_then() -> None:
    assert digest_of_bytes((V1 / "every-type.jsonl").read_bytes()) == EVERY_TYPE_DIGEST
    assert verify_chain(lines("journal.jsonl"), noted=[("this test", HEAD)]).ok


def test_a_run_of_version_1_is_read_as_it_ended() -> None:
    state = fold(plan(), map(decode_line, lines("journal.jsonl")))
    assert state.status is RunStatus.SUCCEEDED
    assert state.duration_ms == 891
    assert {name: step.status.value for name, step in state.steps.items()} == {
        "build": "succeeded",
        "flaky": "succeeded",
        "broken": "failed",
        "release": "succeeded",
        "publish": "succeeded",
        "never": "skipped",
    }
    assert state.steps[StepName("flaky")].attempt == 2
    assert state.steps[StepName("publish")].outputs == {"text": "published v1.0, grüße"}
    assert state.steps[StepName("broken")].error == StepError("exit-code", "exit code 3", f"nofx logs {RUN} broken")
    approval = state.steps[StepName("release")].approval
    assert approval is not None
    assert (approval.decision, approval.by, approval.note) == ("granted", ev.Actor("user", "ada"), "looks good, grüße")
    [artifact] = state.steps[StepName("build")].artifacts
    assert (artifact.name, artifact.size) == ("built.txt", 6)


def test_every_type_of_version_1_is_read_with_all_its_data() -> None:
    events = [decode_line(line) for line in lines("every-type.jsonl")]
    assert not [event.type for event in events if isinstance(event.payload, ev.Unknown)]
    assert len({event.type for event in events}) == len(events) == 34
    for event in events:
        read = data_of(event.payload)
        for name in json.loads(event.line)["data"]:
            assert read[name], f"{event.type}: {name} is empty, so that nothing shows that it is read"


@pytest.mark.parametrize("payload", ev.PAYLOADS, ids=lambda payload: payload.type)
def test_every_field_of_today_stands_in_a_fixture(payload: type[ev.Payload]) -> None:
    every = [decode_line(line).payload for path in V1.glob("every-type*.jsonl") for line in lines(path.name)]
    told = {name for found in every if type(found) is payload for name, value in data_of(found).items() if value}
    assert told == {field.name for field in fields(payload)}, "add it in a file of its own"


@pytest.mark.parametrize("payload", ev.PAYLOADS, ids=lambda payload: payload.type)
def test_every_type_of_today_stands_in_a_fixture(payload: type[ev.Payload]) -> None:
    every = [decode_line(line) for path in V1.glob("every-type*.jsonl") for line in lines(path.name)]
    assert any(isinstance(event.payload, payload) for event in every), "add it in a file of its own"


def test_a_run_of_version_1_can_be_looked_at_and_written_on_in_a_store(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store", sync=False)
    layout.prepare()
    shutil.copytree(V1, layout.run(RUN))
    store = FileRunStore(layout)
    assert store.head(RUN) == store.noted_head(RUN) == HEAD
    assert store.plan_text(RUN).startswith("version: 1\n")
    summary = store.summary(RUN)
    assert summary is not None
    assert (summary.first.type, summary.last_run_event.type) == ("run.created", "run.succeeded")
    at = "2026-11-22T12:00:00.000000Z"
    store.append(RUN, 26, [ev.Draft(ev.RunResumed("retry"))], at=at, actor=ev.Actor("user", "ada"))
    assert verify_chain(store.lines(RUN), noted=[("this test", HEAD)]).ok
