"""`nofx archive`: what models were asked and answered."""

from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.completion import complete_run
from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import note, out, out_json, safe
from nofx_cli.cli.times import age_option, since_option
from nofx_cli.domain.wording import counted, size_words
from nofx_cli.wiring.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)

_OFFERED = 50


def _complete_request(incomplete: str) -> list[str]:
    with suppress(Exception):  # a message would land in the middle of the line that is being typed
        return list(islice(open_session().services.archive().requests(incomplete), _OFFERED))
    return []


@app.callback()
def archive() -> None:
    """See, export, import and prune what models answered.

    Every request and every answer is kept by the digest of the request, without secrets. A step takes an answer from
    there instead of asking again, and so can a run be replayed without a network.
    """


@app.command()
def ls(
    *,
    model: Annotated[
        str, typer.Option(help="Only what this model answered; `openai/*` means all of openai.", metavar="MODEL")
    ] = "",
    since: Annotated[
        str, typer.Option(help="Only what was answered since then: 7d, 12h, or a day of UTC.", metavar="WHEN")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON array.")] = False,
) -> None:
    """List the requests, those answered last first."""
    from nofx_cli.cli.render import archive_view
    from nofx_cli.engine.archive_list import list_archive

    services = open_session().services
    start = since_option(since, now_us=services.clock.now_us())
    entries = list_archive(services.archive(), model=model, since=start)
    if as_json:
        out_json([archive_view.entry_json(entry) for entry in entries])
        return
    sound = [entry for entry in entries if not entry.fault]
    if sound:
        for line in archive_view.list_lines(sound):
            out(line)
        size = size_words(sum(entry.bytes for entry in sound))
        answers = counted(sum(entry.answers for entry in sound), "answer")
        note(f"{counted(len(sound), 'request')}, {answers}, {size}")
    else:
        note("no request of the archive is of that model and time" if model or since else "the archive is empty")
    for entry in entries[len(sound) :]:
        note(f"entry {safe(entry.request)} cannot be read: {safe(entry.fault)}")
    if len(entries) > len(sound):
        note("remove what is damaged: nofx archive prune --damaged")


@app.command()
def show(
    request: Annotated[
        str, typer.Argument(help="The digest of a request, or how it begins.", autocompletion=_complete_request)
    ],
    *,
    as_json: JsonOption = False,
) -> None:
    """Show a request with its answers, oldest first."""
    from nofx_cli.cli.render import archive_view
    from nofx_cli.engine.archive_list import find_request

    kept = open_session().services.archive()
    found = find_request(kept, request)
    canonical, exchanges = kept.show(found)
    if as_json:
        out_json(archive_view.shown_json(found, canonical, exchanges))
        return
    for line in archive_view.shown_lines(found, canonical, exchanges):
        out(line)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The file to write; `.gz` is usual.", metavar="FILE")],
    *,
    run: Annotated[
        list[str] | None,
        typer.Option("--run", "-r", help="Only what this run needs; may be given again.", autocompletion=complete_run),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write answers to a file, for another store or for safekeeping.

    It is JSON Lines in gzip, with a digest for every entry and for the whole. The same answers make the same file.
    """
    from nofx_cli.cli.render import archive_view
    from nofx_cli.engine.archive_export import export_archive

    session = open_session()
    services = session.services
    runs = list(dict.fromkeys(session.find(text) for text in run or ()))
    done = export_archive(services.archive(), services.store, file, runs=runs, force=force)
    if as_json:
        out_json(archive_view.exported_json(done))
        return
    written = f"{counted(done.answers, 'answer')} to {counted(done.requests, 'request')}"
    out(f"{written} written to {safe(done.path)}, {size_words(done.bytes)}")
    if done.missing:
        whose = "the run needs" if len(runs) == 1 else "the runs need"
        note(f"the archive lacks {counted(done.missing, 'answer')} that {whose}")
    if done.damaged:
        note(f"left out, for they cannot be read: {counted(done.damaged, 'entry', 'entries')}; see: nofx archive ls")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file that `nofx archive export` wrote.", metavar="FILE")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Take in the answers of a file.

    It is held against all its digests first: from a file in which one byte is another, nothing is taken. What is there
    already is not taken twice. Steps will take these answers as if the models had given them here, so import only files
    of people whom you trust.
    """
    from nofx_cli.engine.archive_import import import_archive

    done = import_archive(open_session().services.archive(), file)
    if as_json:
        out_json({"path": str(file), "requests": done.requests, "answers": done.answers, "new": done.new})
        return
    there = f"; {done.answers - done.new} were there" if done.answers > done.new else ""
    out(f"{counted(done.new, 'new answer')} taken from {safe(str(file))}{there}")


@app.command()
def prune(
    *,
    older_than: Annotated[
        str, typer.Option(help="Answers that came longer ago: 30d, 12h, 4w.", metavar="AGE", show_default=False)
    ] = "",
    unused: Annotated[bool, typer.Option("--unused", help="Answers of any age that no run needs.")] = False,
    damaged: Annotated[bool, typer.Option("--damaged", help="Entries that cannot be read.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --older-than: those too that runs need, which nobody can replay then.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove answers that no run needs.

    A run needs the answers that its journal names: a replay takes them. They stay as long as the run is there.
    """
    from nofx_cli.cli.render import archive_view
    from nofx_cli.clock import format_at
    from nofx_cli.engine.archive_prune import PruneOrder, prune_archive

    age_ms = age_option(older_than)
    if age_ms is None and not unused and not damaged:
        raise errors.UsageError(
            "nothing is said to be removed", hint="give --older-than 30d, --unused or --damaged, and --dry-run to look"
        )
    if force and (unused or age_ms is None):
        raise errors.UsageError("--force goes with --older-than, and not with --unused", hint="give one of them")
    services = open_session().services
    order = PruneOrder(
        answers=unused or age_ms is not None,
        before="" if age_ms is None else format_at(max(services.clock.now_us() - age_ms * 1000, 0)),
        force=force,
        damaged=damaged,
        dry_run=dry_run,
    )
    done = prune_archive(services.archive(), services.store, order)
    if as_json:
        out_json(archive_view.pruned_json(done, dry_run=dry_run))
        return
    out(archive_view.pruned_words(done, order))
    for line in archive_view.pruned_notes(done):
        note(line)
