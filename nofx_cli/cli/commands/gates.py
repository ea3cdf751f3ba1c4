"""`nofx gates`."""

from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.completion import complete_run
from nofx_cli.cli.exports import Exports, GitlabOption, JunitOption, SarifOption, write_exports
from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import note, out, out_json, safe
from nofx_cli.cli.render import findings_view
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.reports.gate_report import GateReport
from nofx_cli.engine.collect_findings import gate_reports
from nofx_cli.engine.view_run import RunView, view_run
from nofx_cli.wiring.session import Session, open_session

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Report what gates found; record a baseline.",
)

_Run = Annotated[
    str, typer.Argument(help="The run: its id, a unique part of it, or `latest`.", autocompletion=complete_run)
]


@app.callback()
def gates() -> None:
    """Report what gates found; record a baseline."""


@app.command()
def report(
    run: _Run = "latest",
    *,
    sarif: SarifOption = "",
    junit: JunitOption = "",
    gitlab: GitlabOption = "",
    github: Annotated[bool, typer.Option("--github", help="Tell GitHub: annotations, and the step's summary.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what the gates of a run found, or write it to files.

    All of it is shown, worst first. `-` as a file is standard output. Exits with 0 also where gates have failed: it
    only tells of them.
    """
    exports = Exports(sarif, junit, gitlab)
    exports.check(stdout=not as_json)
    session = open_session()
    view = view_run(session.services, session.find(run))
    reports = gate_reports(session.services, view)
    write_exports(session, exports, reports, view.run)
    if github:
        from nofx_cli.cli.github.telling import tell_github

        tell_github(session, view.run, reports, how=view.state.status.value)
    if as_json:
        out_json(findings_view.as_json(view.run, reports))
    elif not (github or exports.wanted):
        _tell(view.run, reports)


@app.command()
def baseline(
    run: _Run = "latest",
    *,
    gate: Annotated[
        list[str] | None, typer.Option("--gate", "-g", help="Only of this gate; may be given again.", metavar="NAME")
    ] = None,
    message: Annotated[str, typer.Option("--note", "-m", help="Why; kept in the file.")] = "",
    prune: Annotated[bool, typer.Option("--prune", help="Only take out what is gone; add nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Record what was found; then only new findings block.

    The findings of the run go into nofx-baseline.json, in place of what it had of these gates. The file belongs in
    git. Failing tests, missing coverage and files that do not parse have no baseline.
    """
    from nofx_cli.engine.record_baseline import record_baseline

    session = open_session()
    view = view_run(session.services, session.find(run))
    _check_project(session, view)
    reports = gate_reports(session.services, view)
    recorded = record_baseline(session.services, reports, gates=gate or (), note=message, prune=prune)
    if as_json:
        out_json(findings_view.baseline_json(recorded))
        return
    for line in findings_view.baseline_lines(recorded):
        out(line)
    for name, why in recorded.left_out.items():
        note(f"{safe(name)} is left as it was: {safe(why)}")
    for finding in recorded.uncovered:
        note(f"has no baseline, as its file could not be parsed: {safe(str(finding))}")


@app.command(name="list")
def list_gates(*, as_json: JsonOption = False) -> None:
    """List the project's gates, and what each would run."""
    from nofx_cli.cli.render import gates_view
    from nofx_cli.domain.ids import Digest, StepName
    from nofx_cli.domain.plan import GATE, Plan, Step
    from nofx_cli.engine.rehearse import rehearse

    session = open_session()
    services = session.services
    tools = [tool for tool in services.handlers.patterns() if tool.startswith(GATE)]
    steps = tuple(Step(StepName(tool.removeprefix(GATE)), tool) for tool in tools)
    rehearsed = rehearse(services, Plan(steps, Digest("")), {})
    if as_json:
        out_json(services.mask([gates_view.as_json(gate) for gate in rehearsed]))
        return
    for line in gates_view.lines(rehearsed, project=session.project):
        out(services.mask_text(line))


def _tell(run: RunId, reports: list[GateReport]) -> None:
    if not reports:
        note(f"no gate of run {run} has ended")
    for line in findings_view.lines(reports):
        out(line)


def _check_project(session: Session, view: RunView) -> None:
    """Findings of another project are none of this one."""
    created = view.state.created
    path = str(created.workspace.get("path") or "") if created else ""
    if path and path != str(session.project):
        raise errors.UsageError(
            f"run {view.run} is one of {path}, not of {session.project}",
            code="run-of-another-project",
            hint="name a run of this project: nofx gates baseline RUN",
        )
