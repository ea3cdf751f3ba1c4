"""What changed where there is no repository: the files before and after, by their content.

Contents are kept of files that are small enough to be compared as text, up to a bound; of others a digest, up to
another one; of the rest only what the file system tells of them.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from nofx_cli.domain.record import record
from nofx_cli.handlers.agents.changes.changed import LARGEST_DIFF, Changes, bounded, is_own
from nofx_cli.handlers.file_diff import MAX_INPUT_BYTES, file_diff
from nofx_cli.handlers.gates.ecosystem import LEFT_BY_TOOLS
from nofx_cli.regular_files import open_regular
from nofx_cli.safety.changes import Traces, changed, take_traces

MOST_KEPT = 32 * 1024 * 1024
MOST_DIGESTED = 512 * 1024 * 1024
"""In bytes, of all files together."""


@record
class _Content:
    """What a file held: its bytes, or where they were not kept their digest; neither where it was not read."""

    data: bytes | None = None
    digest: str = ""


_NOTHING = _Content(b"")


class FileWatch:
    """Watches a folder. Left out are the store, what tools leave behind, and the agent's own files."""

    def __init__(self, workspace: Path, *, store: Path, own: tuple[str, ...]) -> None:
        self._workspace, self._store, self._own = workspace, store, own
        self._traces = self._look()
        self._before = dict(_contents(workspace, self._traces))

    def changes(self) -> Changes:
        """Look again; a file counts as changed where its content or its mode does."""
        traces = self._look()
        paths = [path for path in changed(self._traces, traces) if self._differs(path, traces)]
        counts = [self._counts(path) for path in paths]
        return Changes(
            tuple(paths),
            insertions=sum(inserted for inserted, _ in counts),
            deletions=sum(deleted for _, deleted in counts),
            diff=bounded("".join(self._diffs(paths)).encode("utf-8", "surrogateescape")),
        )

    def _look(self) -> Traces:
        traces = take_traces(self._workspace, store=self._store)
        return {path: trace for path, trace in traces.items() if not self._left_out(path)}

    def _left_out(self, path: str) -> bool:
        return is_own(path, self._own) or not LEFT_BY_TOOLS.isdisjoint(path.split("/"))

    def _differs(self, path: str, traces: Traces) -> bool:
        before, after = self._traces.get(path), traces.get(path)
        if before is None or after is None or before[1:2] != after[1:2]:  # kind and mode
            return True
        known = self._before[path]
        if known.data is not None:
            return known.data != _read(self._workspace / path, MAX_INPUT_BYTES)
        return not known.digest or known.digest != _digest(self._workspace / path)

    def _counts(self, path: str) -> tuple[int, int]:
        """How many lines came and went; none where the contents cannot be compared as text."""
        known, new = self._before.get(path, _NOTHING), _read(self._workspace / path, MAX_INPUT_BYTES)
        if known.data is None or (new is None and os.path.lexists(self._workspace / path)):
            return 0, 0
        return line_counts(known.data, new or b"")

    def _diffs(self, paths: list[str]) -> Iterator[str]:
        room = LARGEST_DIFF + 1
        for path in paths:
            if room < 0:
                return
            diff = self._diff(path)
            room -= len(diff)
            yield diff

    def _diff(self, path: str) -> str:
        place = self._workspace / path
        known = self._before.get(path)
        new = _read(place, MAX_INPUT_BYTES) if os.path.lexists(place) else None
        is_kept = known is None or known.data is not None
        if not is_kept or (new is None and os.path.lexists(place)):
            return f"{path}: changed, and too large to compare\n"
        diff = file_diff(path, known.data if known else None, new)
        if not diff:
            return f"{path}: its mode changed, or it is empty\n"
        return diff if diff.startswith("--- ") else f"{path}: {diff}\n"


def _contents(workspace: Path, traces: Traces) -> Iterator[tuple[str, _Content]]:
    kept, digested = MOST_KEPT, MOST_DIGESTED
    for path, trace in traces.items():
        size = trace[2] if len(trace) > 2 else 0
        data = _read(workspace / path, MAX_INPUT_BYTES) if size <= min(kept, MAX_INPUT_BYTES) else None
        if data is not None:
            kept -= len(data)
            yield path, _Content(data)
        elif size <= digested:
            digested -= size
            yield path, _Content(digest=_digest(workspace / path))
        else:
            yield path, _Content()


def _read(place: Path, limit: int) -> bytes | None:
    """The content of a file, or where a link leads; None where that is too much, or cannot be read."""
    try:
        if place.is_symlink():
            return os.fsencode(os.readlink(place))
        with open_regular(place, follow=False) as file:
            data = file.read(limit + 1)
    except OSError:
        return None
    return data if len(data) <= limit else None


def line_counts(old: bytes, new: bytes) -> tuple[int, int]:
    """How many lines are only in the new text, and how many only in the old one; none of what is no text."""
    if b"\0" in old or b"\0" in new:
        return 0, 0
    from difflib import SequenceMatcher

    inserted = deleted = 0
    matcher = SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=True)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            inserted, deleted = inserted + j2 - j1, deleted + i2 - i1
    return inserted, deleted


def _digest(place: Path) -> str:
    """Empty where it cannot be read."""
    try:
        with open_regular(place, follow=False) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
