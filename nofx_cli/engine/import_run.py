"""Take in a run that `nofx export` wrote: all of it, or nothing.

    the file ─▶ every digest ─▶ the chain of its journal, and what that vouches for ─▶ what is here ─▶ it is written
    here: no such run ─▶ new        the same journal ─▶ same       a beginning of it ─▶ forward
          a longer one ─▶ behind    neither begins the other ─▶ Conflict `run-diverged`

Where the run works from now on stands beside its journal (`RunStore.place`), which stays byte for byte what it was.
"""

import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head
from nofx_cli.domain.ids import JsonObject, RunId, digest_of_bytes
from nofx_cli.domain.record import record
from nofx_cli.domain.verification import verify_chain
from nofx_cli.engine.create_run import KeyIndex
from nofx_cli.engine.export_run import Bearers, logs_of, trees_of
from nofx_cli.engine.run_file import ARCHIVE, PACK, Manifest, NewerRunFile, check_run_file, read_run_file
from nofx_cli.engine.run_file_packing import BadRunFile
from nofx_cli.engine.services import Services
from nofx_cli.engine.verify_run import file_of
from nofx_cli.engine.view_run import view_run
from nofx_cli.engine.worktree import is_worktree
from nofx_cli.ports.carrying import JOURNAL, PLAN, Contents, TreePack
from nofx_cli.regular_files import open_regular

_IN_MEMORY = frozenset({JOURNAL, PLAN, ARCHIVE, PACK})
_IN_MEMORY_AT_LEAST = 64 * 1024 * 1024
_PACKED_TO_AT_LEAST = 32
"""No journal packs to less than that part of it: each of its lines has a digest."""


class Came(StrEnum):
    """What a file was to the store."""

    NEW = "new"
    SAME = "same"
    FORWARD = "forward"
    BEHIND = "behind"


@record
class ImportedRun:
    """How the run stands here now: `events` is how many were not here before. `notes` are for the person."""

    run: RunId
    came: Came
    status: str
    head: Head
    events: int
    files: int
    notes: tuple[str, ...] = ()


@record
class _Read:
    """A file that was held against all its digests."""

    manifest: Manifest
    events: Sequence[ev.Event]
    kept: Mapping[str, bytes]

    @property
    def lines(self) -> list[bytes]:
        return [event.line for event in self.events]

    @property
    def created(self) -> ev.RunCreated:
        payload = self.events[0].payload
        assert isinstance(payload, ev.RunCreated)
        return payload

    @property
    def pack(self) -> TreePack | None:
        trees = self.manifest.trees
        return None if trees is None else TreePack(trees.base, trees.refs, self.kept[PACK])

    @property
    def ended(self) -> bool:
        return ev.ends_run(next(e.payload for e in reversed(self.events) if e.type.startswith("run.")))


@record
class _Suits:
    """The project here is one that the run can go on in; `pack` is None where no worktree is taken in."""

    notes: tuple[str, ...] = ()
    pack: TreePack | None = None


def import_run(
    services: Services,
    bearers: Bearers,
    path: Path,
    *,
    keys: KeyIndex,
    expected: Head | None = None,
    any_commit: bool = False,
) -> ImportedRun:
    """Take the run in, or find that it is here; it then works on the project of `services`.

    Args:
        expected: its head as it was noted elsewhere: without it, who could write the file could write another journal.
        any_commit: take it in though the project is on another commit than the run began from.

    Raises:
        errors.NotFound: there is no such file (code `file-not-found`).
        errors.InvalidInput: it is not what was written (code `run-file-bad`), or a newer nofx wrote it (code
            `run-file-newer`).
        errors.Conflict: its head is another one (`head-differs`), the run is here with another journal
            (`run-diverged`), a living process executes it (`run-is-held`), or the project is on another commit, or is
            another one (`commit-differs`, `commit-missing`, `no-repository`).
        errors.StoreFailure: the store cannot be written; there is nothing of a run that was not here.
    """
    with _opened(path) as file:
        try:
            check_run_file(file)
            read = _read(file)
        except BadRunFile as exc:
            raise _bad(path, exc) from exc
        _check_head(read, expected)
        had = _lines_here(services, read.manifest.run)
        came = _compared(read, had)
        if came in {Came.SAME, Came.BEHIND}:
            return _imported(services, read, came, had=len(had))
        if came is Came.FORWARD:
            _refuse_held(services, read.manifest.run)
        found = _check_workspace(services, bearers, read, path, any_commit=any_commit or came is Came.FORWARD)
        _take_in(services, bearers, read, file, had=had, pack=found.pack)
    if read.created.idempotency_key:
        with keys.claim(read.created.idempotency_key, lambda: read.manifest.run):
            pass
    return _imported(services, read, came, had=len(had), notes=found.notes)


def _opened(path: Path) -> BinaryIO:
    try:
        return open_regular(path)
    except FileNotFoundError as exc:
        raise errors.NotFound(f"there is no file {path}", code="file-not-found") from exc
    except OSError as exc:
        raise _bad(path, (exc.strerror or str(exc)).lower()) from exc


def _bad(path: Path, why: object) -> errors.InvalidInput:
    newer = isinstance(why, NewerRunFile)
    return errors.InvalidInput(
        f"nothing was taken from {path}: {why}",
        code="run-file-newer" if newer else "run-file-bad",
        hint="update nofx" if newer else "have it exported and copied anew: nofx export RUN",
        context={"path": str(path)},
    )


def _read(file: BinaryIO) -> _Read:
    """Hold everything in the file against everything else in it."""
    manifest, contents = read_run_file(file)
    kept: dict[str, bytes] = {}
    room = _IN_MEMORY_AT_LEAST + _PACKED_TO_AT_LEAST * os.fstat(file.fileno()).st_size
    for carried, blocks in contents:
        if carried.path in _IN_MEMORY:
            room -= carried.size
            if room < 0:
                raise BadRunFile(f"{carried.path} has {carried.size} bytes, far more than is packed in the file")
            kept[carried.path] = b"".join(blocks)
        else:
            for _ in blocks:
                pass  # its digest is counted on the way
    if not {JOURNAL, PLAN} <= set(kept):
        raise BadRunFile("it lacks the journal, or the plan")
    read = _Read(manifest, _events(manifest, kept[JOURNAL]), kept)
    _check_vouched(read)
    if ARCHIVE in kept:
        from nofx_cli.engine.archive_file import BadArchiveFile, check_archive_file

        try:
            check_archive_file(kept[ARCHIVE])
        except BadArchiveFile as exc:
            raise BadRunFile(f"{ARCHIVE}: {exc}") from exc
    return read


def _events(manifest: Manifest, journal: bytes) -> list[ev.Event]:
    from nofx_cli.domain.codec import decode_line

    lines = journal.split(b"\n")[:-1]
    chain = verify_chain(lines, noted=[("the manifest", manifest.head)])
    if chain.faults or chain.head != manifest.head or not journal.endswith(b"\n"):
        raise BadRunFile(chain.faults[0].message if chain.faults else "its journal does not end as the manifest says")
    events = [decode_line(line) for line in lines]
    if not events or not isinstance(events[0].payload, ev.RunCreated):
        raise BadRunFile("its journal does not begin with run.created")
    if any(event.run != manifest.run for event in events):
        raise BadRunFile("its journal is that of another run")
    return events


def _check_vouched(read: _Read) -> None:
    """All that the journal vouches for is there, and nothing but that and the logs of attempts that began."""
    vouched = {kept.path: kept.digest for event in read.events if (kept := file_of(event)) is not None}
    if read.created.plan_digest:
        vouched[PLAN] = read.created.plan_digest
    there = {file.path: file.digest for file in read.manifest.files}
    for path, digest in vouched.items():
        if there.get(path) != digest:
            raise BadRunFile(f"{path} is not what the journal tells" if path in there else f"it lacks {path}")
    logs = logs_of(read.events)
    for path in there:
        if path not in vouched and path not in _IN_MEMORY and path not in logs:
            raise BadRunFile(f"no event tells of {path}")
    workspace, told = read.created.workspace, read.manifest
    if (told.mode, told.commit) != (str(workspace.get("mode", "")), str(workspace.get("commit", ""))):
        raise BadRunFile("its workspace is not the one that the journal tells")
    if is_worktree(read.created.workspace) != (read.manifest.trees is not None):
        raise BadRunFile("its worktree and what it says of it do not fit")


def _check_head(read: _Read, expected: Head | None) -> None:
    if expected is None:
        return
    chain = verify_chain(read.lines, noted=[("the expected head", expected)])
    if chain.faults:
        raise errors.Conflict(
            f"the file has another run {read.manifest.run} than was expected: {chain.faults[0].message}",
            code="head-differs",
            hint="take the file of the job whose head you noted; do not go on with this one",
            context={"run": read.manifest.run, "head": read.manifest.head.digest},
        )


def _lines_here(services: Services, run: RunId) -> list[bytes]:
    try:
        return [event.line for event in services.store.read(run)]
    except errors.NotFound:
        return []


def _compared(read: _Read, had: Sequence[bytes]) -> Came:
    lines = read.lines
    common = min(len(lines), len(had))
    for seq, (theirs, ours) in enumerate(zip(lines, had, strict=False), 1):
        if theirs != ours:
            raise errors.Conflict(
                f"run {read.manifest.run} is here with another journal: they differ from event {seq} on",
                code="run-diverged",
                hint=f"it went on in two places; see what happened here: nofx timeline {read.manifest.run}",
                context={"run": read.manifest.run, "seq": seq},
            )
    if not had:
        return Came.NEW
    if len(lines) == len(had):
        return Came.SAME
    return Came.FORWARD if common == len(had) else Came.BEHIND


def _refuse_held(services: Services, run: RunId) -> None:
    holder = services.liveness.holder(run)
    if holder is not None:
        raise errors.Conflict(
            f"run {run} is executed here by {holder.who}",
            code="run-is-held",
            hint=f"watch it with: nofx timeline {run} --follow, or stop that process first",
        )


def _check_workspace(services: Services, bearers: Bearers, read: _Read, path: Path, *, any_commit: bool) -> _Suits:
    if read.pack is not None:
        return _check_trees(services, bearers, read, path, read.pack)
    began = read.manifest.commit
    if read.ended or not began:
        return _Suits()
    commit, dirty = bearers.trees().here()
    if commit != began and not any_commit:
        where = f"is on commit {commit[:12]}" if commit else "is no git checkout"
        raise errors.Conflict(
            f"run {read.manifest.run} works on commit {began[:12]}, and {services.workspace} {where}",
            code="commit-differs",
            hint=f"git checkout {began}, or give --any-commit if what differs does not matter",
            context={"run": read.manifest.run, "commit": began, "here": commit},
        )
    return _Suits(("tracked files here differ from the commit that the run works on",) if dirty else ())


def _check_trees(services: Services, bearers: Bearers, read: _Read, path: Path, pack: TreePack) -> _Suits:
    try:
        bearers.trees().check(read.manifest.run, pack, trees_of(read.events))
    except errors.InvalidInput as exc:
        raise _bad(path, exc.message) from exc
    except (errors.Conflict, errors.Unavailable) as exc:
        if read.ended:
            return _Suits((f"its worktree was not taken in: {exc.message}",))
        if isinstance(exc, errors.Conflict):
            raise
        raise errors.Conflict(
            f"run {read.manifest.run} works in a git worktree, and {services.workspace} lies in no repository",
            code="no-repository",
            hint="clone the project's repository, and take the run in there",
        ) from exc
    return _Suits((), pack)


def _take_in(
    services: Services,
    bearers: Bearers,
    read: _Read,
    file: BinaryIO,
    *,
    had: Sequence[bytes],
    pack: TreePack | None,
) -> None:
    if ARCHIVE in read.kept:
        from nofx_cli.engine.archive_file import entries_of

        archive = services.archive()
        for entry in entries_of(read.kept[ARCHIVE]):
            archive.merge(entry)
    run = read.manifest.run
    if pack is not None:
        bearers.trees().unpack(run, pack)
    files = _own_files(file)
    if had:
        behind = Head(len(had), digest_of_bytes(had[-1]))
        bearers.files.extend(run, files, read.lines[len(had) :], behind=behind)
        services.store.forget(run)
    else:
        bearers.files.install(run, files, place=_place(services, run, pack))


def _own_files(file: BinaryIO) -> Contents:
    """Read the file once more; it is held against its digests again, should it have changed since."""
    try:
        for carried, blocks in read_run_file(file)[1]:
            if carried.path in {ARCHIVE, PACK}:
                for _ in blocks:
                    pass
            else:
                yield carried, blocks
    except BadRunFile as exc:
        raise errors.Conflict(f"the file was changed while it was read: {exc}", code="run-file-bad") from exc


def _place(services: Services, run: RunId, pack: TreePack | None) -> JsonObject:
    place = {"path": str(services.workspace)}
    if pack is not None:
        assert services.worktrees is not None, "the services of a project have its worktrees"
        place["tree"] = str(services.worktrees().folder(run))
    return place


def _imported(services: Services, read: _Read, came: Came, *, had: int, notes: tuple[str, ...] = ()) -> ImportedRun:
    manifest, view = read.manifest, view_run(services, read.manifest.run)
    new = len(read.events) - had if came in {Came.NEW, Came.FORWARD} else 0
    files = len(manifest.files) if new else 0
    return ImportedRun(view.run, came, view.state.status.value, view.head, new, files, notes)
