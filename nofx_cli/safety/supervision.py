"""One child process, from its start until nothing of it is left.

States: running → (ended by itself | stopping: TERM, after the grace KILL) → main process reaped → what it left
behind is ended the same way → gone. One thread does it all; it waits for output, the end of the main process, a
request to stop and the next due time in one place.

A step ends with its main process: the pipe is read as far as there is something in it, not until its end, which a
descendant could keep open for ever.
"""

import os
import select
from contextlib import suppress
from signal import SIGKILL, SIGTERM
from typing import TYPE_CHECKING

from nofx_cli import errors
from nofx_cli.ports.processes import Cancellation, ProcessSpec
from nofx_cli.safety.children import CHILDREN, Family, marks_of
from nofx_cli.safety.ending import GIVE_UP_MS, REAL_TIME, end_all, rest
from nofx_cli.safety.output import Output, Source
from nofx_cli.safety.pipes import Wake, new_pipe
from nofx_cli.safety.record import empty_record, write_record
from nofx_cli.safety.start import refuse, start

if TYPE_CHECKING:
    from subprocess import Popen

    from nofx_cli.safety.sandbox_launch import Launch

_CHUNK = 65_536
_MOST_PIECES_IN_A_PIPE = 32
_LONGEST_WAIT_MS = 3_600_000.0
_SETTLE_MS = 100
_BLIND_PAUSE_MS = 10.0  # how often to look for the end of a child where the kernel has no file that tells it


class Supervision:
    """Starts one process and sees it to its end.

    Attributes:
        stopped: why it was ended; empty when it ended by itself.
        exit_code: below 0 the signal that ended it; None when it could not be ended at all.
        survivors: how many processes it left behind when it ended by itself. Where it was the only one that ran, that
            counts every orphan of which nothing tells whose it is.
    """

    def __init__(
        self,
        spec: ProcessSpec,
        output: Output,
        cancellation: Cancellation,
        wake: Wake,
        launch: "Launch | None" = None,
    ) -> None:
        """`launch` is how the process is shut in, None where it is not."""
        self._spec, self._output, self._cancellation, self._wake = spec, output, cancellation, wake
        self._launch, self._program = launch, ""
        self._sources: dict[int, Source] = {}
        self._poll = select.poll()
        self._poll.register(wake.fd, select.POLLIN)
        self._end_fd = -1
        self._limit_at_ms = self._kill_at_ms = float("inf")
        self._killed = False
        self.stopped = ""
        self.survivors = 0
        self.exit_code: int | None = None

    def run(self, program: str) -> None:
        """Start `program` and return when nothing of it is left.

        Raises:
            errors.NofxError: as `start.start`; `errors.StoreFailure` where log or record cannot be written. Whatever
                is raised, also by the one who is told the lines: nothing is left then either.
        """
        self._program = program
        family = self._start()
        self._limit_at_ms = REAL_TIME.monotonic_ms() + self._spec.time_limit_ms
        try:
            write_record(self._spec.record, family.main, self._output.without_secrets(self._spec.argv[0]))
            self._await_end(family)
            self._hear_launch()
            self._end_left_behind(family)
            self._drain()
            self._let_go(family)
            if self._launch:
                self.exit_code = self._launch.exit_code(self.exit_code)
        except BaseException:
            self._end_at_once(family)
            raise
        finally:
            self._close()
        self._output.finish()

    def _start(self) -> Family:
        captures = self._spec.capture_limit > 0 or self._spec.show is not None  # then the streams are told apart
        ends: list[int] = []
        try:
            ends.append(self._new_pipe(captured=captures))
            if captures:
                ends.append(self._new_pipe(captured=False))
            family = CHILDREN.start(lambda: self._popen(*ends), marks_of(self._spec.env))
            if self._launch:
                self._poll.register(self._launch.answer_fd, select.POLLIN)
            return family
        except BaseException:
            self._close()
            raise
        finally:
            for end in ends:
                os.close(end)

    def _popen(self, stdout: int, stderr: int | None = None) -> "Popen[bytes]":
        stderr = stdout if stderr is None else stderr
        return start(self._spec, self._program, stdout=stdout, stderr=stderr, launch=self._launch)

    def _new_pipe(self, *, captured: bool) -> int:
        ours, theirs = new_pipe()
        self._sources[ours] = self._output.source(ours, captured=captured)
        self._poll.register(ours, select.POLLIN)
        return theirs

    def _await_end(self, family: Family) -> None:
        """Wait for the end of the main process; bring it about where that is asked for or its time is over."""
        if hasattr(os, "pidfd_open"):
            with suppress(OSError):  # a kernel before 5.3: we look now and then instead
                self._end_fd = os.pidfd_open(family.main.pid)
                self._poll.register(self._end_fd, select.POLLIN)
        while self.exit_code is None:
            due_ms = self._heed(family)
            if due_ms is None:
                return
            if self._pump(due_ms) or self._end_fd < 0:
                self.exit_code = family.reap_main()
        self._forget_end_fd()

    def _heed(self, family: Family) -> float | None:
        """Do what is due. Returns in how many milliseconds to look again; None when all was done, in vain."""
        now_ms = REAL_TIME.monotonic_ms()
        reason = self._cancellation.reason
        if not self.stopped:
            if not reason and now_ms < self._limit_at_ms:
                return self._limit_at_ms - now_ms
            self.stopped = reason or "timeout"
            self._kill_at_ms = now_ms + self._spec.grace_ms
            family.remember()
            family.signal_group(SIGTERM)
        if not self._killed and now_ms >= self._grace_ends_ms():
            self._killed, self._kill_at_ms = True, now_ms
            family.remember()
            family.signal_group(SIGKILL)
        left_ms = self._kill_at_ms + (GIVE_UP_MS if self._killed else 0) - now_ms
        return left_ms if left_ms > 0 else None

    def _grace_ends_ms(self) -> float:
        return 0.0 if self._cancellation.reason == "killed" else self._kill_at_ms

    def _end_left_behind(self, family: Family) -> None:
        if self.exit_code is None:
            return
        if family.is_gone():
            return
        if not self.stopped:
            self.survivors = self._settle(family)
            self._kill_at_ms = REAL_TIME.monotonic_ms() + self._spec.grace_ms
        end_all(family.living, kill_at_ms=self._grace_ends_ms, pause=self._pump)

    def _settle(self, family: Family) -> int:
        """Give what ends by itself a moment, such as the reader of our output (`> >(tee …)`). Returns how many stay."""
        until_ms = REAL_TIME.monotonic_ms() + _SETTLE_MS
        pause_ms = 1.0
        while (left := family.living()) and REAL_TIME.monotonic_ms() < until_ms and not self._cancellation.reason:
            self._pump(pause_ms)
            pause_ms *= 2
        return len(left)

    def _let_go(self, family: Family) -> None:
        """Forget it, and its record. What could not be ended stays on record, and guarded."""
        if self.exit_code is None:
            return
        while not family.release():
            end_all(family.living, kill_at_ms=self._grace_ends_ms, pause=rest)
        empty_record(self._spec.record)

    def _end_at_once(self, family: Family) -> None:
        """Something went wrong on our side: leave nothing behind, and touch neither log nor listener any more."""
        self.stopped, self._kill_at_ms = self.stopped or "killed", 0.0
        give_up_ms = REAL_TIME.monotonic_ms() + GIVE_UP_MS
        if self.exit_code is None:
            family.remember()
        while self.exit_code is None and REAL_TIME.monotonic_ms() < give_up_ms:
            family.signal_group(SIGKILL)
            rest(1)
            self.exit_code = family.reap_main()
        if self.exit_code is not None:
            end_all(family.living, kill_at_ms=self._grace_ends_ms, pause=rest)
        self._let_go(family)

    def _pump(self, timeout_ms: float) -> bool:
        """Take in what comes, waiting at most so long for something. True when the main process has ended."""
        until_tell_ms = self._output.tell(REAL_TIME.monotonic_ms())
        if until_tell_ms is not None:
            timeout_ms = min(timeout_ms, until_tell_ms)
        if self._end_fd < 0:
            timeout_ms = min(timeout_ms, _BLIND_PAUSE_MS)
        ended = False
        for fd, _ in self._poll.poll(min(timeout_ms, _LONGEST_WAIT_MS)):
            if fd == self._end_fd:
                ended = True
            elif fd == self._wake.fd:
                self._wake.clear()
            elif self._launch and fd == self._launch.answer_fd:
                self._hear_launch()
            elif fd in self._sources:
                self._read(fd)
        return ended

    def _hear_launch(self) -> None:
        """Take in what the launcher tells, if there is one; raise what kept it from the program.

        One that was stopped before it got there keeps silent.
        """
        if not self._launch or self._launch.answer_fd < 0:
            return
        try:
            failed = self._launch.hear(self._last_line)
        except errors.Denied:
            if not self.stopped:
                raise
            failed = 0
        if failed is None:
            return
        self._poll.unregister(self._launch.answer_fd)
        self._launch.close()
        if failed:
            refuse(OSError(failed, os.strerror(failed)), self._spec, self._program)

    def _last_line(self) -> str:
        for fd in list(self._sources):
            self._read(fd)
        return self._output.last_line

    def _read(self, fd: int) -> bool:
        """Take in one piece; False when there is nothing in the pipe."""
        source = self._sources[fd]
        try:
            chunk = os.read(fd, _CHUNK)
        except BlockingIOError:
            return False
        if chunk:
            self._output.take(source, chunk)
            return True
        self._output.end(source)
        del self._sources[fd]
        self._poll.unregister(fd)
        os.close(fd)
        return False

    def _drain(self) -> None:
        """Take in what is left in the pipes, but do not wait for their ends, nor follow a writer who does not stop."""
        for fd in list(self._sources):
            pieces = 0
            while self._read(fd) and pieces < _MOST_PIECES_IN_A_PIPE:
                pieces += 1
        for source in self._sources.values():
            self._output.end(source)

    def _forget_end_fd(self) -> None:
        if self._end_fd >= 0:
            self._poll.unregister(self._end_fd)
            os.close(self._end_fd)
            self._end_fd = -1

    def _close(self) -> None:
        self._forget_end_fd()
        for fd in self._sources:
            os.close(fd)
        self._sources.clear()
        if self._launch:
            self._launch.close()
