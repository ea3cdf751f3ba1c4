"""The program, which dies by SIGKILL at a point of asking a model or of making the changes that it wrote.

    python -m tests.crash.dying_asker <point> <file> <words of nofx>

dies when it comes to that point for the first time, after it noted the point in the file.
"""

from collections.abc import Mapping

from nofx_cli.drivers.filesystem.archive import FileArchive
from nofx_cli.engine.ask_model import _Watch
from nofx_cli.handlers.edits import apply
from nofx_cli.handlers.edits.apply_record import Journal
from nofx_cli.worker.execution import Execution
from tests.crash.dying_program import be_nofx
from tests.crash.matrix_faults import Installer, _after, _before, _has_results

POINTS: Mapping[str, Installer] = {
    "the call is reserved, not sent": _after(_Watch, "before"),
    "the answer is there, not archived": _before(FileArchive, "put"),
    "the answer is archived, not on record": _after(FileArchive, "put"),
    "the answer is on record, not used": _after(_Watch, "after"),
    "nothing is kept of what the edit replaces": _before(Journal, "keep"),
    "the edit is recorded, nothing is written": _after(Journal, "keep"),
    "one of two files is written": _after(apply, "put_file"),
    "all files are written, that is not recorded": _before(Journal, "finish"),
    "the edit is made, the step not committed": _after(Journal, "finish"),
    "the result is there, not committed": _before(Execution, "commit", _has_results),
}
NOT_KEPT = ("the call is reserved, not sent", "the answer is there, not archived")
"""Where the answer is not in the archive yet, so that it is asked for again."""


if __name__ == "__main__":
    be_nofx(POINTS)
