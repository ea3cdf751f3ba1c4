"""Write a run to one file, with all that it needs to go on in another place: see `run_file`.

Nobody executes the run meanwhile, and what is in the file was held against the journal, so that a file that can be made
can also be taken in. A secret that was not known when something was kept, and is known now, keeps it from being made.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from nofx_cli import __version__, errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head, encode_batch
from nofx_cli.domain.ids import RunId, digest_of_bytes
from nofx_cli.domain.record import record
from nofx_cli.engine.plan_secrets import check_plan_secrets
from nofx_cli.engine.run_file import ARCHIVE, MOST_BYTES, PACK, Manifest, write_run_file
from nofx_cli.engine.run_file_packing import BLOCK, BadRunFile
from nofx_cli.engine.services import Services
from nofx_cli.engine.verify_run import file_of, verify_run
from nofx_cli.engine.view_run import RunView, view_run
from nofx_cli.engine.worktree import is_worktree
from nofx_cli.ports.carrying import JOURNAL, LOGS, PLAN, CarriedFile, Contents, RunCarrier, TreeCarrier, TreePack
from nofx_cli.ports.liveness import Holder
from nofx_cli.safety.masking import Masker


@record
class Bearers:
    """What carries a run: its files, its trees (asked for where it has a worktree), and what knows the secrets."""

    files: RunCarrier
    trees: Callable[[], TreeCarrier]
    masker: Masker


@record
class ExportedRun:
    """What was written. `bytes` and `digest` (SHA-256) are those of the file; `missing` counts answers of models."""

    run: RunId
    path: str
    status: str
    head: Head
    files: int
    bytes: int
    digest: str
    missing: int = 0


def export_run(services: Services, bearers: Bearers, run: RunId, target: BinaryIO, *, name: str) -> ExportedRun:
    """Write the run to `target`, an empty file that can be sought in; `name` is what it is called afterwards.

    Raises:
        errors.NotFound: there is no such run.
        errors.Conflict: a living process executes it (code `run-is-held`), it is not what its journal says (code
            `run-damaged`), or it changed meanwhile (code `run-is-busy`).
        errors.Denied: a secret is in it (code `secret-in-run`).
        errors.Unavailable: its worktree cannot be told (code `git-failed`).
    """
    _refuse_held(services, run)
    _refuse_damaged(services, run)
    view = view_run(services, run)
    extra, missing = _extra(services, bearers, view)
    _refuse_secrets(services, bearers, view, extra.pack)
    manifest = _manifest(view, bearers.files, extra)
    _refuse_held(services, run)
    try:
        digest = write_run_file(target, manifest, _contents(bearers, view, manifest, extra))
    except BadRunFile as exc:
        raise errors.Conflict(
            f"run {run} changed while it was written: {exc}", code="run-is-busy", hint="type it again"
        ) from exc
    size = target.seek(0, os.SEEK_END)
    status = view.state.status.value
    return ExportedRun(run, name, status, view.head, len(manifest.files), size, digest, missing)


@record
class _Extra:
    """What the run needs beside its own files, in memory."""

    data: Mapping[str, bytes]
    pack: TreePack | None


def _refuse_held(services: Services, run: RunId) -> None:
    holder: Holder | None = services.liveness.holder(run)
    if holder is None:
        return
    raise errors.Conflict(
        f"run {run} is executed by {holder.who}, and would go on in two places",
        code="run-is-held",
        hint=f"wait until it has ended or waits (nofx timeline {run} --follow), and until that process has ended",
        context={"run": run, "pid": holder.pid, "host": holder.host},
    )


def _refuse_damaged(services: Services, run: RunId) -> None:
    verified = verify_run(services, run)
    if verified.ok:
        return
    raise errors.Conflict(
        f"run {run} is not what its journal says: {verified.faults[0].message}",
        code="run-damaged",
        hint=f"nofx verify {run}",
        context={"run": run, "faults": [fault.code for fault in verified.faults]},
    )


def _extra(services: Services, bearers: Bearers, view: RunView) -> tuple[_Extra, int]:
    data: dict[str, bytes] = {}
    missing = 0
    if any(isinstance(event.payload, ev.LlmRequested | ev.LlmResponded) for event in view.events):
        from nofx_cli.engine.archive_export import answers_of

        data[ARCHIVE], missing = answers_of(services.archive(), services.store, [view.run])
    pack = None
    if view.state.created is not None and is_worktree(view.state.created.workspace):
        pack = bearers.trees().pack(view.run, str(view.state.created.workspace["commit"]))
        gone = [ref for ref in trees_of(view.events) if ref not in pack.refs]
        if gone:
            raise errors.Conflict(
                f"run {view.run} has a tree in its journal that nothing keeps any more: {gone[0]}",
                code="run-damaged",
                hint="its references below refs/nofx were removed; it cannot go on, here or elsewhere: nofx rerun",
            )
        data[PACK] = pack.data
    return _Extra(data, pack), missing


def trees_of(events: Sequence[ev.Event]) -> dict[str, str]:
    """The trees that the journal says are kept, by what keeps them."""
    taken = (event.payload for event in events if isinstance(event.payload, ev.SnapshotTaken))
    return {snapshot.ref: snapshot.tree for snapshot in taken if snapshot.ref}


def _manifest(view: RunView, files: RunCarrier, extra: _Extra) -> Manifest:
    journal = journal_bytes(view.events)
    vouched = sorted({kept.path for event in view.events if (kept := file_of(event)) is not None})
    found = [CarriedFile(JOURNAL, len(journal), digest_of_bytes(journal))]
    found += [_measured(files, view.run, path) for path in [PLAN, *vouched, *_logs(view, files)]]
    found += [CarriedFile(path, len(data), digest_of_bytes(data)) for path, data in extra.data.items()]
    if sum(file.size for file in found) > MOST_BYTES:
        raise errors.Conflict(f"run {view.run} has more than {MOST_BYTES} bytes", code="run-too-large")
    created = view.state.created
    assert created is not None, "a run that verifies begins with run.created"
    pack = extra.pack
    return Manifest(
        run=view.run,
        head=view.head,
        status=view.state.status.value,
        nofx=__version__,
        mode=str(created.workspace.get("mode", "")),
        commit=str(created.workspace.get("commit", "")),
        files=tuple(found),
        trees=None if pack is None else TreePack(pack.base, pack.refs),
    )


def _logs(view: RunView, files: RunCarrier) -> list[str]:
    """The logs of attempts that began; another would be taken for that of an attempt to come."""
    told = logs_of(view.events)
    return [path for path in files.logs(view.run) if path in told]


def logs_of(events: Sequence[ev.Event]) -> frozenset[str]:
    """Where the logs lie of all attempts that began."""
    return frozenset(f"{LOGS}/{e.step}.{e.attempt}.log" for e in events if isinstance(e.payload, ev.StepStarted))


def journal_bytes(events: Sequence[ev.Event]) -> bytes:
    """The journal of these events, as it lies in a store."""
    return b"".join(event.line + b"\n" for event in events)


def _measured(files: RunCarrier, run: RunId, path: str) -> CarriedFile:
    sha, size = hashlib.sha256(), 0
    for block in _blocks(files, run, path):
        sha.update(block)
        size += len(block)
    return CarriedFile(path, size, sha.hexdigest())


def _contents(bearers: Bearers, view: RunView, manifest: Manifest, extra: _Extra) -> Contents:
    for file in manifest.files:
        if file.path == JOURNAL:
            yield file, iter([journal_bytes(view.events)])
        elif file.path in extra.data:
            yield file, iter([extra.data[file.path]])
        else:
            yield file, _blocks(bearers.files, view.run, file.path)


def _blocks(files: RunCarrier, run: RunId, path: str) -> Iterator[bytes]:
    with files.open(run, path) as file:
        while block := file.read(BLOCK):
            yield block


def _refuse_secrets(services: Services, bearers: Bearers, view: RunView, pack: TreePack | None) -> None:
    """What is kept was masked with what was known then; a secret that was declared later may stand in it."""
    check_plan_secrets(services, services.store.plan_text(view.run), f"of run {view.run}")
    found = next(_secret_places(services, bearers, view, pack), None)
    if found is not None:
        raise errors.Denied(
            f"{found} of run {view.run} holds a secret, which was not known when it was kept",
            code="secret-in-run",
            hint="change that secret, and make the run anew: nofx rerun",
            context={"run": view.run, "place": found},
        )


def _secret_places(services: Services, bearers: Bearers, view: RunView, pack: TreePack | None) -> Iterator[str]:
    for event in view.events:
        if _is_masked_otherwise(services, event):
            yield f"event {event.seq}"
    files = [kept.path for event in view.events if (kept := file_of(event)) is not None]
    for path in [*files, *_logs(view, bearers.files)]:
        if _holds_secret(bearers, view.run, path):
            yield path
    for path, data in bearers.trees().texts(pack) if pack is not None else ():
        if bearers.masker.knows(data):
            yield f"the file {path} in the worktree"


def _is_masked_otherwise(services: Services, event: ev.Event) -> bool:
    """Whether the event would be written otherwise now; the journal's mask leaves alone what things are found by."""
    draft = ev.Draft(event.payload, event.step, event.attempt)
    lines = [
        encode_batch([draft], run=event.run, head=Head(), at=event.at, actor=event.actor, mask=mask)[0][0].line
        for mask in (services.mask_text, None)
    ]
    return lines[0] != lines[1]


def _holds_secret(bearers: Bearers, run: RunId, path: str) -> bool:
    if path.endswith(".json") and not path.startswith("artifacts/"):  # JSON that was masked value by value
        with suppress(ValueError):
            text = json.loads(b"".join(_blocks(bearers.files, run, path)))
            return bool(bearers.masker.data(text) != text)
    mask = bearers.masker.stream()
    for block in _blocks(bearers.files, run, path):
        mask.feed(block)
    mask.flush()
    return mask.found


@contextmanager
def new_file(path: Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """A file to write the run to, which is at its place whole or not at all.

    Raises:
        errors.Conflict: there is a file (code `file-exists`).
        errors.UsageError: it cannot be written there (code `output-unwritable`).
    """
    from nofx_cli.engine.archive_export import check_target

    check_target(path, force=force)
    making = path.with_name(f".new-{path.name}"[:200])
    try:
        with open(making, "w+b") as file:
            yield file
        os.replace(making, path)
    except OSError as exc:
        raise errors.UsageError(
            f"{path} cannot be written: {(exc.strerror or str(exc)).lower()}",
            code="output-unwritable",
            hint="write elsewhere",
        ) from exc
    finally:
        making.unlink(missing_ok=True)
