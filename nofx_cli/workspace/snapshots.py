"""Trees of a worktree: what it has now, kept under a reference, and brought back.

A snapshot is taken with an index of nofx's own, which is kept: only what changed since is read. It is brought in line
by `diff-files`, `ls-files` and `update-index` and not by `git add`, which asks a submodule for its status, in a process
that heeds the settings of that submodule: a step can write those.

What git ignores is no part of a tree, nor is a repository that a step made inside of the worktree.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.safety.git_command import Git

_WHO = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in {"NAME": "nofx", "EMAIL": "nofx@localhost", "DATE": "@0 +0000"}.items()
}
"""Every snapshot of the same tree is the same commit."""
BASE = "@base"
"""The name, among the snapshots of a run, of the commit that it began from. No step can be called so."""


def record_tree(git: Git) -> str:
    """Write what the worktree has now as a tree; the index is that of `git` and is brought in line."""
    listed = git.do("diff-files", "-z", "--name-only", "--ignore-submodules=dirty")
    listed += git.do("ls-files", "-z", "--others", "--exclude-standard")
    # With a slash at its end: a repository of its own.
    names = sorted({name for name in listed.split(b"\0") if name and not name.endswith(b"/")})
    behind = {name for name in names if _is_behind_a_link(git.folder, name)}
    if behind:
        git.do("update-index", "-z", "--force-remove", "--stdin", stdin=_lines(sorted(behind)))
    there = [name for name in names if name not in behind]
    if there:
        git.do("update-index", "-z", "--add", "--remove", "--replace", "--stdin", stdin=_lines(there))
    return git.do("write-tree").decode().strip()


def _is_behind_a_link(folder: Path, name: bytes) -> bool:
    """Whether it stood in a folder that is a link now; git does not look behind those."""
    return any(os.path.islink(folder / above) for above in Path(os.fsdecode(name)).parents if above.parts)


def _lines(names: Sequence[bytes]) -> bytes:
    return b"".join(name + b"\0" for name in names)


def load_tree(git: Git, tree: str) -> None:
    """Make the worktree what a tree has; what the index does not know stays, unless it is in the way."""
    git.do("read-tree", "--reset", "-u", tree)


def keep(git: Git, tree: str, ref: str, *, message: str, parent: str = "") -> str:
    """Make a commit of a tree, always the same one, and let a reference keep it; returns the commit."""
    behind = ("-p", parent) if parent else ()
    commit = git.do("commit-tree", *behind, "-m", message, tree, env=_WHO).decode().strip()
    git.do("update-ref", ref, commit)
    return commit


def empty_tree(git: Git) -> str:
    """The tree without files."""
    return git.do("hash-object", "-t", "tree", "-w", "--stdin").decode().strip()


def empty_commit(git: Git) -> str:
    """A commit without files, for a run in a repository that has none yet; always the same one."""
    return git.do("commit-tree", "-m", "nofx: no commit yet", empty_tree(git), env=_WHO).decode().strip()


def ref_of(run: RunId, step: StepName, attempt: int) -> str:
    """The reference of a snapshot; the names of steps are such as git takes."""
    return f"refs/nofx/{run}/{step}/{attempt}"


def base_ref(run: RunId) -> str:
    """The reference of the commit that a run began from."""
    return f"refs/nofx/{run}/{BASE}"


def copy_index(source: Path, target: Path) -> None:
    """Put a copy of an index in a place, whole or not at all; what it knows of the files stays true."""
    import shutil

    made = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copy2(source, made)
    made.replace(target)
