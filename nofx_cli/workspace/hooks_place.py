"""Where git looks for the hooks of a checkout, and who else uses that folder."""

import os
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.safety.git_command import Git, remedy_of
from nofx_cli.workspace.checkout import find_repository

SETTING = "core.hooksPath"
_OF_ALL = ("global", "system")
_OF_GIT_HERE = "command"
"""The scope of the settings that nofx itself gives to git."""


@record
class HooksPlace:
    """The hooks of one checkout.

    Attributes:
        top: the top of the checkout.
        prefix: the folder that was asked about, below `top`; empty where it is `top` itself.
        folder: where its hooks lie; it need not be there.
        setting: the value of `core.hooksPath`; empty where git's own folder is used.
        scope: which of the user's files of settings has that value, in git's words.
        path: the folder below `top`, where it lies among the files of the checkout and git does not ignore it.
    """

    top: Path
    prefix: str
    folder: Path
    setting: str = ""
    scope: str = ""
    path: str = ""

    @property
    def is_shared(self) -> bool:
        """Whether all repositories of the user, or of the machine, have their hooks there."""
        return self.scope in _OF_ALL

    @property
    def is_huskys(self) -> bool:
        """Whether husky makes the folder anew whenever the packages are installed."""
        return self.folder.name == "_" and self.folder.parent.name == ".husky"


def find_hooks(folder: Path) -> HooksPlace:
    """Where the hooks of the checkout lie that a folder is in.

    A relative `core.hooksPath` counts from the top of the checkout, where git runs hooks.

    Raises:
        errors.InvalidInput: the folder lies in no checkout (code `no-repository`).
        errors.Unavailable: git cannot say.
    """
    try:
        repository = find_repository(folder)
    except errors.Unavailable as exc:
        why = str(exc.context.get("reason", exc.message))
        raise errors.InvalidInput(
            f"hooks belong to a checkout of git, and {folder} is in none: {why}",
            code="no-repository",
            hint=remedy_of(why) or "git init, or go to a checkout",
        ) from exc
    git = Git(repository.top)
    scope, setting = _setting(git)
    place = repository.top / setting if setting else repository.common / "hooks"
    if os.path.lexists(place) and not place.is_dir():
        raise errors.Conflict(
            f"git looks for hooks in {place}, which is no folder: they are switched off by {SETTING} ({scope})",
            code="hooks-off",
            hint=f"git config --{scope} --unset {SETTING}",
        )
    path = _path_in_tree(git, place, repository.top, repository.common)
    return HooksPlace(repository.top, repository.prefix, place, setting, scope, path)


def _setting(git: Git) -> tuple[str, str]:
    """The scope and the value of `core.hooksPath` that count: the last ones but for nofx's own."""
    told = os.fsdecode(git.do("config", "-z", "--show-scope", "--type=path", "--get-all", SETTING)).split("\0")
    found = [pair for pair in zip(told[::2], told[1::2], strict=False) if pair[0] != _OF_GIT_HERE]
    return found[-1] if found else ("", "")


def _path_in_tree(git: Git, place: Path, top: Path, common: Path) -> str:
    real, real_top = place.resolve(), top.resolve()
    if not real.is_relative_to(real_top) or real.is_relative_to(common) or real == real_top:
        return ""
    path = real.relative_to(real_top).as_posix()
    return "" if git.holds("check-ignore", "--quiet", f"{path}/pre-commit") else path
