"""The jobs that wait, in the order they go: heaps from which what is out of date is dropped when it comes up.

    added ──▶ delayed ──its time has come, or the clock shows a time before it was put──▶ due ──removed──▶
                 ▲                                                                         │
                 └──────────────the clock that was set back is right again─────────────────┘

Each step costs O(log n) amortised; a clock that is set back costs O(n) once.
"""

import heapq
from collections.abc import Iterator
from itertools import chain

from nofx_cli.drivers.jobs.entry import DELAYED, DUE, Entry

_Ordered = tuple[int, int, int, Entry]
_Timed = tuple[int, int, Entry]

_SPARE = 64
"""How many items a heap may hold beyond twice those that count."""


class WaitingJobs:
    """Those that wait. `due` and `delayed` say how many, as of the last `settle`."""

    def __init__(self) -> None:
        self.due = self.delayed = 0
        self._queue: list[_Ordered] = []  # the due ones, as they are claimed
        self._ages: list[_Timed] = []  # the due ones, by the time they became due
        self._later: list[_Timed] = []  # the delayed ones, by the time they are due
        self._early: list[_Timed] = []  # those due only because the clock was set back, by when that is over
        self._latest_us = 0  # no delayed one was put later
        self._now_us = 0

    def add(self, entry: Entry) -> None:
        """Let it wait."""
        if entry.delay_ms > 0:
            self._delay(entry)
        else:
            self._make_due(entry)

    def remove(self, entry: Entry) -> None:
        """It waits no more; the caller gives it another place."""
        if entry.place is DUE:
            self.due -= 1
        elif entry.place is DELAYED:
            self.delayed -= 1

    def settle(self, now_us: int) -> None:
        """Take note of what time it is."""
        if now_us < self._latest_us or now_us < self._now_us:
            self._sort_anew(now_us)
        self._now_us = now_us
        early, later = self._early, self._later
        while early and early[0][0] <= now_us:
            _, seq, entry = heapq.heappop(early)
            if entry.place is DUE and entry.seq == seq and entry.due_us > now_us:
                self.due -= 1
                self._delay(entry)
        while later and later[0][0] <= now_us:
            _, seq, entry = heapq.heappop(later)
            if entry.place is DELAYED and entry.seq == seq:
                self.delayed -= 1
                self._make_due(entry)

    def first(self) -> Entry | None:
        """The due one that goes first."""
        queue = self._queue
        while queue and not (queue[0][3].place is DUE and queue[0][3].seq == queue[0][2]):
            heapq.heappop(queue)
        return queue[0][3] if queue else None

    def firsts(self, limit: int) -> list[Entry]:
        """The due ones that go first, at most `limit`; they stay where they are."""
        if limit <= 1:
            one = self.first() if limit == 1 else None
            return [one] if one else []
        taken: dict[str, _Ordered] = {}
        while len(taken) < limit and (entry := self.first()):
            taken[entry.key] = heapq.heappop(self._queue)
        for item in taken.values():
            heapq.heappush(self._queue, item)
        return [item[3] for item in taken.values()]

    def oldest_us(self) -> int | None:
        """When the one became due that is due first of all, or will; None where none waits."""
        due, delayed = _first_time(self._ages, DUE), _first_time(self._later, DELAYED)
        if due is None or delayed is None:
            return delayed if due is None else due
        return min(due, delayed)

    def next_us(self) -> int | None:
        """When the next delayed one is due; None where there is none."""
        return _first_time(self._later, DELAYED)

    def _delay(self, entry: Entry) -> None:
        entry.place = DELAYED
        self.delayed += 1
        self._latest_us = max(self._latest_us, entry.enqueued_us)
        if len(self._later) > 2 * self.delayed + _SPARE:
            self._later = list(_current(self._later, DELAYED))
            heapq.heapify(self._later)
        heapq.heappush(self._later, (entry.due_us, entry.seq, entry))

    def _make_due(self, entry: Entry) -> None:
        entry.place = DUE
        self.due += 1
        if len(self._ages) > 2 * self.due + _SPARE or len(self._queue) > 2 * self.due + _SPARE:
            self._tidy()
        heapq.heappush(self._queue, (-entry.priority, entry.order_us, entry.seq, entry))
        heapq.heappush(self._ages, (entry.due_us, entry.seq, entry))

    def _tidy(self) -> None:
        """Drop what is out of date, and what a job has twice that was given back."""
        current = {entry.key: entry for _, _, entry in _current(self._ages, DUE)}.values()
        self._ages = [(entry.due_us, entry.seq, entry) for entry in current]
        self._queue = [(-entry.priority, entry.order_us, entry.seq, entry) for entry in current]
        heapq.heapify(self._ages)
        heapq.heapify(self._queue)

    def _sort_anew(self, now_us: int) -> None:
        """The clock was set back. What was put later than now would wait for long, so it is due, too early."""
        current = chain(_current(self._ages, DUE), _current(self._later, DELAYED))
        waiting = {item[2].key: item[2] for item in current}.values()
        self._queue, self._ages, self._later, self._early = [], [], [], []
        self.due = self.delayed = self._latest_us = 0
        for entry in waiting:
            if entry.enqueued_us <= now_us < entry.due_us:
                self._delay(entry)
                continue
            self._make_due(entry)
            if now_us < entry.due_us:
                heapq.heappush(self._early, (entry.enqueued_us, entry.seq, entry))


def _current(heap: list[_Timed], place: str) -> Iterator[_Timed]:
    return (item for item in heap if item[2].place is place and item[2].seq == item[1])


def _first_time(heap: list[_Timed], place: str) -> int | None:
    while heap and not (heap[0][2].place is place and heap[0][2].seq == heap[0][1]):
        heapq.heappop(heap)
    return heap[0][0] if heap else None
