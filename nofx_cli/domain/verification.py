"""Prove that a journal is what was written: its sequence has no gap and every line names the digest of the one before.

The chain shows a changed, dropped, inserted or swapped line, and a last batch that is not whole. It cannot show
that whole batches were cut off the end, nor a change of the very last line: for those it is held against a head
digest that was noted elsewhere.
"""

from collections.abc import Iterable, Sequence

from nofx_cli.domain.codec import GENESIS, DamagedLine, Head, decode_line, lines_that_follow
from nofx_cli.domain.ids import digest_of_bytes
from nofx_cli.domain.record import record


@record
class Fault:
    """What is wrong at a place. `seq` is the sequence number that should stand there."""

    seq: int
    code: str
    message: str


@record
class Verification:
    """What was found. `head` is the end of the journal as it stands; an empty `faults` means untouched."""

    events: int
    head: Head
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        return not self.faults


def verify_chain(lines: Iterable[bytes], *, noted: Sequence[tuple[str, Head]] = ()) -> Verification:
    """Check every line of a journal against its neighbours, and against noted heads.

    Args:
        lines: the lines in order, without newlines.
        noted: pairs of where a head was noted (for the message) and that head; `seq` 0 means "the end".
    """
    faults: list[Fault] = []
    wanted = {head.seq: (where, head) for where, head in noted if head.seq}
    prev, count, line = GENESIS, 0, b""
    for count, line in enumerate(lines, 1):
        faults.extend(_check_line(line, count, prev))
        prev = digest_of_bytes(line)
        if count in wanted and wanted[count][1].digest != prev:
            faults.append(Fault(count, "head-differs", f"event {count} is not the one noted in {wanted[count][0]}"))
    if left := lines_that_follow(line):
        faults.append(Fault(count + 1, "torn", f"the last batch is torn: {left} more events should follow {count}"))
    for where, head in noted:
        if head.seq > count:
            faults.append(
                Fault(count + 1, "tail-cut", f"events {count + 1} to {head.seq} are missing: {where} noted {head.seq}")
            )
        if head.seq == 0 and head.digest != prev:
            faults.append(Fault(count, "head-differs", f"the journal ends in {prev}, {where} says {head.digest}"))
    return Verification(count, Head(count, prev), tuple(faults))


def _check_line(line: bytes, place: int, prev: str) -> list[Fault]:
    try:
        event = decode_line(line)
    except DamagedLine as exc:
        return [Fault(place, "damaged", f"event {place} cannot be read: {exc}")]
    if event.seq != place:
        kind = "dropped or swapped" if event.seq > place else "inserted, repeated or swapped"
        return [Fault(place, "sequence", f"event {place} should stand here, {event.seq} does: lines were {kind}")]
    if event.prev != prev:
        before = f"event {place - 1} was changed" if place > 1 else "the first event was changed"
        return [Fault(max(place - 1, 1), "changed", f"{before}, or event {place} was put in its place")]
    return []
