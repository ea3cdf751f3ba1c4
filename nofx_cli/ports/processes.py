"""Child processes of a step."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from nofx_cli.domain.policy import Sandbox
from nofx_cli.domain.record import record


class Cancellation(Protocol):
    """A request to stop that may come at any time, from any thread."""

    @property
    def reason(self) -> str:
        """Empty while there is none; else `timeout`, `cancelled`, `interrupted` or `killed` (no grace any more)."""
        ...

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` when the request comes (at once if it has come) and at each change of the reason.

        Returns how to stop that.
        """
        ...


RECORD = "process.json"
"""The name, in an attempt's scratch folder, of the record of its process. A blank record names nobody."""
RECORD_BYTES = 1024
"""The size of every record, padded with blanks."""
ShowLine: TypeAlias = Callable[[str, bool], str]
"""Makes of a line of output, masked and without its end, what the log is to have of it: lines, or nothing (empty).

It is told whether the line came on standard error, and is called in the order of arrival. It must not raise.
"""


@record
class ProcessSpec:
    """What to start. `env` is the whole environment. `time_limit_ms` counts from the start; the step's limit holds too.

    `output_limit` is the number of bytes that are kept in the log. `capture_limit` the number of bytes of standard
    output that are given back (the head of it; 0 keeps none).

    `sandbox` is how it is shut in, None where it is not. Only then count `workspace`, the folder that the sandbox's
    `write` is relative to; `writable`, folders outside of it that the process must be able to write (they exist); and
    `readonly`, files and folders that it may not write whatever `write` says. `.git` and `nofx.yaml` of the workspace
    and `record` are of these without being named.

    `stdin` is a file that it reads; None gives it nothing to read. Where there is a `show`, the log and the newest line
    have what that makes of the output, masked once more; what is captured stays as it came. A line of more than
    8 MiB is left out then, with a note in its place.
    """

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    log: Path
    record: Path
    time_limit_ms: int
    output_limit: int = 64 * 1024 * 1024
    capture_limit: int = 0
    grace_ms: int = 700
    sandbox: Sandbox | None = None
    workspace: Path | None = None
    writable: tuple[Path, ...] = ()
    readonly: tuple[Path, ...] = ()
    stdin: Path | None = None
    show: ShowLine | None = None


@record
class ProcessResult:
    """How a process ended.

    Attributes:
        exit_code: None when a signal ended it.
        signal: the signal's name (`SIGKILL`), empty when it exited.
        stopped: why nofx ended it (`timeout`, `cancelled`, `interrupted`), empty when it ended by itself.
        stdout: the head of standard output, where it was to be captured, masked, invalid UTF-8 replaced.
        last_line: the last line of output that is not blank, masked and shortened.
        log_bytes, cut_bytes: how much is in the log, and how much of the output was not kept.
        survivors: how many descendants were still alive at the end and were ended.
    """

    exit_code: int | None
    signal: str
    stopped: str
    stdout: str
    last_line: str
    log_bytes: int
    cut_bytes: int
    survivors: int
    duration_ms: int

    @property
    def ok(self) -> bool:
        return self.exit_code == 0 and not self.stopped


class ProcessRunner(Protocol):
    """Run child processes so that none outlives its step."""

    def run(
        self, spec: ProcessSpec, cancellation: Cancellation, *, on_line: Callable[[str], None] | None = None
    ) -> ProcessResult:
        """Run to the end. Output (both streams, in order of arrival) goes to the log, masked, as it comes.

        Args:
            on_line: is told the newest line of output, at most a few times a second.

        Raises:
            errors.NotFound: the program (code `program-not-found`) or the working folder (`cwd-not-found`) does not
                exist.
            errors.Denied: it may not be executed (code `program-not-executable`); it cannot be shut in as the spec
                demands (codes `sandbox-unavailable`, `sandbox-failed`, `sandbox-hides-program`,
                `sandbox-unprotected`).
            errors.InvalidInput: `write` of the sandbox names no place that can be opened (code `sandbox-write`, and
                those of `safety.paths.contained`).
        """
        ...

    def end_recorded(self, records: Sequence[Path], marks: Mapping[str, str]) -> int:
        """End what earlier, dead processes left: the processes on record, and what has `marks` in its environment.

        Returns how many processes were ended, after they are gone.
        """
        ...
