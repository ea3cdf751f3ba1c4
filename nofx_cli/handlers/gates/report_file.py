"""A report that a command writes into the workspace counts only when this command wrote it.

A report of an earlier run may still lie there. The file is looked at before the command starts; afterwards it must be
another file or have been written to since, and its time of writing must not lie before the start: a copy of an old
report keeps the old time.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from nofx_cli.handlers.gates.evidence import NoEvidence, read_report

_COARSEST_CLOCK_NS = 2_000_000_000
"""Some file systems tell times of writing by two seconds."""
_REMEDY = "remove the report before the command, or let it write to {report}"


@dataclass(frozen=True, slots=True)
class ReportFile:
    """The file `name` below `root`, and what was there before. `began_ns` is the start, by the file system's clock."""

    root: Path
    name: str
    before: tuple[int, int, int, int] | None
    began_ns: int

    @classmethod
    def expected(cls, root: Path, name: str, *, mark: Path) -> "ReportFile":
        """Look at the file before the command starts. `mark` is a file that is written now, for the time."""
        mark.write_bytes(b"")
        return cls(root, name, _identity(root / name), mark.stat().st_mtime_ns)

    def read(self, *, by: str) -> bytes:
        """Read the report after command `by` has ended.

        Raises:
            NoEvidence: it is not there, is none that this command wrote, is no regular file below `root`, or is
                longer than 64 MiB.
        """
        path = self.root / self.name
        if not path.parent.resolve().is_relative_to(self.root.resolve()):
            raise NoEvidence(f"the report of {by} lies outside of the workspace", retryable=False)
        now = _identity(path)
        if now is not None and now == self.before:
            raise NoEvidence(f"{by} did not write its report: {self.name} is an old one", hint=_REMEDY)
        if now is not None and now[2] < self.began_ns - _COARSEST_CLOCK_NS:
            raise NoEvidence(f"{by} did not write its report: {self.name} is older than the command", hint=_REMEDY)
        return read_report(path, by=by)


def _identity(path: Path) -> tuple[int, int, int, int] | None:
    """What changes when a file is replaced or written to; None where there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
