"""Files for other programs: what the gates of a run found, as SARIF, JUnit XML or GitLab's code quality report."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from nofx_cli import errors
from nofx_cli.cli.output import note, safe
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.record import record
from nofx_cli.domain.wording import counted

if TYPE_CHECKING:
    from nofx_cli.domain.reports.gate_report import GateReport
    from nofx_cli.wiring.session import Session

STDOUT = "-"

SarifOption: TypeAlias = Annotated[
    str, typer.Option("--sarif", help="Write what gates found as SARIF 2.1.0.", metavar="FILE", show_default=False)
]
JunitOption: TypeAlias = Annotated[
    str, typer.Option("--junit", help="Write what gates found as JUnit XML.", metavar="FILE", show_default=False)
]
GitlabOption: TypeAlias = Annotated[
    str,
    typer.Option("--gitlab", help="Write what gates found for GitLab.", metavar="FILE", show_default=False),
]


@record
class Exports:
    """Where to write which format; empty where it is not asked for."""

    sarif: str = ""
    junit: str = ""
    gitlab: str = ""

    @property
    def wanted(self) -> dict[str, str]:
        """The paths that are not empty, by format."""
        told = {"sarif": self.sarif, "junit": self.junit, "gitlab": self.gitlab}
        return {name: path for name, path in told.items() if path}

    def check(self, *, stdout: bool) -> None:
        """See before anything is done whether the files can be written.

        Raises:
            errors.UsageError: a folder does not exist, a path is a folder, two formats go to one place, or one goes
                to standard output where that has another use (`stdout` False).
        """
        places = list(self.wanted.values())
        if not stdout and STDOUT in places:
            raise errors.UsageError(
                "standard output has the result of the run",
                hint="write a file, or afterwards: nofx gates report --sarif -",
            )
        if len(set(places)) < len(places):
            raise errors.UsageError("two formats cannot be written to one place")
        for place in places:
            if place != STDOUT and not _can_be_written(Path(place)):
                raise errors.UsageError(
                    f"{place} cannot be written",
                    code="output-unwritable",
                    hint="make its folder, or write elsewhere",
                )


def write_exports(session: "Session", exports: Exports, reports: "Sequence[GateReport]", run: RunId) -> None:
    """Write each format that is asked for, whole or not at all, without any secret.

    Raises:
        errors.UsageError: a file cannot be written.
    """
    for name, place in exports.wanted.items():
        text = session.services.mask_text(_text(name, reports, run))
        if place == STDOUT:
            import sys

            sys.stdout.write(text)
            continue
        _write(Path(place), text)
        note(f"{counted(len(reports), 'gate')} written to {safe(place)}")


def _text(name: str, reports: "Sequence[GateReport]", run: RunId) -> str:
    if name == "junit":
        from nofx_cli.domain.reports.junit import junit_text

        return junit_text(reports, name=f"nofx {run}")
    if name == "gitlab":
        from nofx_cli.domain.reports.gitlab import gitlab_text

        return gitlab_text(reports)
    from nofx_cli import __version__
    from nofx_cli.domain.reports.sarif import sarif_text

    return sarif_text(reports, version=__version__)


def _can_be_written(place: Path) -> bool:
    """Only what is a file, or is not there, is replaced: never a device."""
    usual = place.is_file() or not os.path.lexists(place)
    return usual and place.parent.is_dir() and os.access(place.parent, os.W_OK)


def _write(place: Path, text: str) -> None:
    from nofx_cli.safety.paths import replace_file

    try:
        replace_file(place, text.encode("utf-8", "backslashreplace"))
    except errors.NofxError as exc:
        raise errors.UsageError(exc.message, code="output-unwritable") from exc
