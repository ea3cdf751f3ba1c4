"""`nofx doctor`."""

import os
from pathlib import Path

import typer

from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import out, out_json, paint, safe
from nofx_cli.errors import ExitCode
from nofx_cli.wiring.doctor import Finding, Status, examine

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_STYLES = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "red"}
_WIDEST = 11


@app.command()
def doctor(*, as_json: JsonOption = False) -> None:
    """Examine the machine, the project and the store.

    Each line says ok, warn or fail, and what mends it. Exits with 1 when something fails.
    """
    found = []
    for finding in examine(Path.cwd(), os.environ):
        found.append(finding)
        if not as_json:
            _tell(finding)
    sound = all(finding.status is not Status.FAIL for finding in found)
    if as_json:
        checks = [
            {"check": f.check, "status": f.status.value, "message": f.told, "remedy": f.remedy or None} for f in found
        ]
        out_json({"ok": sound, "checks": checks})
    if not sound:
        raise typer.Exit(ExitCode.RUN_FAILED)


def _tell(finding: Finding) -> None:
    status = paint(f"{finding.status.value:<4}", _STYLES[finding.status])
    first, *rest = finding.told.split("\n")
    out(f"{status}  {safe(finding.check):<{_WIDEST}}  {safe(first)}")
    for line in rest:
        out(f"{'':4}  {'':{_WIDEST}}  {safe(line)}")
    if finding.remedy:
        out(f"{'':4}  {'':{_WIDEST}}  → {safe(finding.remedy)}")
