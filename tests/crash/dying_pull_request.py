"""The program, which dies by SIGKILL at a point of pushing a branch or of opening a pull request for it.

    python -m tests.crash.dying_pull_request <point> <file> <words of nofx>

dies when it comes to that point for the first time, after it noted the point in the file.
"""

from collections.abc import Mapping

from nofx_cli.engine import effects
from nofx_cli.engine.effects import BegunEffect
from nofx_cli.handlers.pull_requests.handler import PUSH, REQUEST
from nofx_cli.handlers.pull_requests.repository import OwnRepository
from nofx_cli.worker.execution import Execution
from tests.crash.dying_program import be_nofx
from tests.crash.matrix_faults import Installer, When, _after, _before, _has_results


def _begins(kind: str) -> When:
    return lambda begun, *_: begun._intent.kind == kind


def _is(kind: str) -> When:
    return lambda effect, *_: effect._intent.kind == kind


def _was(kind: str) -> When:
    return lambda _, effect, *__: effect._intent.kind == kind


POINTS: Mapping[str, Installer] = {
    "the commit is made, no push is intended": _before(effects, "begin_effect"),
    "the push is intended, and not made": _before(OwnRepository, "push"),
    "the push is made, and not known to be": _after(OwnRepository, "push"),
    "the push is known to be made, and not on record": _before(BegunEffect, "done", _is(PUSH)),
    "the push is on record": _after(BegunEffect, "done", _was(PUSH)),
    "the pull request is intended": _after(effects, "begin_effect", _begins(REQUEST)),
    "the pull request is open, and not on record": _before(BegunEffect, "done", _is(REQUEST)),
    "the pull request is on record": _after(BegunEffect, "done", _was(REQUEST)),
    "the result is there, and not committed": _before(Execution, "commit", _has_results),
}


if __name__ == "__main__":
    be_nofx(POINTS)
