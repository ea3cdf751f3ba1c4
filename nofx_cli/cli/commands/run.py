"""`nofx run`: a plan becomes a run, executed here and now."""

from pathlib import Path
from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.completion import complete_plan
from nofx_cli.cli.execution import Wishes, carry_out
from nofx_cli.cli.options import JsonOption, QuietOption, WaitOption
from nofx_cli.cli.output import out_json
from nofx_cli.domain.ids import JsonValue
from nofx_cli.engine.create_run import NewRun, create_run
from nofx_cli.planning.catalogue import find_plan
from nofx_cli.planning.params import read_params_file, resolve_params
from nofx_cli.wiring.session import Session, open_session
from nofx_cli.workspace.checkout import describe_workspace

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run(
    plan: Annotated[str, typer.Argument(help="A plan file, or the name of a plan.", autocompletion=complete_plan)],
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="A parameter, as name=value.")] = None,
    params_file: Annotated[Path | None, typer.Option(help="A YAML or JSON file of parameters.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done; create nothing.")] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Leave the run to a worker.")] = False,
    wait: WaitOption = None,
    idempotency_key: Annotated[str, typer.Option(help="The same key and plan give the same run.")] = "",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run a plan, here and now.

    Exits with 0 when the run succeeded, 1 when it failed, 3 when the plan is invalid (then nothing was created),
    6 when somebody said no, 8 when it waits for a person.
    """
    if detach:
        raise errors.UsageError(
            "--detach needs a worker, and this version of nofx has none yet",
            code="no-worker",
            hint="leave --detach out: the run is executed here; stop it with Ctrl-C, go on with: nofx retry",
        )
    session = open_session()
    new = _new_run(session, plan, param or [], params_file, idempotency_key)
    if dry_run:
        _tell_rehearsal(session, new, as_json=as_json)
        return
    opened = create_run(session.services, new, keys=session.keys)
    raise typer.Exit(carry_out(session, opened, Wishes(stay=wait, as_json=as_json, quiet=quiet)))


def _new_run(session: Session, name: str, param: list[str], params_file: Path | None, key: str) -> NewRun:
    found = find_plan(name, project=session.project)
    plan = session.services.load_plan(found.text, found.source)
    given: dict[str, JsonValue] = dict(read_params_file(params_file)) if params_file else {}
    given.update(_pair(text) for text in param)
    return NewRun(
        plan=plan,
        text=found.text,
        name=found.name,
        params=resolve_params(plan, given),
        workspace=describe_workspace(session.project),
        idempotency_key=key,
    )


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise errors.UsageError(f"-p {text!r} is no name=value", code="bad-param", hint="write it like -p since=v1.2")
    return name, value


def _tell_rehearsal(session: Session, new: NewRun, *, as_json: bool) -> None:
    from nofx_cli.cli.render.rehearsal import rehearsal_json, tell_rehearsal
    from nofx_cli.engine.rehearse import rehearse

    steps = rehearse(session.services, new.plan, new.params)
    if as_json:
        out_json(session.services.mask(rehearsal_json(new.plan, new.params, steps)))
    else:
        tell_rehearsal(new.plan, steps)
