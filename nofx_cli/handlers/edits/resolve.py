"""Edits and what the workspace has now become a set of changes, or reasons why not. Nothing is written here.

A file that is not UTF-8 is never changed, not by a whole new text either: whoever wrote that has not seen what is in
it. It may be deleted or renamed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nofx_cli.domain.record import record
from nofx_cli.handlers.edits.blocks import place_blocks
from nofx_cli.handlers.edits.change_set import ChangeSet, FileChange
from nofx_cli.handlers.edits.edit import Block, EditKind, FileEdit, Refused
from nofx_cli.handlers.edits.file_text import FileText
from nofx_cli.handlers.edits.new_text import fault_of_blocks, fault_of_text, in_the_manner_of
from nofx_cli.handlers.edits.present_file import NoText, PresentFile, read_present
from nofx_cli.handlers.edits.targets import BadPath, Place


def plan_changes(
    edits: Sequence[FileEdit], workspace: Path, *, store: Path, check_write: Callable[[str], None]
) -> ChangeSet:
    """Work out what the edits come to in the workspace as it is now. It is only read.

    Args:
        check_write: asked for every path before its file is looked at; what it raises passes, but that the reasons of
            a `Refused` are told with all others.

    Raises:
        Refused: some edit cannot be done; every reason is told.
        errors.StoreFailure: a file cannot be read; code `read-failed`.
    """
    plan = _Plan(Place(workspace, store, check_write))
    for name, wanted in plan.by_file(edits).items():
        plan.add(name, wanted)
    plan.check_names()
    if plan.reasons:
        raise Refused(*dict.fromkeys(plan.reasons))
    changes = tuple(sorted(plan.changes, key=lambda change: change.path))
    return ChangeSet(changes, tuple(dict.fromkeys(plan.notes)))


@record
class _Wanted:
    """An edit of a file, and the name that the file had until now; empty where it keeps its own."""

    edit: FileEdit
    source: str


@dataclass
class _Plan:
    place: Place
    changes: list[FileChange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    names: dict[str, bool] = field(default_factory=dict)
    """Every file that the answer names, and whether it is there afterwards."""

    def by_file(self, edits: Sequence[FileEdit]) -> dict[str, list[_Wanted]]:
        """The edits of each file, under its name below the workspace."""
        found: dict[str, list[_Wanted]] = {}
        for edit in edits:
            try:
                name = self.place.target(edit.path)
                source = self.place.target(edit.renamed_from) if edit.renamed_from else ""
                self._check_link(edit)
            except BadPath as exc:
                self.reasons.append(str(exc))
            except Refused as exc:
                self.reasons += exc.reasons
            else:
                found.setdefault(name, []).append(_Wanted(edit, "" if source == name else source))
        return found

    def _check_link(self, edit: FileEdit) -> None:
        gone = edit.path if edit.kind is EditKind.DELETE else edit.renamed_from
        if gone and self.place.is_link(gone):
            raise BadPath(f"{gone} is a link; links are not deleted or renamed")

    def add(self, name: str, wanted: Sequence[_Wanted]) -> None:
        """Add what becomes of one file, or the reasons why not."""
        try:
            self._add(name, _one_of(name, wanted))
        except BadPath as exc:
            self.reasons.append(str(exc))
        except NoText as exc:
            self.reasons.append(f"{name}: {exc}")

    def _add(self, name: str, wanted: _Wanted) -> None:
        edit, present = wanted.edit, self._read(name)
        if edit.kind is EditKind.DELETE:
            self._delete(name, edit, present)
        elif edit.kind is EditKind.CHANGE:
            self._change(name, wanted, present)
        else:
            self._write(name, edit, present)

    def _read(self, name: str) -> PresentFile | None:
        from nofx_cli import errors

        try:
            return read_present(self.place.workspace.resolve() / name)
        except OSError as exc:
            raise errors.StoreFailure(
                f"{name} could not be read: {exc.strerror}", code="read-failed", context={"path": name}
            ) from exc

    def _delete(self, name: str, edit: FileEdit, present: PresentFile | None) -> None:
        self._name(name, stays=False)
        if present is None:
            self.notes.append(f"{name}: is not there any more")
        elif edit.blocks and not _shows(edit.blocks, present.text):
            self.reasons.append(f"{name}: is to be deleted, and has another text than the answer shows")
        else:
            self.changes.append(FileChange(name, present.data, None, old_mode=present.mode))

    def _write(self, name: str, edit: FileEdit, present: PresentFile | None) -> None:
        self._name(name, stays=True)
        old = "" if present is None else present.text
        text = edit.text
        if edit.told_by and FileText(old).has_at(0, [edit.told_by], 1):
            text = edit.told_by + text
        if fault := fault_of_text(name, text, old):
            self.reasons.append(f"{name}: {fault}")
            return
        text = in_the_manner_of(text, old)
        if edit.kind is EditKind.CREATE and old.strip() and text != old:
            self.reasons.append(f"{name}: is to be made, and is there already with another text")
            return
        self._put(name, present, text, executable=edit.executable)

    def _change(self, name: str, wanted: _Wanted, present: PresentFile | None) -> None:
        edit, before = wanted.edit, present
        self._name(name, stays=True)
        if wanted.source:
            before = self._renamed(name, wanted.source, present)
        elif present is None:
            self.reasons.append(f"{name}: there is no such file{self._meant(name)}")
        if before is None:
            return
        if edit.blocks:
            self._place(name, edit, before)
        elif edit.executable is not None or wanted.source:
            self._put_bytes(name, before if not wanted.source else None, before.data, _mode(before, edit.executable))

    def _renamed(self, name: str, source: str, present: PresentFile | None) -> PresentFile | None:
        """The file under its old name, which goes; or under its new one, if it has been renamed already."""
        self._name(source, stays=False)
        before = self._read(source)
        if before is None and present is None:
            self.reasons.append(f"{source}: there is no such file{self._meant(source)}")
        elif before is not None and present is not None:
            self.reasons.append(f"{name}: is there already, so {source} cannot be renamed to it")
            return None
        elif before is None:
            self.notes.append(f"{name}: was renamed already")
            return present
        else:
            self.changes.append(FileChange(source, before.data, None, old_mode=before.mode))
        return before

    def _place(self, name: str, edit: FileEdit, before: PresentFile) -> None:
        text = before.text
        if fault := fault_of_blocks(edit.blocks, text):
            self.reasons.append(f"{name}: {fault}")
            return
        placing = place_blocks(edit.blocks, text)
        self.notes += [f"{name}: {note}" for note in placing.notes]
        self.reasons += [f"{name}: {reason}" for reason in placing.reasons]
        if not placing.reasons:
            self._put_bytes(name, self._read(name), placing.text.encode(), _mode(before, edit.executable))

    def _put(self, name: str, present: PresentFile | None, text: str, *, executable: bool | None) -> None:
        self._put_bytes(name, present, text.encode(), _mode(present, executable))

    def _put_bytes(self, name: str, present: PresentFile | None, data: bytes, mode: int | None) -> None:
        if present is not None and present.data == data and mode in (None, present.mode):
            self.notes.append(f"{name}: is as it is to be already")
            return
        old, old_mode = (None, None) if present is None else (present.data, present.mode)
        self.changes.append(FileChange(name, old, data, mode, old_mode))

    def _name(self, name: str, *, stays: bool) -> None:
        if self.names.get(name, stays) != stays or (name in self.names and not stays):
            self.reasons.append(f"{name}: is changed, and deleted or renamed, in the same answer")
        self.names[name] = stays

    def check_names(self) -> None:
        """No two files that stay may be one where case does not count, and none a folder of another."""
        staying = sorted(name for name, stays in self.names.items() if stays)
        seen: dict[str, str] = {}
        for name in staying:
            other = seen.setdefault(name.casefold(), name)
            if other != name:
                self.reasons.append(f"{name}: differs from {other} only in case")
        for name in staying:
            above = next((part for part in _folders(name) if part in seen), "")
            if above:
                self.reasons.append(f"{name}: cannot be in {seen[above]}, which is a file of the same answer")

    def _meant(self, name: str) -> str:
        from difflib import get_close_matches

        folder, _, last = name.rpartition("/")
        try:
            there = sorted(entry.name for entry in (self.place.workspace / folder).iterdir() if entry.is_file())
        except OSError:
            return ""
        close = get_close_matches(last, there[:1_000], n=1, cutoff=0.7)
        return f"; did you mean {folder and f'{folder}/'}{close[0]}?" if close else ""


def _one_of(name: str, wanted: Sequence[_Wanted]) -> _Wanted:
    """The edits of one file as one: blocks are taken together, and a text that comes twice is taken once.

    Raises:
        BadPath: they contradict each other.
    """
    first = wanted[0]
    edits = [one.edit for one in wanted]
    sources = {one.source for one in wanted if one.source}
    if all(edit.kind is EditKind.CHANGE for edit in edits) and len(sources) < 2:
        blocks = tuple(block for edit in edits for block in edit.blocks)
        modes = [edit.executable for edit in edits if edit.executable is not None]
        merged = FileEdit(
            first.edit.path, EditKind.CHANGE, first.edit.place, blocks=blocks, executable=modes[0] if modes else None
        )
        return _Wanted(merged, next(iter(sources), ""))
    if len({(edit.kind, edit.text) for edit in edits}) > 1:
        places = " and ".join(str(edit.place) for edit in edits)
        raise BadPath(f"{name}: the answer has more than one change of it, at lines {places}, and they are not alike")
    return first


def _shows(blocks: Iterable[Block], text: str) -> bool:
    """Whether blocks that remove a file have its text."""
    file, shown = FileText(text), [line for block in blocks for line in block.old]
    return len(shown) == len(file.lines) and file.has_at(0, shown, 2)


def _mode(present: PresentFile | None, executable: bool | None) -> int | None:
    if executable is None:
        return None if present is None else present.mode
    mode = 0o644 if present is None else present.mode
    return mode | (mode & 0o444) >> 2 if executable else mode & ~0o111


def _folders(name: str) -> Iterable[str]:
    parts = name.casefold().split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))
