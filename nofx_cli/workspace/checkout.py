"""What git says of the folder that a run works on: noted with every run, so that it is known what it ran on."""

from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.record import record
from nofx_cli.safety.git_command import QUICK_SECONDS, Git


@record
class Repository:
    """Where a project lies in a repository.

    Attributes:
        top: the top of the checkout.
        common: the folder that all worktrees of the repository share, `.git` of the first one.
        prefix: the project below `top`, with `/`; empty where it is `top` itself.
    """

    top: Path
    common: Path
    prefix: str


@record
class Chosen:
    """The workspace as `run.created` will tell it but for the place of a worktree, and what a person should know."""

    workspace: JsonObject
    notes: tuple[str, ...] = ()


def find_repository(folder: Path) -> Repository:
    """The repository in whose checkout a folder lies.

    Raises:
        errors.Unavailable: there is none, or git cannot say (code `git-failed`); `context["reason"]` tells why.
    """
    asked = ["--show-toplevel", "--git-common-dir", "--show-prefix"]
    told = Git(folder).do("rev-parse", *asked, seconds=QUICK_SECONDS)
    top, common, prefix = (Path(line) for line in told.decode(errors="surrogateescape").split("\n")[:3])
    return Repository(top, (folder / common).resolve(), "" if prefix == Path() else prefix.as_posix())


def is_in_checkout(folder: Path) -> bool:
    """Whether something above it says that it lies in a checkout; git need not be asked."""
    return any((above / ".git").exists() for above in (folder, *folder.parents))


def describe_workspace(folder: Path) -> JsonObject:
    """The workspace as `run.created` tells it.

    `{"path", "mode": "in_place", "commit", "branch", "dirty"}`. `commit` and `branch` are empty where there is no
    checkout or no commit yet; `dirty` says that a tracked file differs from the commit.
    """
    facts: dict[str, str | bool] = {
        "path": str(folder), "mode": "in_place", "commit": "", "branch": "", "dirty": False
    }  # fmt: skip
    if is_in_checkout(folder):
        facts.update(_ask_git(folder))
    return facts


def _ask_git(folder: Path) -> dict[str, str | bool]:
    status = ["status", "--porcelain=v2", "--branch", "--untracked-files=no", "--ignore-submodules=dirty"]
    facts: dict[str, str | bool] = {}
    try:
        answer = Git(folder).do(*status, seconds=QUICK_SECONDS)
    except errors.Unavailable:
        return {}
    for line in answer.decode(errors="replace").splitlines():
        if line.startswith("# branch.oid ") and "(initial)" not in line:
            facts["commit"] = line.split(" ", 2)[2]
        elif line.startswith("# branch.head ") and "(detached)" not in line:
            facts["branch"] = line.split(" ", 2)[2]
        elif not line.startswith("#"):
            facts["dirty"] = True
    return facts
