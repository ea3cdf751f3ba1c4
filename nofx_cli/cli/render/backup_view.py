"""Backups as a table, in words and as JSON."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nofx_cli.cli.output import columns, paint, safe
from nofx_cli.cli.render.event_text import local_date_time
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.wording import counted, size_words

if TYPE_CHECKING:
    from nofx_cli.drivers.filesystem.backup.creating import Created
    from nofx_cli.drivers.filesystem.backup.manifest import Summary
    from nofx_cli.drivers.filesystem.backup.shelf import ListedBackup
    from nofx_cli.wiring.backups import Done, Verified

_HEAD = ("BACKUP", "MADE", "RUNS", "SIZE", "DIGEST", "NOTE")
_SHORT = 12


def when(summary: "Summary") -> str:
    """`2026-11-22 10:15:38`."""
    return local_date_time(summary.at)


def amount(summary: "Summary") -> str:
    """`12 runs, 4.1 MB`."""
    return f"{counted(summary.runs, 'run')}, {size_words(summary.bytes)}"


def created_json(done: "Created") -> dict[str, JsonValue]:
    """What was made; a test pins the fields."""
    return {
        **_summary_json(done.summary),
        "path": str(done.path),
        "size": done.size,
        "digest": done.digest,
        "faults": done.faults,
        "left_out": done.left_out,
    }


def created_words(done: "Created") -> str:
    """`backup <id>: 12 runs, 1.2 MB in FILE` and the digest on a line of its own."""
    told = f"backup {paint(done.summary.id, 'bold')}: {counted(done.summary.runs, 'run')}, {size_words(done.size)}"
    return f"{told} in {safe(str(done.path))}\ndigest {done.digest}"


def created_notes(done: "Created") -> Iterator[str]:
    """What a person should know of it."""
    for fault in done.faults:
        yield f"as it is in the store: {safe(fault)}"
    if done.faults:
        yield "it was copied as it is; see: nofx verify --all"
    for path in done.left_out:
        yield f"left out with all that belongs to it, for a secret stands in it: {safe(path)}"


def listed_json(one: "ListedBackup") -> dict[str, JsonValue]:
    """The fields that scripts rely on; a test pins them. Of what cannot be read, `fault` says why."""
    told: dict[str, JsonValue] = {"id": one.id, "path": str(one.path), "size": one.size}
    summary = {} if one.summary is None else _summary_json(one.summary)
    return {**told, **summary, "digest": one.digest or None, "fault": one.fault or None}


def list_lines(listed: Sequence["ListedBackup"]) -> Iterator[str]:
    """A table of those that can be read."""
    if listed:
        rows = [_HEAD, *(_row(one, one.summary) for one in listed if one.summary)]
        yield from columns(rows, styles=[("dim",) * len(_HEAD), *([("",) * len(_HEAD)] * len(listed))])


def verified_json(done: "Verified") -> dict[str, JsonValue]:
    """What was found; a test pins the fields."""
    return {
        "ok": done.found.ok,
        "path": str(done.path),
        **_summary_json(done.summary),
        "digest": done.found.digest,
        "faults": done.found.faults,
        "of_the_store": done.found.of_the_store,
    }


def verified_lines(done: "Verified") -> Iterator[str]:
    """Whether it is sound, and what is wrong."""
    word = paint("ok", "green") + "   " if done.found.ok else paint("fault", "red")
    files = counted(done.summary.files, "file")
    yield f"{word} {done.summary.id}  {counted(done.summary.runs, 'run')}, {files}  {done.found.digest}"
    for fault in done.found.faults:
        yield f"  {safe(fault)}"


def restored_json(done: "Done") -> dict[str, JsonValue]:
    """What was done; a test pins the fields."""
    before = done.restored.before
    return {
        **_summary_json(done.restored.summary),
        "store": str(done.root),
        "before": None if before is None else created_json(before),
        "jobs": done.jobs,
        "worktrees_left": done.worktrees,
    }


def restored_words(done: "Done") -> str:
    """`restored <id> of 2026-11-22 10:15:38: 12 runs, 4.1 MB, in FOLDER`."""
    summary = done.restored.summary
    return f"restored {summary.id} of {when(summary)}: {amount(summary)}, in {safe(str(done.root))}"


def restored_notes(done: "Done", *, elsewhere: bool) -> Iterator[str]:
    """What became of what was there, and what to type next."""
    if before := done.restored.before:
        yield f"what was there before is backup {before.summary.id}: {safe(str(before.path))}"
    if done.restored.summary.left_out:
        left = counted(done.restored.summary.left_out, "run or answer", "runs and answers")
        yield f"the backup lacks {left}, for secrets stood in them"
    for left in done.worktrees:
        yield safe(left)
    if done.jobs:
        yield f"{counted(done.jobs, 'job')} in the queue again; go on with: nofx worker start, or nofx resume RUN"
    if elsewhere:
        yield f"look into it with: NOFX_HOME={safe(str(done.root))} nofx list"


def pruned_words(gone: Sequence["ListedBackup"], *, dry_run: bool) -> str:
    """`removed 3 backups, 4.1 MB`."""
    verb = "would remove" if dry_run else "removed"
    return (
        f"{verb} {counted(len(gone), 'backup')}, {size_words(sum(one.size for one in gone))}"
        if gone
        else (f"{verb} nothing")
    )


def _summary_json(summary: "Summary") -> dict[str, JsonValue]:
    return {
        "id": summary.id,
        "at": summary.at,
        "nofx": summary.nofx,
        "host": summary.host,
        "note": summary.note,
        "automatic": summary.automatic,
        "runs": summary.runs,
        "files": summary.files,
        "bytes": summary.bytes,
    }


def _row(one: "ListedBackup", summary: "Summary") -> tuple[str, ...]:
    size = size_words(one.size)
    return (one.id, when(summary), str(summary.runs), size, one.digest[:_SHORT], safe(summary.note))
