"""What a journal says of the files of its run: which it vouches for, and which attempts have begun."""

import os
from collections.abc import Iterable, Iterator, Mapping

from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import DamagedLine, Head, decode_line, whole_batches
from nofx_cli.domain.record import record
from nofx_cli.domain.verification import verify_chain

_TAIL = 32 * 1024
_BLOCK = 256 * 1024
_TELLING = tuple(
    f'"type":"{name}"'.encode()
    for name in ("run.created", "step.started", "artifact.created", "approval.requested", "snapshot.taken")
)
_TYPE_STANDS_WITHIN = 160


@record
class JournalFacts:
    """What was read of one journal.

    Attributes:
        vouched: the files that it vouches for, by their paths below the run's folder, with their digests.
        begun: the attempts that have begun, as `<step>.<attempt>`.
        faults: what is wrong with the journal itself.
    """

    run: str
    head: Head
    plan_digest: str
    vouched: Mapping[str, str]
    begun: frozenset[str]
    faults: tuple[str, ...]

    def has_begun(self, path: str) -> bool:
        """Whether a file of the run may be there: those of an attempt that the journal does not know may not.

        They came after the instant of the copy. A run that goes on from there begins that attempt once more, and would
        take them for its own.
        """
        parts = path.split("/")
        if path in self.vouched:
            return True
        if parts[0] == "artifacts" and len(parts) > 3:
            return f"{parts[1]}.{parts[2]}" in self.begun
        return parts[0] != "logs" or parts[-1].removesuffix(".log") in self.begun

    def file_faults(self, digests: Mapping[str, str]) -> Iterator[str]:
        """What the files of the run, given by path and digest, lack of what the journal vouches for."""
        for path, digest in {"plan.yaml": self.plan_digest, **self.vouched}.items():
            found = digests.get(path)
            if digest and found != digest:
                yield f"{path} is {'gone' if found is None else 'not what was kept'}"


def whole_size(fd: int, size: int) -> int:
    """How many of the first `size` bytes of a journal are whole batches; what stands behind was never committed."""
    length = _TAIL
    while True:
        offset = max(size - length, 0)
        data = os.pread(fd, size - offset, offset)
        skipped = data.find(b"\n") + 1 if offset else 0
        whole = whole_batches(data[skipped:])
        if whole or not offset:
            return offset + skipped + whole if whole else 0
        length *= 4


def read_facts(lines: Iterable[bytes]) -> JournalFacts:
    """Read a whole journal, line by line."""
    reading = _Reading()
    chain = verify_chain(reading.take(lines))
    faults = tuple(f"event {fault.seq}: {fault.message}" for fault in chain.faults)
    return JournalFacts(reading.run, chain.head, reading.plan_digest, reading.vouched, frozenset(reading.begun), faults)


def lines_of(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a file that comes in blocks, without their newlines."""
    kept = b""
    for block in blocks:
        *lines, kept = (kept + block).split(b"\n")
        yield from lines
    if kept:
        yield kept


def blocks_of(fd: int, size: int) -> Iterator[bytes]:
    """The first `size` bytes of an open file; fewer, where it is shorter by now."""
    offset = 0
    while offset < size and (block := os.pread(fd, min(_BLOCK, size - offset), offset)):
        yield block
        offset += len(block)


class _Reading:
    def __init__(self) -> None:
        self.run = self.plan_digest = ""
        self.vouched: dict[str, str] = {}
        self.begun: set[str] = set()

    def take(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            if any(sign in line[:_TYPE_STANDS_WITHIN] for sign in _TELLING):
                self._look(line)
            yield line

    def _look(self, line: bytes) -> None:
        try:
            event = decode_line(line)
        except DamagedLine:
            return  # the chain tells
        payload = event.payload
        if isinstance(payload, ev.RunCreated):
            self.run, self.plan_digest = event.run, payload.plan_digest
        elif isinstance(payload, ev.StepStarted):
            self.begun.add(f"{event.step}.{event.attempt}")
        elif isinstance(payload, ev.ArtifactCreated | ev.ApprovalRequested | ev.SnapshotTaken) and payload.path:
            self.vouched[payload.path] = payload.digest
