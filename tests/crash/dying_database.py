"""The program, which dies by SIGKILL at a point of changing a database.

python -m tests.crash.dying_database <point> <file> <words of nofx>
"""

from collections.abc import Mapping

from nofx_cli.engine import effects
from nofx_cli.engine.effects import BegunEffect
from nofx_cli.handlers.database import accounts, transaction
from nofx_cli.handlers.database.work import Work
from nofx_cli.worker.execution import Execution
from tests.crash.dying_program import be_nofx
from tests.crash.matrix_faults import Installer, _after, _before, _has_results

POINTS: Mapping[str, Installer] = {
    "before anything is written": _before(Work, "write"),
    "the row of the account is written": _after(accounts, "claim"),
    "what the rows were is kept": _after(transaction, "_kept"),
    "the change is made, not on record as intended": _after(accounts, "fill_in"),
    "the intent is on record, not committed": _after(effects, "begin_effect"),
    "it is committed, that is not on record": _after(Work, "write"),
    "that is on record, the step not committed": _after(BegunEffect, "done"),
    "the result is there, not committed": _before(Execution, "commit", _has_results),
}
COMMITTED = tuple(POINTS)[-3:]
"""Where the database has the change."""


if __name__ == "__main__":
    be_nofx(POINTS)
