"""`nofx backup`: copies of the whole store, proved, and put back."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from nofx_cli import errors
from nofx_cli.cli.asked import says_yes
from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import note, out, out_json, safe
from nofx_cli.cli.times import age_option

if TYPE_CHECKING:
    from nofx_cli.wiring.backups import Backups

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


def _complete_backup(incomplete: str) -> list[str]:
    with suppress(Exception):  # a message would land in the middle of the line that is being typed
        ids = ["latest", *(one.id for one in _backups().listed())]
        return [each for each in ids if each.startswith(incomplete)]
    return []


BackupArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        help="A backup: its id, how that begins or ends, `latest`, or a file.",
        metavar="ID|FILE",
        autocompletion=_complete_backup,
    ),
]
ExpectOption: TypeAlias = Annotated[
    str, typer.Option(help="The digest of the backup, as it was told when it was made.", metavar="DIGEST")
]


@app.callback()
def backup() -> None:
    """Make, verify, restore and prune backups of the store.

    A backup is one file with everything that cannot be made anew: journals, plans, artifacts, logs, what people were
    shown, and what models answered. It may be made while workers run.
    """


@app.command()
def create(
    *,
    to: Annotated[
        Path | None,
        typer.Option(help="A file, or a folder [default: backups/ in the store].", metavar="FILE|DIR"),
    ] = None,
    note_text: Annotated[str, typer.Option("--note", "-m", help="What it is for; kept in it.", metavar="TEXT")] = "",
    leave_out_secrets: Annotated[
        bool, typer.Option("--leave-out-secrets", help="Leave out the runs in which a secret stands.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a backup; runs and workers may go on meanwhile.

    Every run is in it as it was at one instant. Where a known secret stands in a file of the store, no backup is made,
    and the file is named.
    """
    from nofx_cli.cli.render import backup_view

    done = _backups().create(to=to, note=note_text, force=force, leave_out=leave_out_secrets)
    if as_json:
        out_json(backup_view.created_json(done))
        return
    out(backup_view.created_words(done))
    for line in backup_view.created_notes(done):
        note(line)


@app.command("list")
def list_(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON array.")] = False
) -> None:
    """List the backups in the store, newest first."""
    from nofx_cli.cli.render import backup_view

    listed = _backups().listed()
    if as_json:
        out_json([backup_view.listed_json(one) for one in listed])
        return
    for line in backup_view.list_lines([one for one in listed if not one.fault]):
        out(line)
    for one in listed:
        if one.fault:
            note(safe(one.fault))
    if not listed:
        note("there is no backup in the store yet: nofx backup create")


@app.command()
def verify(backup: BackupArgument = "latest", *, expect: ExpectOption = "", as_json: JsonOption = False) -> None:
    """Prove that a backup is what was written.

    Every byte, file and journal is held against its digest. What is wrong is named; exit code 1.

    The digests in a file tell of accidents. That nobody made another file in its place shows only against the digest
    that was noted elsewhere: --expect.
    """
    from nofx_cli.cli.render import backup_view

    done = _backups().verify(backup, expect=expect)
    if as_json:
        out_json(backup_view.verified_json(done))
    else:
        for line in backup_view.verified_lines(done):
            out(line)
        for line in done.found.of_the_store:
            note(f"as it was in the store: {safe(line)}")
    if not done.found.ok:
        raise typer.Exit(errors.ExitCode.RUN_FAILED)


@app.command()
def restore(
    backup: BackupArgument,
    *,
    into: Annotated[
        Path | None, typer.Option(help="Another folder, empty or a store [default: this store].", metavar="DIR")
    ] = None,
    expect: ExpectOption = "",
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Keep nothing of what is replaced.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Put a backup back: the store is then what it was at that time.

    The backup is proved first, and of what is there a backup is made. It is refused while a worker lives or a run is
    executed, and nobody can start meanwhile. Runs that were going on go on with `nofx resume` or in a worker. What runs
    did outside of the store, in checkouts, databases and on other machines, stays as it is.
    """
    from nofx_cli.cli.render import backup_view
    from nofx_cli.wiring.backups import RestoreOrder

    backups = _backups()
    path, summary = backups.look(backup)
    if backups.holds_runs(into) and not yes:
        _ask(f"Replace the store by the backup of {backup_view.when(summary)}, {backup_view.amount(summary)}?")
    done = backups.restore(RestoreOrder(str(path.absolute()), into=into, expect=expect, keep_present=not no_backup))
    if as_json:
        out_json(backup_view.restored_json(done))
        return
    out(backup_view.restored_words(done))
    for line in backup_view.restored_notes(done, elsewhere=into is not None):
        note(line)


@app.command()
def prune(
    *,
    keep: Annotated[
        int | None, typer.Option(help="Keep so many of the newest.", min=1, metavar="N", show_default=False)
    ] = None,
    keep_daily: Annotated[
        int | None, typer.Option(help="Keep the newest of each of N days.", min=1, metavar="N", show_default=False)
    ] = None,
    keep_weekly: Annotated[
        int | None, typer.Option(help="Keep the newest of each of N weeks.", min=1, metavar="N", show_default=False)
    ] = None,
    older_than: Annotated[
        str, typer.Option(help="Remove only what is older: 30d, 12h, 4w.", metavar="AGE", show_default=False)
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove the backups in the store that none of these options keeps.

    Days and weeks on which there is no backup do not count. The newest backup always stays.
    """
    from nofx_cli.cli.render import backup_view
    from nofx_cli.clock import SystemClock, format_at
    from nofx_cli.wiring.backups import PruneOrder

    age_ms = age_option(older_than)
    if age_ms is None and not (keep or keep_daily or keep_weekly):
        raise errors.UsageError(
            "nothing is said to be kept or removed", hint="give --keep 7 or --older-than 30d, and --dry-run to look"
        )
    before = "" if age_ms is None else format_at(max(SystemClock().now_us() - age_ms * 1000, 0))
    gone = _backups().prune(PruneOrder(keep or 0, keep_daily or 0, keep_weekly or 0, before), dry_run=dry_run)
    if as_json:
        out_json({"dry_run": dry_run, "backups": [backup_view.listed_json(one) for one in gone]})
        return
    for one in gone:
        out(one.id)
    note(backup_view.pruned_words(gone, dry_run=dry_run))


def _backups() -> "Backups":
    from nofx_cli.wiring.backups import open_backups

    return open_backups()


def _ask(question: str) -> None:
    """Let a person say yes; nobody is asked where nobody can answer.

    Raises:
        errors.UsageError: there is no terminal (code `not-confirmed`).
        errors.Denied: the answer was no (code `not-confirmed`).
    """
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        raise errors.UsageError(
            "there is a store that would be replaced, and nobody to ask", code="not-confirmed", hint="give --yes"
        )
    if not says_yes(question):
        raise errors.Denied("nothing was restored", code="not-confirmed")
