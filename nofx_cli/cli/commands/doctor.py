"""`nofx doctor`."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import out, out_json, paint, safe
from nofx_cli.domain.ids import JsonObject
from nofx_cli.errors import ExitCode
from nofx_cli.wiring import doctor as clinic
from nofx_cli.wiring.doctor import Finding, Status

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_STYLES = {"ok": "green", "done": "green", "warn": "yellow", "fail": "red"}
_WIDEST = 13


@app.command()
def doctor(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Rebuild the queue, and take away what the dead left.")
    ] = False,
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Search the store for secrets, instead of examining anything else.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Examine the machine, the project and the store.

    Each line says ok, warn or fail, and what mends it. Exits with 1 when something fails.

    With --repair, the queue is first rebuilt from the journals, what dead workers had is set free, and halves of runs
    are removed; workers and runs may go on meanwhile. Each thing that was done is told on a line of its own.

    With --secrets, every file of the store is searched for the values of the project's secrets, in every encoding that
    nofx masks, and for what looks like a secret; secrets that come from a command or the keyring are got for that.
    """
    folder = Path.cwd()
    repairs = _told(clinic.repair(folder, os.environ), "done", quiet=as_json) if repair else []
    if repair and not repairs and not as_json:
        out("done  there was nothing to repair")
    look = clinic.search_store if secrets else clinic.examine
    found = _told(look(folder, os.environ), "ok", quiet=as_json)
    sound = all(finding.status is not Status.FAIL for finding in found)
    if as_json:
        out_json(
            {
                "ok": sound,
                "repairs": [_json(finding, "done") for finding in repairs],
                "checks": [_json(finding, "ok") for finding in found],
            }
        )
    if not sound:
        raise typer.Exit(ExitCode.RUN_FAILED)


def _told(findings: Iterable[Finding], good: str, *, quiet: bool) -> list[Finding]:
    """All findings, each told as it comes. `good` is the word for those that are as they should be."""
    found = []
    for finding in findings:
        found.append(finding)
        if not quiet:
            _tell(finding, good)
    return found


def _tell(finding: Finding, good: str) -> None:
    word = _word(finding, good)
    first, *rest = finding.told.split("\n")
    out(f"{paint(f'{word:<4}', _STYLES[word])}  {safe(finding.check):<{_WIDEST}}  {safe(first)}")
    for line in rest:
        out(f"{'':4}  {'':{_WIDEST}}  {safe(line)}")
    if finding.remedy:
        out(f"{'':4}  {'':{_WIDEST}}  → {safe(finding.remedy)}")


def _json(finding: Finding, good: str) -> JsonObject:
    return {
        "check": finding.check,
        "status": _word(finding, good),
        "message": finding.told,
        "remedy": finding.remedy or None,
    }


def _word(finding: Finding, good: str) -> str:
    return good if finding.status is Status.OK else finding.status.value
