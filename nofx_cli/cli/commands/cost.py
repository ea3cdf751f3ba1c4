"""`nofx cost`."""

from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.completion import complete_run
from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import note, out, out_json
from nofx_cli.cli.times import since_option
from nofx_cli.engine.collect_costs import CostKey, Costs, collect_costs
from nofx_cli.wiring.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_SHOWN = 5


def _complete_by(incomplete: str) -> list[str]:
    return [key.value for key in CostKey if key.startswith(incomplete)]


@app.command()
def cost(
    run: Annotated[str, typer.Argument(help="Only this run [default: all].", autocompletion=complete_run)] = "",
    *,
    since: Annotated[
        str, typer.Option(help="Only what was asked since then: 7d, 12h, or a day of UTC, 2026-11-01.", metavar="WHEN")
    ] = "",
    by: Annotated[
        str,
        typer.Option(
            help="By model, step, day or run [default: model; step for one run].",
            autocompletion=_complete_by,
            metavar="WHAT",
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Show what models cost: calls, tokens and US dollars, from the journals of all runs.

    What nobody knows the cost of (the process died, the provider told no usage) is told as unknown, with the most that
    it can be. An answer from the archive is no call and costs nothing.
    """
    key = _key(by or ("step" if run else "model"))
    session = open_session()
    start = since_option(since, now_us=session.services.clock.now_us())
    runs = [session.find(run)] if run else None
    costs = collect_costs(session.services.store, runs=runs, since=start, by=key)
    if as_json:
        from nofx_cli.cli.render import cost_view

        out_json(cost_view.as_json(costs, by=key.value, since=start))
        return
    _tell(costs, key, which=f"run {runs[0]}" if runs else "no run", since=since)


def _key(by: str) -> CostKey:
    try:
        return CostKey(by)
    except ValueError as exc:
        every = ", ".join(CostKey)
        raise errors.UsageError(f"costs are not told by {by!r}", code="bad-key", hint=f"one of {every}") from exc


def _tell(costs: Costs, key: CostKey, *, which: str, since: str) -> None:
    from nofx_cli.cli.render import cost_view

    if costs.groups:
        for line in cost_view.lines(costs, by=key.value):
            out(line)
    else:
        asked = "has asked no model" if which != "no run" else "has asked a model"
        note(f"{which} {asked}{f' since {since}' if since else ''}")
    for run in costs.damaged[:_SHOWN]:
        note(f"the journal of run {run} cannot be read, so what it cost is not told here: nofx verify {run}")
    if len(costs.damaged) > _SHOWN:
        note(f"nor can those of {len(costs.damaged) - _SHOWN} more: nofx verify --all")
