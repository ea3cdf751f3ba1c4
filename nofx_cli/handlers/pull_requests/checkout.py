"""The project's own repository, which is only read: its remotes, and its objects."""

import os
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.safety.git_command import QUICK_SECONDS, Git


@record
class Checkout:
    """Where a project lies in a repository.

    Attributes:
        git: asked in the project's folder.
        top: the top of the checkout, and `prefix` the project below it, with a slash at its end or empty.
        git_dir: the folder of the repository.
        objects: the folder of its objects, and `digests` how they are named.
        shallow: tells of what its history lacks; the file need not be there.
    """

    git: Git
    top: Path
    prefix: str
    git_dir: Path
    objects: Path
    digests: str
    shallow: Path


def is_partial(checkout: Checkout) -> bool:
    """Whether it is a partial clone, which may lack any object."""
    return any((checkout.objects / "pack").glob("*.promisor"))


def find_checkout(project: Path) -> Checkout | None:
    """The checkout that a project lies in; None where it lies in none.

    Raises:
        errors.Unavailable: git cannot say (code `git-failed`).
    """
    if not any((above / ".git").exists() for above in (project, *project.parents)):
        return None
    git = Git(project)
    asked = ("--show-toplevel", "--show-prefix", "--absolute-git-dir", "--git-path", "objects")
    more = ("--show-object-format", "--git-path", "shallow")
    lines = os.fsdecode(git.do("rev-parse", *asked, *more, seconds=QUICK_SECONDS)).split("\n")
    if len(lines) != 7:
        raise errors.Unavailable("a folder of the repository has a line break in its name", code="git-failed")
    top, prefix, git_dir, objects, digests, shallow = lines[:6]
    return Checkout(git, Path(top), prefix, Path(git_dir), project / objects, digests, project / shallow)
