"""The worktree of a run in another clone: its kept trees as a pack of git's objects, held against the journal.

    the pack is unpacked beside the clone, and looked at ─▶ once more, into the clone ─▶ the references, all or none
                                                             └ crash ─▶ nothing points at the objects: git removes them

Git checks every object of a pack that it takes in, and that nothing is missing which they name; no file is checked out.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import RunId
from nofx_cli.ports.carrying import TreePack
from nofx_cli.safety.git_command import Git
from nofx_cli.workspace.checkout import describe_workspace, find_repository
from nofx_cli.workspace.snapshots import BASE, base_ref

_HEX = frozenset("0123456789abcdef")
_TAKE_IN = ("index-pack", "--stdin", "--fix-thin", "--strict")


class GitTreeCarrier:
    """Implements `ports.carrying.TreeCarrier` for the repository that a project lies in."""

    def __init__(self, project: Path) -> None:
        self._project = project

    def here(self) -> tuple[str, bool]:
        found = describe_workspace(self._project)
        return str(found["commit"]), bool(found["dirty"])

    def pack(self, run: RunId, commit: str) -> TreePack:
        git, branch = self._bare, f"refs/heads/nofx/{run}"
        listed = git.do("for-each-ref", "--format=%(refname) %(objectname)", f"refs/nofx/{run}", branch).decode()
        refs = dict(line.split(" ", 1) for line in listed.splitlines())
        refs = {ref: at for ref, at in refs.items() if at != commit and _is_of(ref, run)}
        wanted = "".join(f"{at}\n" for at in sorted(set(refs.values())))
        left_out = f"^{commit}\n" if commit else ""
        options = ("--revs", "--thin", "--stdout", "--quiet", "--delta-base-offset", "--threads=1")
        data = git.do("pack-objects", *options, stdin=(wanted + left_out).encode())
        return TreePack(commit, refs, data)

    def texts(self, pack: TreePack) -> Iterator[tuple[str, bytes]]:
        left_out = [f"^{pack.base}"] if pack.base else []
        listed = self._bare.do("rev-list", "--objects", *sorted(set(pack.refs.values())), *left_out, "--")
        for line in listed.decode(errors="surrogateescape").splitlines():
            name, _, path = line.partition(" ")
            if path and self._bare.do("cat-file", "-t", name).strip() == b"blob":
                yield path, self._bare.do("cat-file", "blob", name)

    def check(self, run: RunId, pack: TreePack, trees: Mapping[str, str]) -> None:
        self._check_names(run, pack, trees)
        if pack.base and not self._has(pack.base):
            raise errors.Conflict(
                f"run {run} began from commit {pack.base[:12]}, which this clone does not have",
                code="commit-missing",
                hint=f"git fetch --depth=1 origin {pack.base} (in GitHub Actions: checkout with fetch-depth: 0)",
                context={"run": run, "commit": pack.base},
            )
        with tempfile.TemporaryDirectory(prefix="nofx-") as beside:
            env = {
                "GIT_OBJECT_DIRECTORY": beside,
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.fspath(self._common / "objects"),
            }
            (Path(beside) / "pack").mkdir()
            try:
                self._bare.do(*_TAKE_IN, stdin=pack.data, env=env)
                found = {
                    ref: self._bare.do("rev-parse", "--verify", f"{commit}^{{tree}}", env=env).decode().strip()
                    for ref, commit in pack.refs.items()
                }
            except errors.Unavailable as exc:
                raise _bad(f"git does not take the objects of its worktree: {exc.context.get('reason', '')}") from exc
        for ref, tree in trees.items():
            if found.get(ref) != tree:
                raise _bad(f"{ref} does not keep the tree that the journal tells")

    def unpack(self, run: RunId, pack: TreePack) -> None:
        self._bare.do(*_TAKE_IN, stdin=pack.data)
        began = {base_ref(run): pack.base} if pack.base else {}
        updates = {**began, **pack.refs}
        told = "".join(f"update {ref} {commit}\n" for ref, commit in sorted(updates.items()))
        self._bare.do("update-ref", "--stdin", stdin=f"start\n{told}commit\n".encode())

    def _check_names(self, run: RunId, pack: TreePack, trees: Mapping[str, str]) -> None:
        """References of the run that its journal names, and its branch; nothing else is ever written."""
        for ref, commit in pack.refs.items():
            if not (ref in trees or _is_of(ref, run)) or not _is_object(commit):
                raise _bad(f"{ref} is no reference of run {run}")
        if pack.base and not _is_object(pack.base):
            raise _bad(f"{pack.base!r} is no commit")

    def _has(self, commit: str) -> bool:
        return self._bare.ask("cat-file", "-e", f"{commit}^{{commit}}") is not None

    @cached_property
    def _common(self) -> Path:
        return find_repository(self._project).common

    @cached_property
    def _bare(self) -> Git:
        return Git(self._project, git_dir=self._common)


def _is_of(ref: str, run: RunId) -> bool:
    """Whether it is the run's branch, its beginning, or called as snapshots are: `refs/nofx/<run>/<step>/<attempt>`."""
    if ref in {f"refs/heads/nofx/{run}", base_ref(run)}:
        return True
    before, _, rest = ref.partition(f"refs/nofx/{run}/")
    step, _, attempt = rest.partition("/")
    plain = step.removeprefix("@").replace("-", "").replace("_", "").isalnum()  # with `@` it is what nofx kept itself
    return not before and attempt.isdigit() and step != BASE and plain


def _is_object(text: str) -> bool:
    return len(text) in {40, 64} and set(text) <= _HEX


def _bad(why: str) -> errors.InvalidInput:
    return errors.InvalidInput(why, code="run-file-bad")
