"""`nofx worker`: the processes that execute queued runs."""

import sys
from typing import Annotated

import typer

from nofx_cli.cli.completion import complete_worker
from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import note, out, out_json, safe
from nofx_cli.domain.ids import WorkerId
from nofx_cli.domain.plan import DEFAULT_CONCURRENCY
from nofx_cli.errors import ExitCode
from nofx_cli.wiring.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

ConcurrencyOption = Annotated[int, typer.Option("--concurrency", "-c", min=1, help="Steps at a time.")]


@app.callback(invoke_without_command=True)
def worker(
    ctx: typer.Context,
    *,
    concurrency: ConcurrencyOption = DEFAULT_CONCURRENCY,
    drain: Annotated[bool, typer.Option("--drain", help="Exit when the queue is empty.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Tell only of what hinders it.")] = False,
    detached: Annotated[bool, typer.Option("--detached", hidden=True)] = False,
) -> None:
    """Execute queued runs, here, until Ctrl-C.

    Runs that a process left unfinished when it died go on, too. The first Ctrl-C (or TERM) lets running steps come to
    their end; a second one interrupts them, and they are handed back.
    """
    if ctx.invoked_subcommand is None:
        _work(concurrency, drain=drain, quiet=quiet, detached=detached)


@app.command()
def start(*, concurrency: ConcurrencyOption = DEFAULT_CONCURRENCY, as_json: JsonOption = False) -> None:
    """Start a worker that lives on without you.

    Prints its id; what it says goes to a log in the store.
    """
    from nofx_cli.wiring.worker_start import start_worker

    started = start_worker(open_session(), concurrency=concurrency)
    if as_json:
        out_json({"worker": started})
    else:
        out(started)


@app.command()
def stop(
    workers: Annotated[
        list[str] | None,
        typer.Argument(help="Their ids, or parts of them [default: all of this host].", autocompletion=complete_worker),
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Interrupt running steps; they are handed back.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop workers, and wait for their end.

    Running steps come to their end, nothing new is taken.
    """
    from nofx_cli.wiring.worker_stop import find_workers, stop_workers

    session = open_session()
    found = find_workers(session, workers or [])
    for info in found:
        if not as_json and info.doing and not now:
            note(f"worker {info.id} waits for {safe(', '.join(info.doing))} (--now interrupts)")
    for info in stop_workers(session, found, now=now):
        if not as_json:
            out(f"worker {info.id} has stopped")
    if as_json:
        out_json({"stopped": [info.id for info in found]})
    elif not found:
        note("no worker lives here")


@app.command()
def status(*, as_json: JsonOption = False) -> None:
    """Show the workers and the queue."""
    from nofx_cli.cli.render import worker_view

    services = open_session().services
    seen, stats = services.workers.seen(), services.queue.stats()
    if as_json:
        out_json(worker_view.as_json(seen, stats))
        return
    for line in worker_view.lines(seen, stats, clock=services.clock):
        out(line)
    for line in worker_view.remedies(seen, stats):
        note(line)


@app.command()
def forget(
    worker: Annotated[str, typer.Argument(help="Its id.", autocompletion=complete_worker)],
    *,
    as_json: JsonOption = False,
) -> None:
    """Declare a worker of another host gone.

    Only when you know that it is: what it had in its hands goes on elsewhere.
    """
    services = open_session().services
    services.workers.declare_gone(WorkerId(worker))
    services.workers.ring()
    if as_json:
        out_json({"worker": worker, "standing": services.workers.standing(WorkerId(worker)).value})
    else:
        out(f"worker {worker} counts as gone; living workers take its runs over, or: nofx resume RUN")


def _work(concurrency: int, *, drain: bool, quiet: bool, detached: bool) -> None:
    from nofx_cli.cli.signals import signals_to
    from nofx_cli.cli.worker_log import WorkerLog
    from nofx_cli.wiring.worker import serve
    from nofx_cli.wiring.worker_start import detach, log_of_worker
    from nofx_cli.worker.attempts import Inbox

    session = open_session()
    inbox: Inbox = Inbox()
    log = WorkerLog(session.services.clock, stream=sys.stderr, quiet=quiet)
    path = log_of_worker(session) if detached else None
    with signals_to(inbox):
        registration = session.services.workers.register(concurrency=concurrency, log=str(path or ""))
        if path is not None:
            detach(registration.id, path)
        log.note(f"worker {registration.id}, {concurrency} steps at a time, on {session.settings.store.value}")
        signal = serve(session, registration, concurrency=concurrency, drain=drain, observer=log, inbox=inbox)
    log.note(f"worker {registration.id} has stopped" + (f" ({signal})" if signal else ""))
    raise typer.Exit(ExitCode.SUCCEEDED)
