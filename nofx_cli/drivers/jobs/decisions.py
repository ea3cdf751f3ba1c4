"""What follows from a wish, in a given state: the operations to note, and the answer. Nothing is changed here."""

from collections.abc import Iterable
from typing import TypeVar

from nofx_cli.domain.ids import RunId, WorkerId
from nofx_cli.drivers.jobs.entry import HELD, Entry
from nofx_cli.drivers.jobs.state import Operation, QueueState
from nofx_cli.ports.queue import RETRY_DELAYS_MS, STEP_READY, Job

T = TypeVar("T")

Decision = tuple[list[Operation], T]

DELAY_MS = 4
"""Where the operation of `put` has the delay."""


def put(job: Job, *, now_us: int) -> Operation:
    """The operation that adds a job, whatever the queue holds."""
    values = ("put", now_us, job.key, int(job.priority), max(int(job.delay_ms), 0))
    return values if job.topic == STEP_READY else (*values, job.topic)


def claim(state: QueueState, worker: WorkerId, *, limit: int, now_us: int) -> Decision[list[Job]]:
    if state.paused:
        return [], []
    state.waiting.settle(now_us)
    entries = state.waiting.firsts(limit)
    if not entries:
        return [], []
    return [("claim", now_us, worker, [entry.key for entry in entries])], [entry.job() for entry in entries]


def ack(state: QueueState, worker: WorkerId, keys: Iterable[str]) -> Decision[None]:
    return _naming("gone", _held_by(state, worker, keys)), None


def give_back(state: QueueState, worker: WorkerId, keys: Iterable[str]) -> Decision[None]:
    return _naming("back", _held_by(state, worker, keys)), None


def nack(state: QueueState, worker: WorkerId, key: str, *, reason: str, now_us: int) -> Decision[bool]:
    operations = [_failed(entry, reason, now_us) for entry in _held_by(state, worker, [key])]
    return operations, any(operation[0] == "dead" for operation in operations)


def take_from(state: QueueState, worker: WorkerId, *, reason: str, now_us: int) -> Decision[list[Job]]:
    entries = [entry for entry in state.held.values() if entry.worker == worker]
    operations = [_failed(entry, reason, now_us) for entry in entries]
    dead = [
        entry.job(failures=entry.failures + 1, reason=reason)
        for entry, operation in zip(entries, operations, strict=True)
        if operation[0] == "dead"
    ]
    return operations, dead


def drop(state: QueueState, run: RunId) -> Decision[int]:
    of_run = f"{run}/"
    entries = [entry for key, entry in state.entries.items() if key.startswith(of_run) and entry.place is not HELD]
    return _naming("gone", entries), len(entries)


def requeue(state: QueueState, keys: Iterable[str], *, now_us: int) -> Decision[list[Job]]:
    entries = _dead(state, keys)
    if not entries:
        return [], []
    return [("requeue", now_us, [entry.key for entry in entries])], [entry.job() for entry in entries]


def drop_dead(state: QueueState, keys: Iterable[str]) -> Decision[list[Job]]:
    entries = _dead(state, keys)
    return _naming("gone", entries), [entry.job() for entry in entries]


def pause(state: QueueState) -> Decision[bool]:
    return ([], False) if state.paused else ([("pause",)], True)


def resume(state: QueueState) -> Decision[bool]:
    return ([("resume",)], True) if state.paused else ([], False)


def mended(state: QueueState) -> Decision[None]:
    return ([("mended",)] if state.damaged else []), None


def _held_by(state: QueueState, worker: WorkerId, keys: Iterable[str]) -> list[Entry]:
    held = (state.held.get(key) for key in dict.fromkeys(keys))
    return [entry for entry in held if entry is not None and entry.worker == worker]


def _dead(state: QueueState, keys: Iterable[str]) -> list[Entry]:
    return [state.dead[key] for key in dict.fromkeys(keys) if key in state.dead]


def _failed(entry: Entry, reason: str, now_us: int) -> Operation:
    failures = entry.failures + 1
    if failures > len(RETRY_DELAYS_MS):
        return "dead", entry.key, failures, reason
    return "again", now_us, entry.key, RETRY_DELAYS_MS[failures - 1], failures, reason


def _naming(name: str, entries: list[Entry]) -> list[Operation]:
    return [(name, [entry.key for entry in entries])] if entries else []
