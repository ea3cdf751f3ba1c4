"""What git says of the workspace: noted with every run, so that it is known what it ran on."""

from pathlib import Path

from nofx_cli.domain.ids import JsonObject

_TIME_LIMIT_SECONDS = 10


def describe_workspace(folder: Path) -> JsonObject:
    """The workspace as `run.created` tells it.

    `{"path", "mode": "in_place", "commit", "branch", "dirty"}`. `commit` and `branch` are empty where there is no
    checkout or no commit yet; `dirty` says that a tracked file differs from the commit.
    """
    facts: dict[str, str | bool] = {
        "path": str(folder), "mode": "in_place", "commit": "", "branch": "", "dirty": False
    }  # fmt: skip
    if any((above / ".git").exists() for above in (folder, *folder.parents)):
        facts.update(_ask_git(folder))
    return facts


def _ask_git(folder: Path) -> dict[str, str | bool]:
    import subprocess

    argv = ["git", "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        answer = subprocess.run(
            argv, cwd=folder, capture_output=True, timeout=_TIME_LIMIT_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    facts: dict[str, str | bool] = {}
    for line in answer.stdout.decode(errors="replace").splitlines():
        if line.startswith("# branch.oid ") and "(initial)" not in line:
            facts["commit"] = line.split(" ", 2)[2]
        elif line.startswith("# branch.head ") and "(detached)" not in line:
            facts["branch"] = line.split(" ", 2)[2]
        elif not line.startswith("#"):
            facts["dirty"] = True
    return facts
