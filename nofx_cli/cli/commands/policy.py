"""`nofx policy`: see what steps may use."""

from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.completion import complete_plan
from nofx_cli.cli.output import out_json
from nofx_cli.domain.ids import StepName
from nofx_cli.planning.catalogue import find_plan
from nofx_cli.wiring.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def policy() -> None:
    """See what steps may use, and where each rule comes from."""


@app.command()
def explain(
    plan: Annotated[str, typer.Argument(help="A plan file, or the name of a plan.", autocompletion=complete_plan)],
    step: Annotated[str, typer.Argument(help="One step of it; all without.")] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON array.")] = False,
) -> None:
    """Print what each step may use, and which line says so.

    Rules of nofx.yaml, plan and step are listed one below the other: a step may only do what all of them allow. Exits
    with 6 when a step may not even use its tool or its secrets.
    """
    from nofx_cli.cli.render import policy_view
    from nofx_cli.engine.explain_policy import explain_policy

    session = open_session()
    found = find_plan(plan, project=session.project)
    loaded = session.services.load_plan(found.text, found.source)
    explained = explain_policy(session.services, loaded, StepName(step) if step else None)
    if as_json:
        out_json([policy_view.as_json(one) for one in explained])
    else:
        policy_view.tell(explained)
    if any(one.denied or one.fault for one in explained):
        raise typer.Exit(errors.ExitCode.DENIED)
