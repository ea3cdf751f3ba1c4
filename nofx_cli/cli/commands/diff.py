"""`nofx diff`."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from nofx_cli.cli.completion import complete_run, complete_step
from nofx_cli.cli.meant import run_and_step
from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import columns, note, out, out_json, paint, safe
from nofx_cli.cli.worktrees import worktrees_of
from nofx_cli.domain.ids import JsonObject, RunId
from nofx_cli.engine.kept_trees import TreeChange, changes_of_step, whole_change
from nofx_cli.wiring.session import open_session
from nofx_cli.workspace.tree_changes import Lines
from nofx_cli.workspace.worktrees import GitWorktrees

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@app.command()
def diff(
    run: Annotated[
        str, typer.Argument(help="The run, or a step of the newest run.", autocompletion=complete_run)
    ] = "latest",
    step: Annotated[
        str, typer.Argument(help="What this step changed [default: all of them].", autocompletion=complete_step)
    ] = "",
    *,
    stat: Annotated[bool, typer.Option("--stat", help="Only the files, and how many lines.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a run changed in its worktree, as a unified diff, since the commit that it began from.

    A run that works in place has no worktree: exit code 4.
    """
    session = open_session()
    view, found = run_and_step(session, run, step)
    changes = changes_of_step(view, found) if found else [whole_change(view)]
    changes = [change for change in changes if change.old != change.new]
    worktrees = worktrees_of(session, view)
    if as_json:
        told = tuple(_json(worktrees, view.run, change) for change in changes)
        out_json(session.services.mask({"run": view.run, "step": found, "changes": told}))
        return
    if not changes:
        note(f"run {view.run} changed nothing" if found is None else f"step {found} changed nothing")
    for change in changes:
        _tell_heading(change, several=len(changes) > 1)
        if stat:
            _tell_stat(worktrees.changes(change.old, change.new))
        else:
            _tell(session.services.mask_text(worktrees.diff(view.run, change.old, change.new)))


def _json(worktrees: GitWorktrees, run: RunId, change: TreeChange) -> JsonObject:
    files = worktrees.changes(change.old, change.new)
    return {
        "from": change.old,
        "to": change.new,
        "ref": change.ref,
        "attempts": list(change.attempts),
        "files": [
            {"path": _text(path), "status": status, "added": lines and lines[0], "removed": lines and lines[1]}
            for path, (status, lines) in files.items()
        ],
        "diff": _text(worktrees.diff(run, change.old, change.new)),
    }


def _text(text: str) -> str:
    """What is no UTF-8 cannot stand in JSON."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _tell_heading(change: TreeChange, *, several: bool) -> None:
    if several:
        note(f"{change.step}, attempt {', '.join(map(str, change.attempts))}:")


def _tell(text: str) -> None:
    """For people line by line and made harmless, also in the log of a CI job; to another program as it is."""
    if not sys.stdout.isatty() and not os.environ.get("CI"):
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
        return
    for line in text.splitlines():
        is_heading = line.startswith(("diff --git ", "--- ", "+++ "))
        colour = "bold" if is_heading else _COLOURS.get(line[:1], "")
        out(paint(safe(line), *([colour] if colour else [])))


def _tell_stat(files: Mapping[str, tuple[str, Lines | None]]) -> None:
    rows: list[Sequence[str]] = []
    for path, (status, lines) in files.items():
        counts = (f"+{lines[0]}", f"-{lines[1]}") if lines else ("binary", "")
        rows.append((status, *counts, safe(path)))
    for line in columns(rows, styles=[("", "green", "red", "")] * len(rows)):
        out(line)
