"""Runs that were written to a file, or taken in from one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nofx_cli.cli.live.telling import next_commands
from nofx_cli.cli.output import paint, safe
from nofx_cli.domain.codec import Head
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.wording import counted, size_words

if TYPE_CHECKING:
    from nofx_cli.engine.export_run import ExportedRun
    from nofx_cli.engine.import_run import ImportedRun
    from nofx_cli.engine.view_run import RunView

_CAME = {
    "new": "taken in: {events}, {files}",
    "same": "is here already, just so",
    "forward": "brought forward by {events}",
    "behind": "is here already, and has gone on since that file was written",
}


def head_words(head: Head) -> str:
    """A head as `--expect-head` takes it."""
    return f"{head.seq}:{head.digest}"


def exported_words(done: "ExportedRun") -> str:
    what = f"{done.status}, {counted(done.files, 'file')}, {size_words(done.bytes)}"
    return f"run {done.run} written to {safe(done.path)}: {what}\nhead {head_words(done.head)}"


def next_of_export(done: "ExportedRun") -> Iterator[str]:
    """What to type elsewhere."""
    if done.path != "-":
        yield f"next: nofx import {done.path} --expect-head {head_words(done.head)}"


def exported_json(done: "ExportedRun") -> dict[str, JsonValue]:
    return {
        "run": done.run,
        "path": done.path,
        "status": done.status,
        "head": {"seq": done.head.seq, "digest": done.head.digest},
        "files": done.files,
        "bytes": done.bytes,
        "digest": done.digest,
        "missing": done.missing,
    }


def imported_words(done: "ImportedRun") -> str:
    told = _CAME[done.came].format(events=counted(done.events, "event"), files=counted(done.files, "file"))
    return f"run {done.run} {paint(told, 'green')}; it is {done.status}"


def next_of_import(view: "RunView") -> Iterator[str]:
    """What to type here."""
    commands = list(next_commands(view.state, view.run))
    if not commands and not view.state.ended:
        commands = [f"nofx resume {view.run}"]
    yield from (f"next: {command}" for command in commands)


def imported_json(done: "ImportedRun") -> dict[str, JsonValue]:
    return {
        "run": done.run,
        "came": done.came.value,
        "status": done.status,
        "head": {"seq": done.head.seq, "digest": done.head.digest},
        "events": done.events,
        "notes": list(done.notes),
    }
