"""`nofx queue`: see what waits for a worker, and hold it back."""

from typing import Annotated

import typer

from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import note, out, out_json
from nofx_cli.cli.render import queue_view, worker_view
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.wording import counted
from nofx_cli.engine.view_queue import QueueView, view_queue
from nofx_cli.ports.workers import Standing
from nofx_cli.wiring.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def queue() -> None:
    """See, pause and resume the queue of steps that are ready."""


@app.command("list")
def list_(
    *,
    number: Annotated[
        int, typer.Option("--number", "-n", min=1, help="How many jobs at most of each kind.", metavar="COUNT")
    ] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON array.")] = False,
) -> None:
    """List the jobs that wait, and those that workers have.

    A job says that a step of a run is ready; they stand in the order in which workers get them. Dead letters are
    listed by `nofx dlq list`.
    """
    every = view_queue(open_session().services)
    shown = QueueView(every.waiting[:number], every.claimed[:number])
    if as_json:
        out_json(queue_view.as_json(shown))
        return
    for line in queue_view.lines(shown):
        out(line)
    left = len(every.waiting) - len(shown.waiting) + len(every.claimed) - len(shown.claimed)
    if left:
        most = max(len(every.waiting), len(every.claimed))
        note(f"{counted(left, 'job')} more; see them with: nofx queue list -n {most}")
    elif not (every.waiting or every.claimed):
        note("the queue is empty")


@app.command()
def stats(*, as_json: JsonOption = False) -> None:
    """Show how many jobs there are, and how old the oldest is."""
    services = open_session().services
    found, seen = services.queue.stats(), services.workers.seen()
    alive = sum(one.standing is Standing.ALIVE for one in seen)
    needed = list(worker_view.remedies(seen, found))
    if found.damaged:
        needed.append("records of the queue cannot be read, so it may lack jobs: nofx doctor --repair")
    if as_json:
        told: list[JsonValue] = [*needed]
        out_json({**worker_view.queue_as_json(found), "workers_alive": alive, "needed": told})
        return
    out(worker_view.queue_line(found))
    out(f"workers: {alive} alive")
    for line in needed:
        note(line)


@app.command()
def pause(*, as_json: JsonOption = False) -> None:
    """Hand out no more jobs until `nofx queue resume`.

    Steps that run come to their end; runs in the foreground go on.
    """
    new = open_session().services.queue.pause()
    if as_json:
        out_json({"paused": True, "new": new})
    else:
        out("the queue is paused" + ("; go on with: nofx queue resume" if new else "; it was before"))


@app.command()
def resume(*, as_json: JsonOption = False) -> None:
    """Hand out jobs again."""
    services = open_session().services
    new = services.queue.resume()
    services.workers.ring()
    if as_json:
        out_json({"paused": False, "new": new})
    else:
        out("the queue is not paused" + (" any more" if new else "; it was not before"))
