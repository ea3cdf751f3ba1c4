"""One run's journal as a file of lines, appended under an exclusive lock.

Append: take the lock (flock on the journal itself: the kernel frees it however we die), compare the file's size
with what was last seen, read what is new, compare the sequence number, write all lines in one write, fdatasync,
note the new head beside it, release.

Crash points: before the write nothing happened. In the middle of it the file ends in a torn batch: a line without
its newline, or a line that says `more` follow. Readers stop before it; the next writer holds the lock, so nobody
is still writing it, and moves the torn bytes to `journal.torn-<offset>` and tells it with `journal.repaired`.
After the write the batch is committed. The noted head is written after the batch is durable, so it is never ahead
of the journal; it may be behind after a crash.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.codec import DamagedLine, Head, Mask, decode_line, encode_batch, whole_batches
from nofx_cli.domain.events import Actor, Draft, Event, JournalRepaired
from nofx_cli.domain.ids import RunId, digest_of_bytes
from nofx_cli.drivers.filesystem.layout import Layout, fdatasync, store_failure, told, write_all
from nofx_cli.ports.journal import AppendConflict

JOURNAL = "journal.jsonl"
HEAD = "head"


class JournalFile:
    """The open journal of one run. Threads of one process share it; processes meet at the file's lock."""

    _fd = _head_fd = -1

    def __init__(self, layout: Layout, run: RunId, *, mask: Mask | None) -> None:
        self._layout, self._run, self._mask = layout, run, mask
        self._folder = layout.run(run)
        self._thread_lock = threading.RLock()
        self._size, self._head, self._last_line = 0, Head(), b""
        try:
            self._fd = os.open(self._folder / JOURNAL, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            self._writable = True
        except FileNotFoundError as exc:
            raise not_found(run) from exc
        except OSError:
            with told(f"the journal of run {run} cannot be opened"):
                self._fd = os.open(self._folder / JOURNAL, os.O_RDONLY | os.O_CLOEXEC)
            self._writable = False

    def close(self) -> None:
        """Close the files; the journal is not used any more."""
        for fd in (self._fd, self._head_fd):
            if fd >= 0:
                os.close(fd)
        self._fd = self._head_fd = -1

    def __del__(self) -> None:
        self.close()

    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def append(self, expected_seq: int, drafts: Sequence[Draft], *, at: str, actor: Actor) -> list[Event]:
        with self._thread_lock, told(f"the journal of run {self._run} cannot be written"), self._locked():
            taken_back = not self._stands()
            since = self._catch_up(at=at)
            if self._head.seq != expected_seq or taken_back:
                if self._head.seq - len(since) != expected_seq:
                    since = self.read(after_seq=expected_seq)
                raise AppendConflict(self._run, since)
            if not drafts:
                return []
            return self._write(drafts, at=at, actor=actor)

    def take_in(self, lines: Sequence[bytes], *, behind: Head) -> None:
        """Put lines that were written in another store, which are whole batches and chained, behind a head.

        Raises:
            AppendConflict: the journal does not end in that head; nothing was written.
        """
        with self._thread_lock, told(f"the journal of run {self._run} cannot be written"), self._locked():
            if not self._stands():
                self._forget()
            self._take(self._new_bytes())
            if self._head != behind:
                raise AppendConflict(self._run, [])
            if torn := self.size() - self._size:
                self._set_aside(torn)  # never committed, and the lines that come know nothing of it
            if lines:
                head = Head(behind.seq + len(lines), digest_of_bytes(lines[-1]))
                self._put(b"\n".join(lines) + b"\n", head, lines[-1])

    def read(self, *, after_seq: int = 0) -> list[Event]:
        """The whole batches behind `after_seq`; remembers how far the file was read."""
        with self._thread_lock, told(f"the journal of run {self._run} cannot be read"):
            if after_seq and after_seq == self._head.seq:
                return [event for event in self._take(self._new_bytes()) if event.seq > after_seq]
            data = self._bytes_from(0)
            whole = data[: whole_batches(data)]
            lines = whole.split(b"\n")[:-1]
            events = self._decode(lines[after_seq:], first_seq=after_seq + 1)
            self._forget()
            self._remember(len(whole), lines)
            return events

    def head(self) -> Head:
        with self._thread_lock:
            self._take(self._new_bytes())
            return self._head

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _bytes_from(self, offset: int) -> bytes:
        size = self.size()
        parts = []
        while offset < size:
            part = os.pread(self._fd, size - offset, offset)
            if not part:
                break
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def _new_bytes(self) -> bytes:
        """What stands behind the part that was read before; all, when that part was taken back since."""
        if self.size() == self._size:
            return b""
        if not self._stands():
            self._forget()
        return self._bytes_from(self._size)

    def _stands(self) -> bool:
        """Whether the last line that was read is still there.

        A writer whose disk fails takes its batch back; somebody may have read it before, and another batch may
        stand in its place by now.
        """
        length = len(self._last_line)
        return not length or os.pread(self._fd, length, self._size - length) == self._last_line

    def _forget(self) -> None:
        self._size, self._head, self._last_line = 0, Head(), b""

    def _remember(self, size: int, lines: Sequence[bytes]) -> None:
        """Note that `lines`, of `size` bytes, stand behind what was read before."""
        if lines:
            self._last_line = lines[-1] + b"\n"
            self._size += size
            self._head = Head(self._head.seq + len(lines), digest_of_bytes(lines[-1]))

    def _take(self, data: bytes) -> list[Event]:
        """Take in what stands behind the part that was read before."""
        if not data:
            return []
        whole = data[: whole_batches(data)]
        lines = whole.split(b"\n")[:-1]
        events = self._decode(lines, first_seq=self._head.seq + 1)
        self._remember(len(whole), lines)
        return events

    def _catch_up(self, *, at: str) -> list[Event]:
        """Take in what others wrote. Only under the lock."""
        if not self._stands():
            self._forget()
        events = self._take(self._new_bytes())
        noted = read_head(self._folder) if len(events) == self._head.seq else None
        if noted is not None and noted.seq > self._head.seq:
            raise tail_lost(self._run, self._head.seq, noted.seq)
        torn = self.size() - self._size
        if torn:
            events += self._repair(torn, at=at)
        return events

    def _repair(self, torn: int, *, at: str) -> list[Event]:
        draft = Draft(JournalRepaired(bytes=torn, kept=self._set_aside(torn)))
        return self._write([draft], at=at, actor=Actor("system", "nofx"))

    def _set_aside(self, torn: int) -> str:
        """Cut the torn bytes off; returns the name of the file that keeps them."""
        kept = f"journal.torn-{self._size}"
        path = self._folder / kept
        path.unlink(missing_ok=True)
        self._layout.write_durably(path, self._bytes_from(self._size)[:torn])
        os.ftruncate(self._fd, self._size)
        return kept

    def _write(self, drafts: Sequence[Draft], *, at: str, actor: Actor) -> list[Event]:
        events, head = encode_batch(drafts, run=self._run, head=self._head, at=at, actor=actor, mask=self._mask)
        self._put(b"\n".join([event.line for event in events]) + b"\n", head, events[-1].line)
        return events

    def _put(self, data: bytes, head: Head, last_line: bytes) -> None:
        """Make the bytes durable behind what was read, and note the head; or leave the file as it was."""
        if not self._writable:
            raise OSError(30, "read-only", str(self._folder / JOURNAL))
        try:
            write_all(self._fd, data)
            if self._layout.sync:
                fdatasync(self._fd)
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size, self._head, self._last_line = self._size + len(data), head, last_line + b"\n"
        with contextlib.suppress(OSError):  # the batch is durable; a noted head that stays behind is allowed
            self._note_head()

    def _note_head(self) -> None:
        if self._head_fd < 0:
            self._head_fd = os.open(self._folder / HEAD, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644)
        os.pwrite(self._head_fd, head_text(self._head), 0)

    def _decode(self, lines: Sequence[bytes], *, first_seq: int) -> list[Event]:
        events = []
        for seq, line in enumerate(lines, first_seq):
            try:
                events.append(decode_line(line))
            except DamagedLine as exc:
                raise damaged(self._run, seq) from exc
        return events


def head_text(head: Head) -> bytes:
    """The noted head: always of the same length, so that a later one covers it whole."""
    return f"{head.seq:>20} {head.digest}\n".encode("ascii")


def read_head(folder: Path) -> Head | None:
    """The head noted in a run's folder; None where there is none that can be read."""
    try:
        seq, digest = (folder / HEAD).read_text(encoding="ascii").split()
        return Head(int(seq), digest)
    except (OSError, ValueError):
        return None


def not_found(run: RunId) -> errors.NotFound:
    return errors.NotFound(f"there is no run {run}", code="run-not-found", hint="nofx list", context={"run": run})


def damaged(run: RunId, seq: int) -> errors.StoreFailure:
    return errors.StoreFailure(
        f"event {seq} of run {run} cannot be read",
        code="journal-damaged",
        hint=f"nofx verify {run}",
        context={"run": run, "seq": seq},
    )


def tail_lost(run: RunId, seq: int, noted: int) -> errors.StoreFailure:
    return errors.StoreFailure(
        f"events {seq + 1} to {noted} of run {run} are gone from its journal",
        code="journal-damaged",
        hint=f"nofx verify {run}",
        context={"run": run, "seq": seq + 1},
    )


__all__ = ["HEAD", "JOURNAL", "JournalFile", "head_text", "not_found", "read_head", "store_failure"]
