"""The files that are the project's own: what git has or would take, else all but what tools leave behind.

git is asked before a step has begun, too, to show what it would send; so it runs by itself, without filters, monitors
or hooks of the checkout, and never long.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from nofx_cli import errors
from nofx_cli.handlers.gates.ecosystem import LEFT_BY_TOOLS

_TIME_LIMIT_SECONDS = 10
_LIST = (
    "git", "--no-optional-locks", "-c", "core.fsmonitor=false", "ls-files", "-z", "--cached", "--others",
    "--exclude-standard", *(f"--exclude={name}/" for name in sorted(LEFT_BY_TOOLS)),
)  # fmt: skip


def project_files(workspace: Path, *, store: Path) -> tuple[str, ...]:
    """The regular files below the workspace, links to such ones too, as sorted relative paths with `/`.

    None of them lies in nofx's own store. What git ignores is left out where there is a repository.

    Raises:
        errors.InvalidInput: git cannot list them (code `git-failed`): what it ignores is not known then.
    """
    listed = _of_git(workspace) if in_checkout(workspace) else ()
    # A folder that git ignores as a whole can be a workspace too.
    names = set(listed) or set(_walked(workspace, store))
    inside = f"{store.relative_to(workspace).as_posix()}/" if store.is_relative_to(workspace) else "\0"
    return tuple(sorted(name for name in names if not name.startswith(inside) and (workspace / name).is_file()))


def in_checkout(workspace: Path) -> bool:
    """Whether the workspace lies in a git checkout."""
    return any((folder / ".git").exists() for folder in (workspace, *workspace.parents))


def _of_git(workspace: Path) -> list[str]:
    import subprocess

    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            _LIST,
            cwd=workspace,
            env=own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIME_LIMIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise _failed(workspace, str(exc)) from exc
    if done.returncode != 0:
        raise _failed(workspace, done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}")
    return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]


def _failed(workspace: Path, why: str) -> errors.InvalidInput:
    return errors.InvalidInput(
        f"git cannot list the files of {workspace}: {why}",
        code="git-failed",
        hint=f"see what it says: git -C {workspace} ls-files",
    )


def _walked(workspace: Path, store: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(workspace):
        folders[:] = sorted(
            name
            for name in folders
            if name not in LEFT_BY_TOOLS
            and Path(folder, name) != store
            and not Path(folder, name, "pyvenv.cfg").exists()
        )
        yield from (os.path.relpath(os.path.join(folder, name), workspace) for name in files)
