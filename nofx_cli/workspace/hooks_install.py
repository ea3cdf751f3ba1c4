"""Put nofx's scripts into the folder of hooks, and take them away so that what was there is there again, bit for bit.

    a hook stands there ── linked to `<hook>.nofx-kept` ── crash ──▶ both are the same file; the next time goes on
        └▶ the script is moved into its place ──▶ installed
    installed ── `<hook>.nofx-kept` is moved back, or the script is removed ──▶ as it was

The hook of the user's is never without its place: git finds it there, or a script that runs it. What nofx did not
write, or what was edited since, is never overwritten or removed.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.workspace.hooks_place import SETTING, HooksPlace
from nofx_cli.workspace.hooks_script import KEPT, HookScript, ReadScript, read_script

_MODE = 0o755


class HookState(StrEnum):
    """Whose the file is that git runs as a hook."""

    ABSENT = "absent"
    FOREIGN = "foreign"
    INSTALLED = "installed"
    EDITED = "edited"
    """It was nofx's, and somebody changed it."""


@record
class Standing:
    """What stands in the place of a hook. `kept` is the hook that was there before, where there is one."""

    hook: str
    path: Path
    state: HookState
    script: HookScript | None = None
    kept: Path | None = None


@record
class Installed:
    """What became of an installation: `was` is what stood there before, `changed` False where all was so already."""

    standing: Standing
    was: HookState
    changed: bool


def look(place: HooksPlace, hook: str) -> Standing:
    """What stands in the place of a hook.

    Raises:
        errors.Unavailable: it cannot be read (code `hooks-unreadable`).
    """
    path = place.folder / hook
    kept = path.with_name(f"{hook}{KEPT}")
    there = kept if os.path.lexists(kept) else None
    read = _read(path)
    if read is None:
        state = HookState.FOREIGN if os.path.lexists(path) else HookState.ABSENT
        return Standing(hook, path, state, kept=there)
    return Standing(hook, path, HookState.EDITED if read.edited else HookState.INSTALLED, read.script, there)


def install(place: HooksPlace, scripts: Sequence[HookScript], *, everywhere: bool = False) -> list[Installed]:
    """Put scripts into their places; a hook that is there is kept, and run first.

    Args:
        everywhere: the user agrees that all repositories get them, where the folder is one of all.

    Raises:
        errors.Conflict: one of them cannot be put there; nothing was changed.
        errors.Unavailable: the folder cannot be written (code `hooks-unwritable`).
    """
    _check_place(place, scripts, everywhere=everywhere)
    standings = [look(place, script.hook) for script in scripts]
    for standing, script in zip(standings, scripts, strict=True):
        _check(place, standing, script)
    with _told(place.folder):
        made = _make_folder(place.folder)
        facts = {"everywhere": place.is_shared, "made_folder": made, **({"program": ""} if place.path else {})}
        made_for = [replace(script, **facts) for script in scripts]  # type: ignore[arg-type]
        return [_put(place, *pair) for pair in zip(standings, made_for, strict=True)]


def uninstall(place: HooksPlace, hooks: Sequence[str]) -> list[Standing]:
    """Take scripts away, and put back what was there; returns what stood there before.

    Raises:
        errors.Conflict: one of them was edited, or what it kept is gone (code `hook-changed`); nothing was changed.
        errors.Unavailable: the folder cannot be written (code `hooks-unwritable`).
    """
    standings = [look(place, hook) for hook in hooks]
    for standing in standings:
        _check_removal(standing)
    ours = [standing for standing in standings if standing.state is HookState.INSTALLED]
    with _told(place.folder):
        for standing in standings:
            if standing.state is HookState.FOREIGN and standing.kept is not None:
                standing.kept.unlink()  # its second name: an installation was cut off
        for standing in ours:
            if standing.kept is not None:
                standing.kept.replace(standing.path)
            else:
                standing.path.unlink()
        if any(standing.script is not None and standing.script.made_folder for standing in ours):
            with suppress(OSError):  # others have put something there since
                place.folder.rmdir()
    return ours


def _read(path: Path) -> ReadScript | None:
    if path.is_symlink() or not path.is_file():
        return None
    try:
        return read_script(path.read_bytes())
    except OSError as exc:
        raise errors.Unavailable(f"{path} cannot be read: {exc.strerror}", code="hooks-unreadable") from exc


def _check_place(place: HooksPlace, scripts: Sequence[HookScript], *, everywhere: bool) -> None:
    if place.is_huskys:
        raise _by_hand(place, scripts[0], f"husky makes {place.folder} anew with every installation of packages")
    if place.is_shared and not everywhere:
        raise errors.Conflict(
            f"hooks lie in {place.folder} for all repositories: {SETTING} is set in the {place.scope} settings of git",
            code="hooks-shared",
            hint="--everywhere puts them there, and repositories without the plan are left alone; or give this one "
            f'hooks of its own: git config {SETTING} "$(git rev-parse --absolute-git-dir)/hooks"',
        )


def _check(place: HooksPlace, standing: Standing, script: HookScript) -> None:
    if standing.state is HookState.EDITED:
        raise _edited(standing)
    if standing.state is not HookState.FOREIGN:
        return
    if standing.path.is_dir() and not standing.path.is_symlink():
        raise errors.Conflict(f"{standing.path} is a folder", code="hook-changed", hint="see what it is for")
    if place.path:
        raise _by_hand(place, script, f"{place.path}/{script.hook} is a file of the checkout, which others have too")
    if standing.kept is not None and not _is_same(standing.path, standing.kept):
        raise errors.Conflict(
            f"{standing.path} is not nofx's, and {standing.kept} is there from an earlier installation",
            code="hook-changed",
            hint=f"see which of the two you want, and remove the other: rm {standing.kept}",
        )


def _check_removal(standing: Standing) -> None:
    path = standing.path
    if standing.state is HookState.EDITED:
        raise _edited(standing)
    if standing.state is not HookState.INSTALLED and standing.kept is not None and not _is_same(path, standing.kept):
        there = "was put there by somebody else" if standing.state is HookState.FOREIGN else "is gone"
        raise errors.Conflict(
            f"{path} {there} since nofx installed it; the hook from before is kept in {standing.kept}",
            code="hook-changed",
            hint=f"to have that back: mv {standing.kept} {path}; else remove it",
        )


def _edited(standing: Standing) -> errors.Conflict:
    kept = f"; the hook from before is kept in {standing.kept}" if standing.kept else ""
    back = f"mv {standing.kept} {standing.path}" if standing.kept else f"rm {standing.path}"
    return errors.Conflict(
        f"{standing.path} was edited since nofx wrote it{kept}",
        code="hook-changed",
        hint=f"keep your changes elsewhere, then: {back}",
    )


def _by_hand(place: HooksPlace, script: HookScript, why: str) -> errors.Conflict:
    import shlex

    words = ["nofx", "hooks", "run", script.hook, "--plan", script.plan]
    words += ["--project", script.project] if script.project else []
    where = place.folder.parent / script.hook if place.is_huskys else place.folder / script.hook
    return errors.Conflict(
        f"{why}; nofx does not write there",
        code="hook-of-the-checkout",
        hint=f'add this line to {where}: {shlex.join(words)} -- "$@"',
    )


def _make_folder(folder: Path) -> bool:
    if folder.is_dir():
        return False
    folder.mkdir(parents=True)
    return True


def _put(place: HooksPlace, standing: Standing, script: HookScript) -> Installed:
    if standing.script is not None:
        script = replace(script, made_folder=standing.script.made_folder)
    if standing.state is HookState.INSTALLED and standing.script == script:
        return Installed(standing, standing.state, changed=False)
    if standing.state is HookState.FOREIGN:
        _keep(standing.path, standing.path.with_name(f"{script.hook}{KEPT}"))
    _write(standing.path, script.text)
    return Installed(look(place, script.hook), standing.state, changed=True)


def _keep(path: Path, kept: Path) -> None:
    """Give the hook a second name; where the file system has no such thing, move it."""
    if os.path.lexists(kept):
        return  # an installation was cut off behind this
    try:
        os.link(path, kept, follow_symlinks=False)
    except OSError:
        path.rename(kept)


def _write(path: Path, text: str) -> None:
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), _MODE)
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samestat(os.lstat(one), os.lstat(other))
    except OSError:
        return False


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        message = f"{exc.filename or folder} cannot be written: {(exc.strerror or str(exc)).lower()}"
        raise errors.Unavailable(message, code="hooks-unwritable") from exc
