"""A queue over a folded state; a driver adds where the operations are kept."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

from nofx_cli.clock import Clock
from nofx_cli.domain.ids import RunId, WorkerId
from nofx_cli.drivers.jobs import decisions
from nofx_cli.drivers.jobs.decisions import Decision
from nofx_cli.drivers.jobs.entry import DEAD, DELAYED, DUE
from nofx_cli.drivers.jobs.state import QueueState
from nofx_cli.ports.queue import ClaimedJob, Job, QueueStats

T = TypeVar("T")


class FoldedQueue(ABC):
    """All of `ports.queue.Queue` but `put`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @abstractmethod
    def _looking(self) -> AbstractContextManager[QueueState]:
        """The newest state, which nobody in this process changes meanwhile."""

    @abstractmethod
    def _change(self, decide: Callable[[QueueState], Decision[T]]) -> T:
        """Decide on the newest state, which nobody changes meanwhile, and note and apply what was decided.

        `decide` may be called again where the state has changed since.
        """

    def claim(self, worker: WorkerId, *, limit: int) -> list[Job]:
        return self._change(lambda state: decisions.claim(state, worker, limit=limit, now_us=self._clock.now_us()))

    def ack(self, worker: WorkerId, keys: Iterable[str]) -> None:
        named = tuple(keys)
        self._change(lambda state: decisions.ack(state, worker, named))

    def nack(self, worker: WorkerId, key: str, reason: str) -> bool:
        return self._change(
            lambda state: decisions.nack(state, worker, key, reason=reason, now_us=self._clock.now_us())
        )

    def give_back(self, worker: WorkerId, keys: Iterable[str]) -> None:
        named = tuple(keys)
        self._change(lambda state: decisions.give_back(state, worker, named))

    def take_from(self, worker: WorkerId, reason: str) -> list[Job]:
        return self._change(
            lambda state: decisions.take_from(state, worker, reason=reason, now_us=self._clock.now_us())
        )

    def drop(self, run: RunId) -> int:
        return self._change(lambda state: decisions.drop(state, run))

    def requeue(self, keys: Iterable[str]) -> list[Job]:
        named = tuple(keys)
        return self._change(lambda state: decisions.requeue(state, named, now_us=self._clock.now_us()))

    def drop_dead(self, keys: Iterable[str]) -> list[Job]:
        named = tuple(keys)
        return self._change(lambda state: decisions.drop_dead(state, named))

    def pause(self) -> bool:
        return self._change(decisions.pause)

    def resume(self) -> bool:
        return self._change(decisions.resume)

    def mended(self) -> None:
        self._change(decisions.mended)

    def holders(self) -> list[WorkerId]:
        with self._looking() as state:
            return list(dict.fromkeys(entry.worker for entry in state.held.values()))

    def next_due_ms(self) -> float | None:
        with self._looking() as state:
            now_us = self._settle(state)
            if state.paused:
                return None
            if state.waiting.due:
                return 0
            next_us = state.waiting.next_us()
            return None if next_us is None else (next_us - now_us) / 1000

    def first_due(self) -> Job | None:
        with self._looking() as state:
            self._settle(state)
            first = None if state.paused else state.waiting.first()
            return first.job() if first else None

    def present(self, keys: Iterable[str]) -> set[str]:
        with self._looking() as state:
            found = ((key, state.entries.get(key)) for key in keys)
            return {key for key, entry in found if entry is not None and entry.place is not DEAD}

    def oldest_age_ms(self) -> int:
        with self._looking() as state:
            return age_ms(state.waiting.oldest_us(), self._clock.now_us())

    def stats(self) -> QueueStats:
        with self._looking() as state:
            now_us = self._settle(state)
            return QueueStats(
                due=state.waiting.due,
                delayed=state.waiting.delayed,
                claimed=len(state.held),
                dead=len(state.dead),
                oldest_age_ms=age_ms(state.waiting.oldest_us(), now_us),
                paused=state.paused,
                damaged=state.damaged,
            )

    def waiting(self) -> Sequence[Job]:
        with self._looking() as state:
            self._settle(state)
            entries = list(state.entries.values())
            due = [entry for entry in entries if entry.place is DUE]
            delayed = [entry for entry in entries if entry.place is DELAYED]
            due.sort(key=lambda entry: (-entry.priority, entry.order_us, entry.seq))
            delayed.sort(key=lambda entry: (entry.due_us, entry.seq))
            return [entry.job() for entry in (*due, *delayed)]

    def claimed(self) -> Sequence[ClaimedJob]:
        with self._looking() as state:
            return [ClaimedJob(entry.job(), entry.worker) for entry in state.held.values()]

    def dead(self) -> Sequence[Job]:
        with self._looking() as state:
            return [entry.job() for entry in state.dead.values()]

    def _settle(self, state: QueueState) -> int:
        now_us = self._clock.now_us()
        state.waiting.settle(now_us)
        return now_us


def age_ms(oldest_us: int | None, now_us: int) -> int:
    """How long a job that is due since `oldest_us` has been due; 0 for none, and for one that is due later."""
    return 0 if oldest_us is None else max(now_us - oldest_us, 0) // 1000
