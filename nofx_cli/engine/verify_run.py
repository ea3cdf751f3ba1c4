"""Hold a run against what its journal says: the chain of events, the plan, the artifacts, and what was shown to people.

A torn tail is no fault: a process died while it wrote, nothing of that batch was ever committed, and the next writer
takes it off. It is told all the same, because whoever can write to the store can make one.
"""

import re
from collections.abc import Iterator, Sequence

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import DamagedLine, Head, decode_line
from nofx_cli.domain.ids import RunId, digest_of_bytes
from nofx_cli.domain.record import record
from nofx_cli.domain.verification import Fault, verify_chain
from nofx_cli.engine.services import Services

_LOOKS = 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


@record
class RunVerification:
    """What was found. `files` is how many were held against their digests; `torn_lines` is 0 without a torn tail."""

    run: RunId
    events: int
    head: Head
    files: int
    faults: tuple[Fault, ...]
    torn_lines: int = 0

    @property
    def ok(self) -> bool:
        return not self.faults


def parse_head(text: str) -> Head:
    """Read a head that was noted elsewhere: `SEQ:DIGEST`, or a digest of the journal's end.

    Raises:
        errors.UsageError: it is neither.
    """
    seq, _, digest = text.rpartition(":")
    if not _DIGEST.fullmatch(digest) or not (seq == "" or seq.isdigit()):
        raise errors.UsageError(
            f"{text!r} is no head of a journal",
            code="bad-head",
            hint="write it as `nofx verify` prints it: SEQ:DIGEST, or the digest alone",
        )
    return Head(int(seq or 0), digest)


def verify_run(services: Services, run: RunId, *, expected: Head | None = None) -> RunVerification:
    """Check everything that a run has on record.

    Args:
        expected: the head that was noted elsewhere.

    Raises:
        errors.NotFound: there is no such run.
    """
    noted = _noted(services, run, expected)
    lines, whole = _lines(services, run)
    chain = verify_chain(lines[:whole], noted=noted)
    events = list(_readable(lines[:whole]))
    files = [(event, kept) for event in events if (kept := file_of(event)) is not None]
    faults = [
        *chain.faults,
        *_foreign(run, events),
        *_plan_fault(services, run, events),
        *_file_faults(services, run, files),
    ]
    return RunVerification(run, chain.events, chain.head, len(files), tuple(faults), len(lines) - whole)


def _lines(services: Services, run: RunId) -> tuple[list[bytes], int]:
    """The journal's lines, and how many of them are whole batches; read anew while somebody appends.

    Where a damaged line keeps the store from telling, all lines count.
    """
    lines: list[bytes] = []
    before: int | None = None
    for _ in range(_LOOKS):
        before = _committed(services, run)
        lines = list(services.store.lines(run))
        if before is None or before == _committed(services, run):
            break
    return lines, len(lines) if before is None else min(before, len(lines))


def _committed(services: Services, run: RunId) -> int | None:
    try:
        return services.store.head(run).seq
    except errors.StoreFailure:
        return None


def _noted(services: Services, run: RunId, expected: Head | None) -> list[tuple[str, Head]]:
    noted = []
    beside = services.store.noted_head(run)
    if beside is not None:
        noted.append(("the head kept beside the journal", beside))
    if expected is not None:
        noted.append(("the expected head", expected))
    return noted


def _readable(lines: Sequence[bytes]) -> Iterator[ev.Event]:
    for line in lines:
        try:
            yield decode_line(line)
        except DamagedLine:
            continue  # the chain has told it


def _foreign(run: RunId, events: Sequence[ev.Event]) -> Iterator[Fault]:
    if events and events[0].run != run:
        yield Fault(events[0].seq, "foreign", f"this is the journal of run {events[0].run}")
    if events and not isinstance(events[0].payload, ev.RunCreated):
        yield Fault(events[0].seq, "no-beginning", "the journal does not begin with run.created")


def _plan_fault(services: Services, run: RunId, events: Sequence[ev.Event]) -> Iterator[Fault]:
    created = events[0].payload if events else None
    if not isinstance(created, ev.RunCreated) or not created.plan_digest:
        return
    try:
        found = digest_of_bytes(services.store.plan_text(run).encode())
    except (errors.NotFound, UnicodeDecodeError):
        yield Fault(events[0].seq, "plan-gone", "the plan kept with the run is gone or cannot be read")
        return
    if found != created.plan_digest:
        yield Fault(events[0].seq, "plan-changed", "the plan kept with the run is not the one that it was made from")


def file_of(event: ev.Event) -> ev.ArtifactCreated | None:
    """The file that an event vouches for: an artifact, what a person was shown, or what gates rest on."""
    payload = event.payload
    if isinstance(payload, ev.ArtifactCreated):
        return payload
    if isinstance(payload, ev.ApprovalRequested) and payload.path:
        return ev.ArtifactCreated(name=f"what was asked about {event.step}", path=payload.path, digest=payload.digest)
    if isinstance(payload, ev.SnapshotTaken) and payload.path:
        return ev.ArtifactCreated(name="what gates rest on", path=payload.path, digest=payload.digest)
    return None


def _file_faults(
    services: Services, run: RunId, files: Sequence[tuple[ev.Event, ev.ArtifactCreated]]
) -> Iterator[Fault]:
    for event, kept in files:
        state = file_state(services, run, kept)
        if state != "ok":
            yield Fault(event.seq, f"file-{state}", f"{kept.path} ({kept.name}) {_SAID[state]}")


_SAID = {"changed": "is not what was kept", "gone": "is gone"}


def file_state(services: Services, run: RunId, kept: ev.ArtifactCreated) -> str:
    """Whether a kept file is `ok`, `changed` or `gone`."""
    if services.artifacts.check(run, kept):
        return "ok"
    try:
        services.artifacts.open(run, kept).close()
    except errors.NotFound:
        return "gone"
    except OSError:
        return "changed"
    return "changed"
