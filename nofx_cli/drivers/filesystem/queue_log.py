"""The log of a queue's operations, `queue/log.jsonl`, and the state that it tells.

Lines are appended under the queue's lock and read without it; nothing is synced. A log that became long is written
anew beside the old one and takes its name; whoever has the old one open sees that the name leads to another file.

Crash points: in the middle of a write the log ends in a line without its end. Readers stop before it, and the next
writer ends it, so that it counts as damaged, or as what it says if only its end was missing. Before a new log has its
name it is nothing but a file that the next one overwrites.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice

from nofx_cli.drivers.filesystem.layout import write_all
from nofx_cli.drivers.filesystem.queue_lock import LogMark
from nofx_cli.drivers.jobs.state import Operation, QueueState, line_of

_CHUNK = 256 * 1024
_TAIL = 128
_LINES_A_WRITE = 1_000
_BEGINNING = b'["queue",'  # of a log that was written anew


class QueueLog:
    """The log as this process knows it. Not for several threads at a time."""

    _fd = -1
    _writable = False
    _identity = (-1, -1)

    def __init__(self, path: str) -> None:
        self._path = path
        self.state = QueueState()
        self.lost = 0
        """How often a log that had been read was deleted, or another one was put in its place."""
        self._offset = self._lines = 0
        self._tail = b""
        self._seen: tuple[int, int, int, int] | None = None

    def __del__(self) -> None:
        self._let_go()

    @property
    def is_read(self) -> bool:
        """Whether this process has begun to read it, so that reading on is cheap."""
        return self._offset > 0

    @property
    def lines(self) -> int:
        """How many lines were read."""
        return self._lines

    def unread_bytes(self) -> int:
        """How much it takes to catch up."""
        mark = self.mark()
        return 0 if mark is None else mark.size - (self._offset if mark.inode == self._identity[1] else 0)

    def has_read(self, mark: LogMark) -> bool:
        """Whether the state is that of the log as it was then."""
        return mark == (self._identity[1], self._offset)

    def mark(self) -> LogMark | None:
        """The log as it is now; None where there is none."""
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return None
        return LogMark(found.st_ino, found.st_size)

    def catch_up(self) -> bool:
        """Take in what is new; False when nothing is. Costs one call of the system then."""
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return self._close()
        seen = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        if seen == self._seen:
            return False
        if seen[:2] != self._identity:
            try:
                self._open(create=False)
            except FileNotFoundError:
                return self.catch_up()
        changed = self._read_news()
        self._seen = seen
        return changed

    def append(self, operations: Sequence[Operation]) -> LogMark:
        """Write operations behind all others; only under the lock. They are applied if all before them were read.

        Raises:
            OSError: they could not be written; then none of them is there.
        """
        self._open_for_writing()
        found = os.fstat(self._fd)
        data = _encoded(operations)
        if found.st_size == self._offset:
            self._write(data, found.st_size)
            for operation in operations:
                self.state.apply(operation)
            self._remember(data, lines=len(operations))
        else:
            if found.st_size and os.pread(self._fd, 1, found.st_size - 1) != b"\n":
                data = b"\n" + data
            self._write(data, found.st_size)
        return LogMark(found.st_ino, found.st_size + len(data))

    def replace(self) -> LogMark:
        """Write the state as a new log in place of this one; only under the lock, when all was read.

        Raises:
            OSError: it could not be written; then the old log stays.
        """
        making = f"{self._path}.new"
        fd = os.open(making, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            lines, last = 0, b""
            for batch in _batches(self.state.snapshot()):
                last = _encoded(batch)
                write_all(fd, last)
                lines += len(batch)
            os.replace(making, self._path)
        except BaseException:
            os.close(fd)
            with suppress(OSError):
                os.unlink(making)
            raise
        state = self.state
        self._adopt(fd, writable=True)
        self.state = state
        self._offset = os.fstat(fd).st_size - len(last)
        self._remember(last, lines=lines)
        return LogMark(self._identity[1], self._offset)

    def _start_anew(self) -> None:
        self.state = QueueState()
        self._offset = self._lines = 0
        self._tail, self._seen = b"", None

    def _close(self) -> bool:
        """Forget the file and what it told; False when none was open."""
        if self._fd < 0:
            return False
        self.lost += 1
        self._let_go()
        return True

    def _let_go(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._identity = -1, (-1, -1)
        self._start_anew()

    def _adopt(self, fd: int, *, writable: bool) -> None:
        if self._fd >= 0 and os.pread(fd, len(_BEGINNING), 0) != _BEGINNING:
            self.lost += 1
        self._let_go()
        found = os.fstat(fd)
        self._fd, self._writable, self._identity = fd, writable, (found.st_dev, found.st_ino)

    def _open(self, *, create: bool) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        if create:
            self._adopt(_open_or_make(self._path, flags | os.O_CREAT), writable=True)
            return
        try:
            self._adopt(os.open(self._path, flags), writable=True)
        except FileNotFoundError:
            raise
        except OSError:
            self._adopt(os.open(self._path, os.O_RDONLY | os.O_CLOEXEC), writable=False)

    def _open_for_writing(self) -> None:
        with suppress(FileNotFoundError):
            found = os.stat(self._path)
            if self._writable and (found.st_dev, found.st_ino) == self._identity:
                return
        self._open(create=True)

    def _read_news(self) -> bool:
        stands = self._stands()
        if not stands:
            self.lost += 1  # as a rule a failed write was taken back; but the number of a deleted file is used again
            self._start_anew()
        start, rest = self._offset, b""
        while chunk := os.pread(self._fd, _CHUNK, self._offset + len(rest)):
            whole, end, rest = (rest + chunk).rpartition(b"\n")
            if end:
                self._take(whole)
        return not stands or self._offset != start

    def _stands(self) -> bool:
        """Whether the end of what was read is still there: a writer whose disk fails takes its lines back."""
        length = len(self._tail)
        return not length or os.pread(self._fd, length, self._offset - length) == self._tail

    def _take(self, whole: bytes) -> None:
        lines = [line for line in whole.decode("ascii", "replace").split("\n") if line]
        for line in lines:
            self.state.fold_line(line)
        self._remember(whole + b"\n", lines=len(lines))

    def _remember(self, data: bytes, *, lines: int) -> None:
        """Note that this part was taken in."""
        self._offset += len(data)
        self._tail = data[-_TAIL:]
        self._lines += lines

    def _write(self, data: bytes, size: int) -> None:
        try:
            write_all(self._fd, data)
        except BaseException:
            with suppress(OSError):  # the next writer ends what stays
                os.ftruncate(self._fd, size)
            raise


def _open_or_make(path: str, flags: int) -> int:
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:  # the folder was deleted just now
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o644)


def _encoded(operations: Iterable[Operation]) -> bytes:
    return "".join([line_of(operation) + "\n" for operation in operations]).encode("ascii")


def _batches(operations: Iterator[Operation]) -> Iterator[list[Operation]]:
    while batch := list(islice(operations, _LINES_A_WRITE)):
        yield batch
