"""The state of a queue: a fold over operations, the same in every process that reads the same ones.

An operation is a list of a name and its values, as it stands in a log. It carries what was decided, the instant
included, so that no clock is asked here. It is taken at its word: one that names a job which is not there (its line
was lost) leaves that job out and nothing else.

    put         at_us key priority delay_ms [topic]         nothing, where the key is there
    claim       at_us worker keys
    gone        keys                                        acked or dropped
    again       at_us key delay_ms failures reason          waits for its next delivery
    back        keys                                        waits in its old place
    dead        key failures reason
    requeue     at_us keys                                  waits as if it were new
    pause resume mended
    queue, job  what a compacted log begins with: what `QueueState.snapshot` says
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from nofx_cli.domain.ids import WorkerId
from nofx_cli.drivers.jobs.entry import DEAD, DELAYED, DUE, GONE, HELD, Entry, is_key
from nofx_cli.drivers.jobs.waiting import WaitingJobs
from nofx_cli.ports.queue import STEP_READY

Operation = Sequence[Any]

_WAITS = "waits"
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class QueueState:
    """All jobs. Only `apply` and `fold_line` change what it holds."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.waiting = WaitingJobs()
        self.held: dict[str, Entry] = {}
        """The claimed ones, longest held first."""
        self.dead: dict[str, Entry] = {}
        """The dead letters, oldest first."""
        self.paused = False
        self.damaged = 0
        self._seq = self._last_us = self._shift_us = 0

    def apply(self, operation: Operation) -> None:
        """Do what an operation says.

        Raises:
            ValueError, TypeError, KeyError: it is none.
        """
        name, *values = operation
        _EFFECTS[name](self, *values)

    def fold_line(self, line: str) -> None:
        """Apply the operation that a line of a log holds; one that cannot be read is counted."""
        try:
            operation, end = _decode(line)
            if end != len(line):
                raise ValueError("something follows the operation")
            self.apply(operation)
        except _UNREADABLE:
            self.damaged += 1

    def snapshot(self) -> Iterator[Operation]:
        """Operations that make this state out of an empty one."""
        yield "queue", self._seq, self._last_us, self._shift_us, int(self.paused), self.damaged
        waiting = (entry for entry in self.entries.values() if entry.place is DUE or entry.place is DELAYED)
        for place, entries in ((_WAITS, waiting), (HELD, self.held.values()), (DEAD, self.dead.values())):
            for entry in entries:
                when = (entry.priority, entry.delay_ms, entry.enqueued_us, entry.failures, entry.order_us, entry.seq)
                yield "job", entry.key, entry.topic, *when, entry.reason, place, entry.worker

    def put(self, at_us: int, key: str, priority: int, delay_ms: int, topic: str = STEP_READY) -> None:
        if key in self.entries:
            return
        _check_numbers((at_us, priority, delay_ms))
        if not is_key(key):
            raise ValueError("no job")
        entry = self.entries[key] = Entry(key, topic=topic, priority=priority)
        self._wait(entry, at_us, delay_ms)

    def claim(self, _at_us: int, worker: WorkerId, keys: Iterable[str]) -> None:
        for entry in self._known(keys):
            self._take_out(entry)
            entry.place, entry.worker = HELD, worker
            self.held[entry.key] = entry

    def gone(self, keys: Iterable[str]) -> None:
        for entry in self._known(keys):
            self._take_out(entry)
            entry.place = GONE
            del self.entries[entry.key]

    def again(self, at_us: int, key: str, delay_ms: int, failures: int, reason: str) -> None:
        for entry in self._known([key]):
            self._take_out(entry)
            entry.failures, entry.reason = failures, reason
            self._wait(entry, at_us, delay_ms)

    def back(self, keys: Iterable[str]) -> None:
        for entry in self._known(keys):
            self._take_out(entry)
            self.waiting.add(entry)

    def bury(self, key: str, failures: int, reason: str) -> None:
        for entry in self._known([key]):
            self._take_out(entry)
            entry.place, entry.failures, entry.reason = DEAD, failures, reason
            self.dead[key] = entry

    def requeue(self, at_us: int, keys: Iterable[str]) -> None:
        for key in keys:
            self.again(at_us, key, 0, 0, "")

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def mended(self) -> None:
        self.damaged = 0

    def restore(self, *values: Any) -> None:
        _check_numbers(values)
        self._seq, self._last_us, self._shift_us, paused, self.damaged = values
        self.paused = bool(paused)

    def restore_job(self, key: str, topic: str, *values: Any) -> None:
        *numbers, reason, place, worker = values
        _check_numbers(numbers)
        if not is_key(key) or key in self.entries:
            raise ValueError("no job")
        entry = Entry(key, topic=topic, priority=numbers[0])
        _, entry.delay_ms, entry.enqueued_us, entry.failures, entry.order_us, entry.seq = numbers
        entry.reason, entry.worker = reason, worker
        self.entries[key] = entry
        if place == _WAITS:
            self.waiting.add(entry)
        elif place == HELD:
            entry.place, self.held[key] = HELD, entry
        else:
            entry.place, self.dead[key] = DEAD, entry

    def _known(self, keys: Iterable[str]) -> Iterator[Entry]:
        return (self.entries[key] for key in keys if key in self.entries)

    def _take_out(self, entry: Entry) -> None:
        if entry.place is HELD:
            del self.held[entry.key]
            entry.worker = WorkerId("")
        elif entry.place is DEAD:
            del self.dead[entry.key]
        else:
            self.waiting.remove(entry)

    def _wait(self, entry: Entry, at_us: int, delay_ms: int) -> None:
        """Let it wait from `at_us` on, behind all that wait with its priority and are due before it.

        Where the clock was set back, what was put before must not wait until it is right again.
        """
        if at_us < self._last_us:
            self._shift_us += self._last_us - at_us
        self._last_us = at_us
        self._seq += 1
        entry.seq, entry.enqueued_us, entry.delay_ms = self._seq, at_us, delay_ms
        later_us = self._shift_us + delay_ms * 1000
        entry.order_us = at_us + later_us if later_us else at_us  # one object for both, of a hundred thousand jobs
        self.waiting.add(entry)


def _check_numbers(values: Iterable[Any]) -> None:
    for value in values:
        if type(value) is not int:
            raise TypeError("no number")


def line_of(operation: Operation) -> str:
    """The line of a log that holds an operation, without its end; ASCII only."""
    return _encode(operation)


_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_decode = json.JSONDecoder().raw_decode

_EFFECTS: Mapping[str, Callable[..., None]] = {
    "put": QueueState.put,
    "claim": QueueState.claim,
    "gone": QueueState.gone,
    "again": QueueState.again,
    "back": QueueState.back,
    "dead": QueueState.bury,
    "requeue": QueueState.requeue,
    "pause": QueueState.pause,
    "resume": QueueState.resume,
    "mended": QueueState.mended,
    "queue": QueueState.restore,
    "job": QueueState.restore_job,
}
