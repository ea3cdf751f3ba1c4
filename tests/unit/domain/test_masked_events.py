"""What is masked in a line of the journal: what the data say, never what the line itself needs to be read."""

import json
from collections.abc import Callable

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head, decode_line, encode_batch
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.outcome import StepError
from nofx_cli.safety.masking import Masker

RUN = RunId("20261122-091530-7k3f9q")


def encoded(draft: ev.Draft, mask: Callable[[str], str]) -> ev.Event:
    [event], _ = encode_batch(
        [draft], run=RUN, head=Head(), at="2026-11-22T09:15:30Z", actor=ev.Actor("user", "ada"), mask=mask
    )
    assert decode_line(event.line).payload == event.payload
    return event


def finished(outputs: dict[str, object], message: str = "") -> ev.Draft:
    error = StepError("exit-code", message, "see the log") if message else None
    return ev.Draft(ev.StepFinished("failed" if error else "succeeded", outputs, error, 7), StepName("build"), 1)  # type: ignore[arg-type]


def test_values_and_names_of_data_are_masked() -> None:
    draft = finished({"swordfish": ["a swordfish", {"deep": "swordfish"}]}, 'said "swordfish"\\')

    event = encoded(draft, Masker(["swordfish"]).text)

    assert b"swordfish" not in event.line
    assert isinstance(event.payload, ev.StepFinished)
    assert event.payload.outputs == {"***": ["a ***", {"deep": "***"}]}
    assert event.payload.error == StepError("exit-code", 'said "***"\\', "see the log")


@pytest.mark.parametrize(
    "secret", ["202611", "attempt", "outputs", "message", "build ", "step.finished", "duration_ms", '"data"']
)
def test_a_secret_that_is_part_of_every_line_leaves_the_line_whole(secret: str) -> None:
    event = encoded(finished({"x": f"<{secret.strip()}>"}, "no"), Masker([secret]).text)

    assert (event.run, event.step, event.attempt) == (RUN, "build", 1)
    assert isinstance(event.payload, ev.StepFinished)
    assert event.payload.duration_ms == 7
    assert event.payload.error is not None
    assert event.payload.outputs == {"x": "<build>" if secret == "build " else "<***>"}


def test_a_secret_that_ends_where_json_escapes_leaves_json() -> None:
    event = encoded(finished({"x": 'abcdef"', "y": "abcdef\\"}), Masker(["abcdef\\"]).text)

    assert json.loads(event.line)["data"]["outputs"] == {"x": 'abcdef"', "y": "***"}


def test_without_a_secret_the_payload_is_the_one_given() -> None:
    draft = finished({"x": "y"})

    assert encoded(draft, Masker(["swordfish"]).text).payload is draft.payload
