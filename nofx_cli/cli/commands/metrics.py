"""`nofx metrics`."""

from typing import Annotated

import typer

from nofx_cli.cli.output import out, out_json
from nofx_cli.cli.render import metrics_text
from nofx_cli.engine.collect_metrics import collect_metrics
from nofx_cli.wiring.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def metrics(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON array.")] = False
) -> None:
    """Print metrics in the text format of Prometheus.

    They are computed from the journals, the queue and the records of the workers, so they tell of the work of all
    processes, and none has to be asked. To have them scraped, write them where the node exporter's textfile collector
    looks: nofx metrics > nofx.prom.new && mv nofx.prom.new nofx.prom
    """
    families = collect_metrics(open_session().services)
    if as_json:
        out_json(metrics_text.as_json(families))
        return
    for line in metrics_text.lines(families):
        out(line)
