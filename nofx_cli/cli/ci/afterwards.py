"""What a job tells its CI system when its run has ended, or waits."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nofx_cli.cli.ci.outputs import tell_outputs
from nofx_cli.cli.github import on_github
from nofx_cli.cli.render.carried_view import head_words
from nofx_cli.domain.reports.gate_report import GateReport
from nofx_cli.engine.view_run import RunView

if TYPE_CHECKING:
    from nofx_cli.wiring.session import Session


def tell_job(session: "Session", view: RunView, reports: Sequence[GateReport], *, evidence: str, code: int) -> None:
    """Annotations, a summary and outputs on GitHub; nothing elsewhere. `evidence` is the folder that is written."""
    environ = session.services.environ
    if not on_github(environ):
        return
    from nofx_cli.cli.ci.summary import about
    from nofx_cli.cli.github.telling import tell_github

    masked = [session.services.mask_text(line) for line in about(view)]
    tell_github(session, view.run, reports, how=view.state.status.value, about=masked)
    outputs = {
        "run-id": view.run,
        "status": view.state.status.value,
        "exit-code": str(int(code)),
        "head": head_words(view.head),
        "evidence": os.path.abspath(evidence) if evidence else "",
    }
    tell_outputs(environ, outputs)
