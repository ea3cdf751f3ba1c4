"""`nofx dlq`: the dead letters, jobs that could not be delivered again and again."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, TypeAlias

import typer

from nofx_cli import errors
from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import note, out, out_json, safe
from nofx_cli.cli.render import queue_view
from nofx_cli.domain.wording import counted
from nofx_cli.engine import dead_letters
from nofx_cli.engine.find_dead_letter import find_dead_letters
from nofx_cli.engine.list_runs import listed_run
from nofx_cli.engine.services import Services
from nofx_cli.ports.queue import Job
from nofx_cli.wiring.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


def _complete_key(incomplete: str) -> list[str]:
    with suppress(Exception):  # a message would land in the middle of the line that is being typed
        keys = [job.key for job in open_session().services.queue.dead()]
        return [key for key in keys if key.startswith(incomplete) and key.isprintable()]
    return []


_WHICH = "RUN/STEP/ATTEMPT, or as much of it as names one."
KeyArgument: TypeAlias = Annotated[str, typer.Argument(help=_WHICH, autocompletion=_complete_key)]
KeysArgument: TypeAlias = Annotated[list[str] | None, typer.Argument(help=_WHICH, autocompletion=_complete_key)]
EveryOption: TypeAlias = Annotated[bool, typer.Option("--all", help="All dead letters.")]


@app.callback()
def dlq() -> None:
    """See, requeue and drop jobs that could not be delivered.

    A job becomes a dead letter when its fifth delivery has failed: the plan of its run cannot be read, a plugin is
    gone, or each worker that took it died of it. Nothing of its run is lost.
    """


@app.command("list")
def list_(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON array.")] = False
) -> None:
    """List the dead letters, oldest first."""
    letters = open_session().services.queue.dead()
    if as_json:
        out_json([queue_view.job_json(job) for job in letters])
        return
    if not letters:
        note("there are no dead letters")
        return
    for line in queue_view.dead_lines(letters):
        out(line)
    note(f"try one again: nofx dlq requeue {safe(letters[0].key)}")


@app.command()
def show(key: KeyArgument, *, as_json: JsonOption = False) -> None:
    """Show a dead letter, why it is one, and what to type."""
    services = open_session().services
    (job,) = find_dead_letters(services, [key])
    run = listed_run(services, job.run)
    status = run.shown_status if run else "gone"
    commands = _commands(job, ended=run is None or bool(run.ended_at))
    if as_json:
        typed = [command for command, _ in commands]
        out_json({**queue_view.job_json(job), "run_status": status, "next": typed})
        return
    for line in queue_view.dead_letter_lines(job, run_status=status, commands=commands):
        out(line)


@app.command()
def requeue(keys: KeysArgument = None, *, every: EveryOption = False, as_json: JsonOption = False) -> None:
    """Let dead letters wait again as if they were new.

    Do so when the cause is mended; else they come back.
    """
    services = open_session().services
    found = dead_letters.requeue(services, _chosen(services, keys, every=every))
    _tell(found, "requeued", as_json=as_json)
    if found and not as_json and not services.workers.any_alive():
        note("no worker lives: nofx worker start")


@app.command()
def drop(keys: KeysArgument = None, *, every: EveryOption = False, as_json: JsonOption = False) -> None:
    """Take dead letters out.

    Their runs stay as they are: `nofx cancel` ends one, `nofx resume` goes on with it, and a worker that starts later
    tries it again.
    """
    services = open_session().services
    found = services.queue.drop_dead(_chosen(services, keys, every=every))
    _tell(found, "dropped", as_json=as_json)
    for run in () if as_json else dict.fromkeys(job.run for job in found):
        listed = listed_run(services, run)
        if listed is not None and not listed.ended_at:
            note(f"run {run} stays as it is, and a worker that starts tries it again; end it with: nofx cancel {run}")


def _chosen(services: Services, keys: list[str] | None, *, every: bool) -> list[str]:
    if every and keys:
        raise errors.UsageError("--all leaves nothing to name", hint="give either keys or --all")
    if every:
        return [job.key for job in services.queue.dead()]
    if not keys:
        raise errors.UsageError("no dead letter is named", hint="name some, or give --all; see: nofx dlq list")
    return [job.key for job in find_dead_letters(services, keys)]


def _tell(found: Sequence[Job], done: str, *, as_json: bool) -> None:
    if as_json:
        out_json({done: [job.key for job in found]})
        return
    for job in found:
        out(f"{done} {safe(job.key)}")
    if not found:
        note(f"there are {counted(0, 'dead letter')}")


def _commands(job: Job, *, ended: bool) -> list[tuple[str, str]]:
    drop = (f"nofx dlq drop {job.key}", "take it out")
    if ended:
        return [drop]
    return [
        (f"nofx dlq requeue {job.key}", "try again, when the cause is mended"),
        drop,
        (f"nofx resume {job.run}", "go on with the run here"),
        (f"nofx cancel {job.run}", "end the run"),
    ]
