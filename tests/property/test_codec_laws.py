"""What holds of the journal's bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import (
    GENESIS,
    DamagedLine,
    Head,
    decode_line,
    encode_batch,
    lines_that_follow,
    whole_batches,
)
from nofx_cli.domain.ids import digest_of_bytes
from tests.property.payloads import drafts, instants, texts
from tests.property.simulation import AT, PERSON, RUN

actors = st.builds(ev.Actor, st.sampled_from(("user", "worker", "system", "ci")), texts)
batches = st.lists(drafts(steps=st.sampled_from(["notes", "tests"])), min_size=1, max_size=5)


def as_read(value: object) -> object:
    """A value as JSON gives it back: tuples inside become lists."""
    return json.loads(json.dumps(value))


@given(batches, instants, actors)
def test_what_was_written_is_read(batch: list[ev.Draft], at: str, actor: ev.Actor) -> None:
    events, head = encode_batch(batch, run=RUN, head=Head(), at=at, actor=actor)
    read = [decode_line(event.line) for event in events]
    assert read == events
    assert [(event.payload, event.step, event.attempt) for event in read] == [
        (draft.payload, draft.step, draft.attempt) for draft in batch
    ]
    assert [event.seq for event in read] == list(range(1, len(batch) + 1))
    assert {(event.at, event.actor, event.run) for event in read} == {(at, actor, RUN)}
    assert head == Head(len(batch), digest_of_bytes(events[-1].line))


@given(batches)
def test_a_line_is_one_line_of_json_in_utf_8(batch: list[ev.Draft]) -> None:
    events, _ = encode_batch(batch, run=RUN, head=Head(), at=AT, actor=PERSON)
    for event in events:
        assert b"\n" not in event.line
        assert b"\0" not in event.line
        assert json.loads(event.line.decode("utf-8"))["seq"] == event.seq


@given(st.lists(batches, min_size=1, max_size=4))
def test_every_line_names_the_digest_of_the_line_before(some_batches: list[list[ev.Draft]]) -> None:
    head, prev = Head(), GENESIS
    for batch in some_batches:
        events, head = encode_batch(batch, run=RUN, head=head, at=AT, actor=PERSON)
        for place, event in enumerate(events, 1):
            assert event.prev == prev
            assert lines_that_follow(event.line) == len(events) - place
            prev = digest_of_bytes(event.line)
    assert head.digest == prev


@given(st.lists(batches, min_size=1, max_size=3), st.data())
def test_cut_at_any_byte_only_whole_batches_are_seen(some_batches: list[list[ev.Draft]], more: st.DataObject) -> None:
    data, head, ends = b"", Head(), [0]
    for batch in some_batches:
        events, head = encode_batch(batch, run=RUN, head=head, at=AT, actor=PERSON)
        data += b"".join(event.line + b"\n" for event in events)
        ends.append(len(data))
    cut = more.draw(st.integers(0, len(data)), label="cut")
    assert whole_batches(data[:cut]) == max(end for end in ends if end <= cut)


@given(batches, st.binary(max_size=30).filter(lambda tail: not (tail.startswith(b"{") and tail.endswith(b"}\n"))))
def test_what_a_power_loss_leaves_behind_the_last_batch_is_no_batch(batch: list[ev.Draft], tail: bytes) -> None:
    events, _ = encode_batch(batch, run=RUN, head=Head(), at=AT, actor=PERSON)
    data = b"".join(event.line + b"\n" for event in events)
    assert whole_batches(data + tail) == len(data)


@given(st.integers(1, 5000), st.booleans())
def test_a_batch_whose_end_was_never_written_but_zeros_is_no_batch(zeros: int, newline: bool) -> None:
    events, _ = encode_batch([ev.Draft(ev.StepEnqueued())] * 2, run=RUN, head=Head(), at=AT, actor=PERSON)
    tail = events[0].line[:-20] + b"\0" * zeros + (b"}\n" if newline else b"")
    assert whole_batches(tail) == 0


@given(st.binary(max_size=60) | texts.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_a_line_that_is_no_event_is_told_as_damaged(line: bytes) -> None:
    with pytest.raises(DamagedLine, match="not an event"):
        decode_line(line)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seq", "1"),
        ("seq", None),
        ("at", 5),
        ("type", ["step.started"]),
        ("run", None),
        ("step", ["notes"]),
        ("attempt", "first"),
        ("actor", "ada"),
        ("prev", 0),
    ],
)
def test_a_field_of_another_type_is_told_as_damaged(name: str, value: object) -> None:
    events, _ = encode_batch([ev.Draft(ev.RunCreated())], run=RUN, head=Head(), at=AT, actor=PERSON)
    record = json.loads(events[0].line) | {name: value}
    with pytest.raises(DamagedLine):
        decode_line(json.dumps(record).encode())


def test_a_newer_version_is_read_and_kept() -> None:
    events, _ = encode_batch([ev.Draft(ev.RunCreated(goal="more"))], run=RUN, head=Head(), at=AT, actor=PERSON)
    record = json.loads(events[0].line)
    line = json.dumps(record | {"v": 7, "type": "run.dreamed", "mood": "good"}).encode()
    event = decode_line(line)
    assert (event.v, event.type, event.line) == (7, "run.dreamed", line)
    assert isinstance(event.payload, ev.Unknown)
    assert event.payload.data["goal"] == "more"


def test_an_unknown_event_can_be_written_on() -> None:
    stranger = ev.Unknown("run.dreamed", {"mood": "good"})
    events, _ = encode_batch([ev.Draft(stranger)], run=RUN, head=Head(), at=AT, actor=PERSON)
    assert decode_line(events[0].line).payload == stranger
