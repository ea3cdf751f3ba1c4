"""The files that are the project's own: what git has or would take, else all but what tools leave behind."""

import os
from collections.abc import Iterator
from pathlib import Path

from nofx_cli.handlers.gates.ecosystem import LEFT_BY_TOOLS
from nofx_cli.handlers.gates.evidence import NoEvidence, read_report
from nofx_cli.handlers.gates.gate import Examination, run_program


def own_files(exam: Examination) -> list[str]:
    """The files below `exam.paths`, relative to the workspace, sorted; links too. None of them is in nofx's store.

    New files that git does not ignore are there: it is what a step has just written that is to be examined.

    Raises:
        NoEvidence: git broke.
    """
    listed = _of_git(exam) if in_checkout(exam.workspace) else []
    # A folder that git ignores as a whole can be a workspace too.
    names = listed or sorted(_walked(exam))
    return [name for name in names if not name.startswith(f"{exam.store}/") and os.path.lexists(exam.workspace / name)]


def in_checkout(workspace: Path) -> bool:
    """Whether the workspace lies in a git checkout, and there is git to ask."""
    import shutil

    folders = (workspace, *workspace.parents)
    return any((folder / ".git").exists() for folder in folders) and shutil.which("git") is not None


def _of_git(exam: Examination) -> list[str]:
    listing = exam.reports / "git-files"
    listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    # These hold for what git does not have yet.
    left_out = [f"--exclude={name}/" for name in sorted(LEFT_BY_TOOLS)]
    command = ["git", "-c", "core.fsmonitor=false", *listed, *left_out, "--", *exam.paths]
    result = run_program(exam.ctx, "git", command, stdout=listing)
    if result.exit_code != 0:
        raise NoEvidence(f"git exited with code {result.exit_code}: {result.last_line}")
    return sorted({*os.fsdecode(read_report(listing, by="git")).split("\0")} - {""})


def _walked(exam: Examination) -> Iterator[str]:
    for path in exam.paths or ["."]:
        start = exam.workspace / path
        if not start.is_dir():
            yield os.path.normpath(path)
        for folder, folders, files in os.walk(start):
            folders[:] = [
                name for name in folders if name not in LEFT_BY_TOOLS and Path(folder, name) != exam.ctx.store
            ]
            yield from (os.path.relpath(os.path.join(folder, name), exam.workspace) for name in files)
