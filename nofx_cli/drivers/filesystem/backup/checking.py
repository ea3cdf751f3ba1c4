"""Prove a backup: every byte, every file, the journal of every run, and the files that the journals vouch for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from nofx_cli.domain.record import record
from nofx_cli.drivers.filesystem.backup.contents import RUNS
from nofx_cli.drivers.filesystem.backup.journal_copy import JournalFacts, lines_of, read_facts
from nofx_cli.drivers.filesystem.backup.manifest import KeptRun
from nofx_cli.drivers.filesystem.backup.unpacking import BackupFile, Member, Unreadable
from nofx_cli.drivers.filesystem.journal_file import JOURNAL


@record
class Checked:
    """What was found.

    Attributes:
        faults: what is wrong with the backup, in words; empty means that it is what was written.
        of_the_store: what was wrong in the store already when it was copied.
    """

    digest: str
    faults: tuple[str, ...]
    of_the_store: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.faults


class RunChecks:
    """The journals of a backup, read while they are unpacked."""

    def __init__(self) -> None:
        self._facts: dict[str, JournalFacts] = {}

    def watch(self, member: Member, blocks: Iterator[bytes]) -> None:
        """Take in a member, to its end; those that are no journals are only read."""
        path = PurePosixPath(member.path)
        if path.parts[0] == RUNS and path.name == JOURNAL and len(path.parts) == 4:
            self._facts[path.parent.as_posix()] = read_facts(lines_of(blocks))
        else:
            for _ in blocks:
                pass

    def faults(self, backup: BackupFile) -> Iterator[str]:
        """What is wrong with the runs, beyond what was wrong when they were copied."""
        digests: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for path, file in backup.files.items():
            parts = path.split("/")
            if parts[0] == RUNS:
                digests["/".join(parts[:3])]["/".join(parts[3:])] = file.digest
        kept = {one.run: one for one in backup.manifest.runs}
        for folder, facts in self._facts.items():
            run = PurePosixPath(folder).name
            yield from (
                f"run {run}: {fault}" for fault in _run_faults(run, facts, kept.pop(run, None), digests[folder])
            )
        yield from (f"run {run}: its journal is missing" for run in kept)


def check(backup: BackupFile, *, expect: str = "") -> Checked:
    """Check everything; what is unreadable is told, and how far it could be read.

    Args:
        expect: the digest that was noted elsewhere.
    """
    faults: list[str] = []
    if expect and expect != backup.seal.manifest:
        faults.append(f"its digest is {backup.seal.manifest}, and not the one that was expected")
    if not backup.is_as_sealed():
        faults.append("its content is not what the digest at its end says")
    runs = RunChecks()
    of_the_store: list[str] = []
    try:
        for member, blocks in backup.members():
            runs.watch(member, blocks)
        of_the_store = [f"run {one.run}: {fault}" for one in backup.manifest.runs for fault in one.faults]
        faults += [*backup.file_faults(), *runs.faults(backup)]
    except Unreadable as exc:
        faults.append(str(exc))
    return Checked(backup.seal.manifest, tuple(faults), tuple(of_the_store))


def _run_faults(run: str, facts: JournalFacts, kept: KeptRun | None, digests: Mapping[str, str]) -> Iterator[str]:
    if kept is None:
        yield "it is not in the manifest"
        return
    if facts.run != run and facts.run:
        yield f"its journal is that of run {facts.run}"
    if (facts.head.seq, facts.head.digest) != (kept.seq, kept.head):
        yield f"its journal ends in {facts.head.seq}:{facts.head.digest}, and not in {kept.seq}:{kept.head}"
    for fault in (*facts.faults, *facts.file_faults(digests)):
        if fault not in kept.faults:
            yield fault
