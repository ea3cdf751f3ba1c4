"""What changed in a repository: the difference of two trees, that of the workspace before and after.

What git ignores does not count. What was not committed before the agent began is no change of the agent's, and whether
it commits its own makes no difference. Repositories in the workspace, and files that are too large to be read, are
looked at only as the file system tells of them.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from nofx_cli.handlers.agents.changes.changed import LARGEST_DIFF, Changes, bounded, is_own
from nofx_cli.handlers.agents.changes.git import OwnRepository, Repository, head_of
from nofx_cli.handlers.agents.changes.steering import differing, is_steering, steering_of
from nofx_cli.safety.changes import Traces, changed, take_traces

LARGEST_FILE = 32 * 1024 * 1024
"""In bytes, of a file whose content is looked at."""
MOST_COMMITS = 50
_GITLINK = b"160000 "
_GIT = ".git/"


class TreeWatch:
    """Watches a workspace that is in a repository; `scratch` is the name of a folder that it makes for itself."""

    def __init__(self, workspace: Path, real: Repository, *, store: Path, scratch: Path, own: tuple[str, ...]) -> None:
        self._workspace, self._store, self._real, self._own = workspace, store, real, own
        self._git = OwnRepository(scratch, workspace, real)
        self._aside: set[str] = set()
        """Repositories and large files, below the workspace."""
        self._tree = self._take_tree()
        self._traces = self._take_traces()
        self._steering = steering_of(real.common, real.git_dir)
        self._head = head_of(workspace)

    def changes(self) -> Changes:
        """Look again."""
        known = frozenset(self._aside)
        tree, head = self._take_tree(), head_of(self._workspace)
        beside = changed(self._traces, self._take_traces())
        files = [path for path in beside if _GIT not in path]
        steering = [path for path in beside if self._steers_known(path, known)]
        inserted, deleted, paths = self._counts(tree)
        return Changes(
            tuple(sorted({*paths, *files})),
            insertions=inserted,
            deletions=deleted,
            diff=bounded(_told(files) + self._diff(tree)),
            steering=(*differing(self._steering, steering_of(self._real.common, self._real.git_dir)), *steering),
            commits=self._commits(head),
            head_before=self._head,
            head_after=head,
        )

    def _steers_known(self, path: str, known: frozenset[str]) -> bool:
        """Whether it steers a repository in the workspace that was there before."""
        top, found, within = path.partition(_GIT)
        return bool(found) and top.rstrip("/") in known and is_steering(within)

    def _take_tree(self) -> str:
        """Bring the index in line with the workspace, and write it as a tree. No process looks into a submodule."""
        listed = self._git.run("ls-files", "-z", "--modified", "--deleted", "--others", "--exclude-standard")
        names = sorted({name for name in listed.split(b"\0") if name and not self._is_left_out(os.fsdecode(name))})
        told = b"".join(name + b"\0" for name in names if not self._set_aside(name))
        if told:
            self._git.run("update-index", "-z", "--add", "--remove", "--replace", "--stdin", stdin=told)
        self._aside.update(self._submodules())
        return self._git.run("write-tree").decode().strip()

    def _is_left_out(self, path: str) -> bool:
        if is_own(path, self._own):
            return True
        inside = self._store.is_relative_to(self._workspace)  # a worktree of nofx's own lies in the store itself
        return inside and (self._workspace / path).is_relative_to(self._store)

    def _set_aside(self, name: bytes) -> bool:
        """Whether the content of what is listed is none of the tree's."""
        path = os.fsdecode(name)
        is_repository = path.endswith("/")
        try:
            aside = is_repository or os.lstat(self._workspace / path).st_size > LARGEST_FILE
        except OSError:  # it is gone
            return False
        if aside:
            self._aside.add(path.rstrip("/"))
        return aside

    def _submodules(self) -> Iterator[str]:
        for entry in self._git.run("ls-files", "--stage", "-z").split(b"\0"):
            if entry.startswith(_GITLINK):
                yield os.fsdecode(entry.partition(b"\t")[2])

    def _take_traces(self) -> Traces:
        found: dict[str, tuple[int, ...]] = {}
        for path in self._aside:
            place = self._workspace / path
            if place.is_dir() and not place.is_symlink():
                below = take_traces(place, store=self._store)
                found.update({f"{path}/{name}": trace for name, trace in below.items()})
            elif os.path.lexists(place):
                seen = os.lstat(place)
                found[path] = (seen.st_mode, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)
        return found

    def _counts(self, tree: str) -> tuple[int, int, list[str]]:
        """How many lines came and went, and in which files."""
        inserted = deleted = 0
        paths = []
        for entry in self._compared(tree, "-z", "--numstat").split(b"\0"):
            came, _, rest = entry.partition(b"\t")
            went, _, path = rest.partition(b"\t")
            if path:
                paths.append(path.decode("utf-8", "replace"))
                inserted += int(came) if came.isdigit() else 0  # of what is no text it is `-`
                deleted += int(went) if went.isdigit() else 0
        return inserted, deleted, paths

    def _diff(self, tree: str) -> bytes:
        return self._compared(tree, "--patch", "--no-ext-diff", "--no-textconv", limit=LARGEST_DIFF + 1)

    def _compared(self, tree: str, *how: str, limit: int | None = None) -> bytes:
        words = ("diff-tree", "-r", "--no-renames", "--relative", *how, self._tree, tree)
        return self._git.run(*words, limit=limit)

    def _commits(self, head: str) -> tuple[str, ...]:
        if head in ("", self._head):
            return ()
        new = (head, f"^{self._head}") if self._head else (head,)
        return tuple(self._git.run("rev-list", f"--max-count={MOST_COMMITS}", *new).decode().split())


def _told(paths: Sequence[str]) -> bytes:
    """A patch may have such lines before it."""
    lines = (f"{path}: changed, in a repository of its own or too large to compare\n" for path in paths)
    return "".join(lines).encode("utf-8", "surrogateescape")
