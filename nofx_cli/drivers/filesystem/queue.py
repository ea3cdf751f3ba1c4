"""The queue of a store, below `queue/`: a log of operations, and a lock under which it is written.

The authority is the log (`queue_log`); each process folds it into a state of its own and reads on from where it was.
A change is decided on the newest state under the lock, noted in the log in one write, and applied. What only looks,
and what turns out to change nothing, takes no lock and writes nothing. `put` looks at nothing, so that it costs the
same however many jobs wait: a job that is there already is left out when its line is read.

Crash points: before the write nothing happened. After it the change is made, whether or not its caller lived to know:
a claim belongs to a worker that is gone then, and `take_from` sets it free. The note in the lock's file (see
`queue_lock`) is written after the log, and is not believed while it is behind. Any of these files, and the folder, may
be deleted at any time: the queue is empty then, and the next change makes it anew. Who had read the log that is gone
counts that as damage, so that a worker rebuilds what was in it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from nofx_cli.clock import Clock
from nofx_cli.drivers.filesystem.layout import Layout, told
from nofx_cli.drivers.filesystem.queue_lock import LogMark, Note, QueueLock, read_note, write_note
from nofx_cli.drivers.filesystem.queue_log import QueueLog
from nofx_cli.drivers.jobs import decisions
from nofx_cli.drivers.jobs.decisions import Decision
from nofx_cli.drivers.jobs.queue import FoldedQueue, age_ms
from nofx_cli.drivers.jobs.state import Operation, QueueState
from nofx_cli.ports.queue import Job, QueueStats

T = TypeVar("T")

_LITTLE_BYTES = 32 * 1024
_READ = "the queue cannot be read"
_WRITTEN = "the queue cannot be written"
_HINT = "nothing was changed; mend the cause and try again"


class FileQueue(FoldedQueue):
    """Implements `ports.queue.Queue`. Any number of processes may have it open.

    Args:
        lock_timeout_ms: how long the lock is waited for.
        spare_lines: how many lines the log may hold beyond twice the number of jobs before it is written anew.
    """

    def __init__(
        self, layout: Layout, clock: Clock, *, lock_timeout_ms: int = 30_000, spare_lines: int = 1_000
    ) -> None:
        super().__init__(clock)
        self._lock = QueueLock(layout, timeout_ms=lock_timeout_ms)
        self._log = QueueLog(str(layout.root / "queue" / "log.jsonl"))
        self._spare_lines = self._spare_lines_now = spare_lines

    def put(self, jobs: Iterable[Job]) -> None:
        every = tuple(jobs)
        if not every:
            return
        with self._lock.among_threads(), told(_WRITTEN, hint=_HINT), self._lock.among_processes() as held:
            if self._log.unread_bytes() > _LITTLE_BYTES:
                self._put_unseen(held, every)
                return
            self._log.catch_up()
            now_us, known = self._clock.now_us(), self._log.state.entries
            operations = [decisions.put(job, now_us=now_us) for job in every if job.key not in known]
            if operations:
                self._commit(held, operations)

    def oldest_age_ms(self) -> int:
        with self._lock.among_threads(), told(_READ, hint=_HINT):
            if not self._log.is_read:
                note = self._note()
                if note is not None:
                    return age_ms(note.oldest_us, self._clock.now_us())
        return super().oldest_age_ms()

    def stats(self) -> QueueStats:
        found = super().stats()
        return replace(found, damaged=found.damaged + self._log.lost) if self._log.lost else found

    def mended(self) -> None:
        self._log.lost = 0
        super().mended()

    @contextmanager
    def _looking(self) -> Iterator[QueueState]:
        with self._lock.among_threads():
            with told(_READ, hint=_HINT):
                self._log.catch_up()
            yield self._log.state

    def _change(self, decide: Callable[[QueueState], Decision[T]]) -> T:
        with self._lock.among_threads(), told(_WRITTEN, hint=_HINT):
            self._log.catch_up()
            operations, answer = decide(self._log.state)
            if operations:
                with self._lock.among_processes() as held:
                    if self._log.catch_up():
                        operations, answer = decide(self._log.state)
                    if operations:
                        self._commit(held, operations)
            return answer

    def _commit(self, held: int, operations: list[Operation]) -> None:
        """Note what was decided on all that the log holds."""
        mark = self._log.append(operations)
        if not self._log.has_read(mark):
            self._log.catch_up()  # the end of the log was torn, so this was not applied
        if self._log.lines > 2 * len(self._log.state.entries) + self._spare_lines_now:
            mark = self._shortened() or mark
        write_note(held, Note(mark, self._log.state.waiting.oldest_us()))

    def _put_unseen(self, held: int, jobs: Iterable[Job]) -> None:
        """Add jobs to a long log that this process has not read."""
        now_us = self._clock.now_us()
        operations = [decisions.put(job, now_us=now_us) for job in jobs]
        before, note = self._log.mark(), read_note(held)
        mark = self._log.append(operations)
        if note is not None and note.mark == before:
            due_us = min(now_us + operation[decisions.DELAY_MS] * 1000 for operation in operations)
            write_note(held, Note(mark, _earlier(note.oldest_us, due_us)))

    def _shortened(self) -> LogMark | None:
        """Write the log anew; None, and a longer wait for the next try, where there is no room for it."""
        try:
            mark = self._log.replace()
        except OSError:
            self._spare_lines_now *= 2
            return None
        self._spare_lines_now = self._spare_lines
        return mark

    def _note(self) -> Note | None:
        """When the oldest job became due, as far as that is noted; None where the log has to be read."""
        for waits in (False, True):
            mark = self._log.mark()
            if mark is None:
                return Note(LogMark(0, 0), None)
            note = self._lock.note(waits=waits)  # it may be that somebody has written the log and not yet the note
            if note is not None and note.mark == mark:
                return note
        return None


def _earlier(one_us: int | None, other_us: int | None) -> int | None:
    if one_us is None or other_us is None:
        return other_us if one_us is None else one_us
    return min(one_us, other_us)
