"""Whatever is done to a journal but for its last line is found, and told with a place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head, encode_batch
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.verification import Verification, verify_chain
from tests.property.simulation import AT, PERSON, RUN


def journal(count: int) -> list[bytes]:
    """A chain of that many lines, in batches of three and less."""
    lines: list[bytes] = []
    head = Head()
    while len(lines) < count:
        size = min(3, count - len(lines))
        drafts = [ev.Draft(ev.StepFinished(outputs={"n": head.seq + place}), StepName("s")) for place in range(size)]
        events, head = encode_batch(drafts, run=RUN, head=head, at=AT, actor=PERSON)
        lines += [event.line for event in events]
    return lines


def found_at(result: Verification) -> int:
    assert not result.ok
    return min(fault.seq for fault in result.faults)


lengths = st.integers(2, 12)


@given(lengths)
def test_an_untouched_journal_has_no_fault(count: int) -> None:
    lines = journal(count)
    result = verify_chain(lines)
    assert result.ok
    assert result.events == result.head.seq == count
    assert verify_chain(lines, noted=[("the export", result.head)]).ok


@given(lengths, st.data())
def test_any_changed_byte_is_found(count: int, data: st.DataObject) -> None:
    lines = journal(count)
    text = bytearray(b"\n".join(lines[:-1]))
    place = data.draw(st.integers(0, len(text) - 1), label="place")
    text[place] ^= data.draw(st.integers(1, 255), label="flipped bits")
    changed_line = bytes(text[:place]).count(b"\n") + 1
    result = verify_chain([*bytes(text).split(b"\n"), lines[-1]])
    assert changed_line in {fault.seq for fault in result.faults}


@given(lengths, st.data())
def test_a_dropped_line_is_found(count: int, data: st.DataObject) -> None:
    lines = journal(count)
    place = data.draw(st.integers(1, count - 1))
    assert found_at(verify_chain(lines[: place - 1] + lines[place:])) == place


@given(lengths, st.data())
def test_two_swapped_lines_are_found(count: int, data: st.DataObject) -> None:
    lines = journal(count)
    first, second = sorted(data.draw(st.lists(st.integers(0, count - 1), min_size=2, max_size=2, unique=True)))
    lines[first], lines[second] = lines[second], lines[first]
    assert found_at(verify_chain(lines)) == first + 1


@given(lengths, st.data())
def test_a_repeated_line_is_found(count: int, data: st.DataObject) -> None:
    lines = journal(count)
    copied = data.draw(st.integers(0, count - 1), label="copied")
    place = data.draw(st.integers(0, count), label="put before")
    lines.insert(place, lines[copied])
    assert found_at(verify_chain(lines)) == (place + 2 if copied == place else place + 1)


@given(lengths, st.data())
def test_an_inserted_line_is_found_even_when_it_fits(count: int, data: st.DataObject) -> None:
    lines = journal(count)
    place = data.draw(st.integers(1, count - 1), label="put after")
    before = verify_chain(lines[:place]).head
    forged, _ = encode_batch([ev.Draft(ev.RunCancelled("forged"))], run=RUN, head=before, at=AT, actor=PERSON)
    assert found_at(verify_chain([*lines[:place], forged[0].line, *lines[place:]])) == place + 2


@pytest.mark.parametrize("seq", [b'"x"', b"null", b"[]", b"1e99"])
def test_a_sequence_number_that_is_none_is_a_fault_and_no_crash(seq: bytes) -> None:
    lines = journal(3)
    lines[1] = lines[1].replace(b'"seq":2', b'"seq":' + seq)
    result = verify_chain(lines)
    assert result.faults[0].seq == 2
    assert result.faults[0].code == "damaged"


def test_a_cut_tail_shows_only_against_a_noted_head() -> None:
    lines = journal(6)
    noted = verify_chain(lines).head
    assert verify_chain(lines[:3]).ok
    [fault] = verify_chain(lines[:3], noted=[("backup 7", noted)]).faults
    assert (fault.seq, fault.code) == (4, "tail-cut")
    assert fault.message == "events 4 to 6 are missing: backup 7 noted 6"


def test_a_tail_that_was_cut_inside_a_batch_shows_by_itself() -> None:
    [fault] = verify_chain(journal(6)[:4]).faults
    assert (fault.seq, fault.code) == (5, "torn")
    assert fault.message == "the last batch is torn: 2 more events should follow 4"


def test_a_changed_last_line_shows_only_against_a_noted_head() -> None:
    lines = journal(3)
    noted = verify_chain(lines).head
    lines[-1] = lines[-1].replace(b'"n":2', b'"n":7')
    assert verify_chain(lines).ok
    [fault] = verify_chain(lines, noted=[("the pull request", noted)]).faults
    assert (fault.seq, fault.code) == (3, "head-differs")
    [fault] = verify_chain(lines, noted=[("--expect-head", Head(0, noted.digest))]).faults
    assert fault.code == "head-differs"


def test_a_head_that_was_noted_on_the_way_still_counts_when_the_journal_has_grown() -> None:
    lines = journal(6)
    noted = verify_chain(lines[:3]).head
    assert verify_chain(lines, noted=[("backup 7", noted)]).ok
    rewritten = journal(6)
    rewritten[2] = rewritten[2].replace(b'"n":2', b'"n":7')
    codes = {fault.code for fault in verify_chain(rewritten, noted=[("backup 7", noted)]).faults}
    assert codes == {"head-differs", "changed"}
