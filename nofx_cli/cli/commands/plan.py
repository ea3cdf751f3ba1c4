"""`nofx plan`: look at plans, and make one of a sentence; nothing is run."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.completion import complete_plan
from nofx_cli.cli.output import columns, note, out, out_json, paint, process_masker, safe
from nofx_cli.cli.prompt_options import PromptOptions, takes_prompt_options
from nofx_cli.cli.render import gates_view
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.wording import counted
from nofx_cli.engine.rehearse import Rehearsed, rehearse_gates
from nofx_cli.planning.catalogue import PlanFile, available, find_plan
from nofx_cli.planning.diagnostics import Diagnostic, PlanInvalid, render, to_json
from nofx_cli.safety.paths import replace_file
from nofx_cli.safety.terminal_text import neutralise
from nofx_cli.wiring.session import Session, open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)

_NAME = typer.Argument(help="A plan file, or the name of a plan.", autocompletion=complete_plan)
_JSON = typer.Option("--json", help="Print the result as one JSON object.")


class Format(StrEnum):
    """What a graph can be drawn as."""

    TEXT = "text"
    MERMAID = "mermaid"
    DOT = "dot"


@app.callback()
def plan() -> None:
    """Check, make, list, show and draw plans. Nothing is run."""


@app.command()
def check(
    plans: Annotated[list[str], typer.Argument(help="Plan files, or names of plans.", autocompletion=complete_plan)],
    *,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Tell every fault with its place, and what the gates would run.

    Exits with 0 when there is none, 3 when a plan is invalid, 4 when there is no such plan.
    """
    session = open_session()
    results = [_checked(session, name) for name in plans]
    sound = not any(found for _, _, found in results)
    if as_json:
        told: JsonValue = {"ok": sound, "plans": [_check_json(session, *result) for result in results]}
        out_json(session.masker.data(told))
    else:
        for result in results:
            _tell_check(session, *result)
    if not sound:
        raise typer.Exit(errors.ExitCode.INVALID)


@app.command()
@takes_prompt_options
def new(
    text: Annotated[str, typer.Argument(help="What is to be done, in a sentence.", metavar="TEXT")],
    *,
    prompted: PromptOptions,
    output: Annotated[str, typer.Option("--output", "-o", help="The file to write [default: standard output].")] = "",
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Make a plan of a sentence; nothing is run.

    What was understood, and where from, is told beside it. A file that is there is left as it is, with exit code 5.
    """
    from nofx_cli.cli.prompted import make, shown
    from nofx_cli.cli.render import prompt_view

    session = open_session()
    made = make(session, text, prompted)
    told = shown(session, made, {param.name: param.default for param in made.plan.params})
    if output:
        _write_new(Path(output), made.text)
    if as_json:
        out_json(session.masker.data(prompt_view.as_json(told, path=output or None)))
        return
    if not output:
        out(session.masker.text(neutralise(made.text, keep_newlines=True).rstrip("\n")))
    for line in prompt_view.lines(told):
        note(session.masker.text(line))
    if output:
        out(f"{safe(output)}: written; run it with: nofx run {safe(output)}")


@app.command("list")
def list_(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON array.")] = False
) -> None:
    """List the plans that have a name.

    These are the project's, in plans/, and those that come with nofx; a project's hides a built-in of the same name.
    """
    session = open_session()
    listed, mask = available(session.project), session.masker
    if as_json:
        out_json(
            [
                {
                    "name": found.name,
                    "origin": found.origin,
                    "path": str(found.path),
                    "goal": mask.text(found.goal),
                    "fault": mask.text(found.fault) or None,
                    "shadows": found.shadows,
                }
                for found in listed
            ]
        )
        return
    if not listed:
        note("there is no plan; write one into plans/")
        return
    rows = [("PLAN", "FROM", "GOAL")]
    styles = [("dim",) * 3]
    for found in listed:
        told = f"cannot be read: {found.fault}" if found.fault else found.goal
        origin = "project, hides the built-in" if found.shadows else found.origin
        rows.append((safe(found.name), origin, safe(mask.text(told))))
        styles.append(("bold", "", "red" if found.fault else ""))
    for line in columns(rows, styles=styles):
        out(line)


@app.command()
def show(name: Annotated[str, _NAME], *, as_json: Annotated[bool, _JSON] = False) -> None:
    """Show a plan with its defaults written out."""
    from nofx_cli.cli.render import plan_view

    file, loaded = _load(name)
    mask = process_masker()
    if as_json:
        out_json(mask.data(plan_view.as_json(loaded, name=file.name, source=file.source)))
        return
    for line in plan_view.lines(loaded, name=file.name, source=file.source):
        out(mask.text(line))


@app.command()
def graph(
    name: Annotated[str, _NAME],
    *,
    form: Annotated[
        Format,
        typer.Option(
            "--format", "-f", help="text for a terminal, mermaid for Markdown, dot for Graphviz.", metavar="FORMAT"
        ),
    ] = Format.TEXT,
) -> None:
    """Draw which step waits for which."""
    from nofx_cli.planning.graph import as_dot, as_mermaid, as_text

    draw = {Format.TEXT: as_text, Format.MERMAID: as_mermaid, Format.DOT: as_dot}[form]
    out(neutralise(draw(_load(name)[1]), keep_newlines=True))


@app.command()
def schema() -> None:
    """Print the JSON Schema of plans, for editors."""
    from nofx_cli.planning.schema import plan_schema_text

    out(plan_schema_text().rstrip("\n"))


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet; it appears whole, or not at all."""
    if not path.parent.is_dir():
        raise errors.NotFound(f"{path.parent}: there is no such folder", hint=f"make it: mkdir -p {path.parent}")
    if path.is_symlink() or path.exists():
        raise errors.Conflict(f"{path} is there already", code="file-exists", hint="give another name, or remove it")
    replace_file(path, text.encode(), None)


def _load(name: str) -> tuple[PlanFile, Plan]:
    session = open_session()
    file = find_plan(name, project=session.project)
    return file, session.services.load_plan(file.text, file.source)


def _checked(session: Session, name: str) -> tuple[str, Plan | None, Sequence[Diagnostic]]:
    try:
        file = find_plan(name, project=session.project)
        return file.source, session.services.load_plan(file.text, file.source), ()
    except PlanInvalid as exc:
        return exc.diagnostics[0].source, None, exc.diagnostics


def _tell_check(session: Session, source: str, loaded: Plan | None, found: Sequence[Diagnostic]) -> None:
    if loaded is not None:
        out(f"{safe(source)}: {paint('ok', 'green')}, {counted(len(loaded.steps), 'step')}")
        for line in gates_view.lines(_gates(session, loaded), project=session.project):
            out(f"  {line}")
        return
    out(session.masker.text(render(found)))
    out()
    out(f"{safe(source)}: {len(found)} " + ("fault" if len(found) == 1 else "faults"))


def _gates(session: Session, loaded: Plan) -> list[Rehearsed]:
    return rehearse_gates(session.services, loaded)


def _check_json(
    session: Session, source: str, loaded: Plan | None, found: Sequence[Diagnostic]
) -> dict[str, JsonValue]:
    return {
        "source": source,
        "ok": loaded is not None,
        "digest": loaded.digest if loaded else None,
        "steps": len(loaded.steps) if loaded else None,
        "gates": [gates_view.as_json(gate) for gate in _gates(session, loaded)] if loaded else None,
        "diagnostics": [*to_json(found)],
    }
