"""Tell GitHub Actions how a run ended."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nofx_cli.cli.github.annotations import annotation_lines
from nofx_cli.cli.github.step_summary import append_summary
from nofx_cli.cli.output import note
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.reports.gate_report import GateReport

if TYPE_CHECKING:
    from nofx_cli.wiring.session import Session

_SUMMARY = "GITHUB_STEP_SUMMARY"


def tell_github(
    session: "Session", run: RunId, reports: Sequence[GateReport], *, how: str, about: Sequence[str] = ()
) -> None:
    """Print the annotations on standard error, and append to the summary where the job has one; masked.

    Args:
        about: what the summary says of the run beside its gates, as lines of Markdown.
    """
    environ, more = session.services.environ, f"nofx gates report {run}"
    folder = folder_in_repository(session.project, environ.get("GITHUB_WORKSPACE", ""))
    sys.stdout.flush()
    for line in annotation_lines(reports, folder=folder, more=more):
        note(session.services.mask_text(line))
    path = environ.get(_SUMMARY, "")
    if not path or not (reports or about):
        return
    try:
        if not append_summary(Path(path), reports, title=f"nofx run {run} {how}", more=more, about=about):
            note("the summary of this job's step has no room left for the gates of this run")
    except OSError as exc:
        note(f"the summary of this job's step cannot be written: {exc.strerror}")


def folder_in_repository(project: Path, repository: str) -> str:
    """Where a project lies below a checkout, with `/`; empty where it is the checkout, or outside of it."""
    if not repository:
        return ""
    root = Path(os.path.realpath(repository))
    place = Path(os.path.realpath(project))
    return place.relative_to(root).as_posix() if place != root and place.is_relative_to(root) else ""
