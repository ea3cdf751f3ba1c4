"""The files that a plan lists: their contents, as they are now."""

import json
import os
import stat
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.record import record
from nofx_cli.handlers.kept_artifact import read_kept
from nofx_cli.handlers.pull_requests.checkout import Checkout
from nofx_cli.handlers.pull_requests.options import ListedFile
from nofx_cli.handlers.pull_requests.repository import (
    FILE,
    LINK,
    PROGRAM,
    Change,
    Entry,
    OwnRepository,
    lines_of_names,
)
from nofx_cli.ports.handler import StepContext
from nofx_cli.safety.git_command import Git
from nofx_cli.safety.paths import contained

_MOST_BYTES = 100 * 1024 * 1024


@record
class _Ready:
    """A file that may be committed: its `content`, or where it `lies` for git to read."""

    mode: str
    content: bytes = b""
    lies: Path | None = None


def listed_changes(
    ctx: StepContext, files: tuple[ListedFile, ...], own: OwnRepository, *, base: str, checkout: Checkout | None
) -> list[Change]:
    """What listed files change of the commit `base`; those that have it already are no change.

    Raises:
        errors.NotFound: a file, an artifact or an output is not there.
        errors.InvalidInput: a path is none below the project.
        errors.PolicyDenied: a rule does not allow a path.
    """
    prefix = checkout.prefix if checkout else ""
    entries = own.entries(base)
    folders: dict[str, Path] = {}
    places = [_place(ctx, file.path, folders) for file in files]
    for place in places:
        ctx.check_write(place.relative_to(ctx.workspace).as_posix())
    paths = [prefix + place.relative_to(ctx.workspace).as_posix() for place in places]
    twice = sorted(path for path, times in Counter(paths).items() if times > 1)
    if twice:
        raise errors.InvalidInput(
            f"`files` has {', '.join(twice)} more than once", code="path-twice", hint="list it once"
        )
    ready = [
        _ready(ctx, file, place=place, old=entries.get(path))
        for file, place, path in zip(files, places, paths, strict=True)
    ]
    found = []
    for one, oid, path in zip(ready, _kept(ctx, ready, own, checkout=checkout), paths, strict=True):
        old, new = entries.get(path), Entry(one.mode, oid)
        if new != old:
            found.append(Change(path, old, new))
    return found


def _place(ctx: StepContext, path: str, folders: dict[str, Path]) -> Path:
    """Where the file lies or would lie; links above it are followed, and itself is not. `folders` are known already."""
    whole = contained(ctx.workspace, path)
    if whole == ctx.workspace:
        raise errors.InvalidInput(f"{path} is the project's folder, and no file", code="path-is-folder")
    parent, name = os.path.split(path.rstrip("/"))
    if parent not in folders:
        folders[parent] = contained(ctx.workspace, parent or ".")
    return folders[parent] / name


def _ready(ctx: StepContext, file: ListedFile, *, place: Path, old: Entry | None) -> _Ready:
    if file.kind == "from":
        return _as_it_lies(file, place)
    runs = file.executable if file.executable is not None else old is not None and old.mode == PROGRAM
    return _Ready(PROGRAM if runs else FILE, _content(ctx, file))


def _as_it_lies(file: ListedFile, place: Path) -> _Ready:
    try:
        found = place.lstat()
        if stat.S_ISLNK(found.st_mode):
            return _Ready(LINK, os.fsencode(os.readlink(place)))
        if not stat.S_ISREG(found.st_mode):
            raise errors.InvalidInput(f"{file.path} is no file", code="path-not-a-file")
        if found.st_size > _MOST_BYTES:
            raise errors.InvalidInput(
                f"{file.path} has {found.st_size} bytes, which is too much", code="file-too-large"
            )
        with place.open("rb"):
            pass  # it can be read
    except FileNotFoundError as exc:
        message = f"{file.path} is not in the workspace"
        hint = "make it in an earlier step, or take it out of `files`"
        raise errors.NotFound(message, code="file-not-found", hint=hint) from exc
    except OSError as exc:
        raise errors.Unavailable(f"{file.path} cannot be read: {exc.strerror}", code="file-unreadable") from exc
    runs = bool(found.st_mode & stat.S_IXUSR) if file.executable is None else file.executable
    return _Ready(PROGRAM if runs else FILE, lies=place)


def _kept(ctx: StepContext, ready: Sequence[_Ready], own: OwnRepository, *, checkout: Checkout | None) -> list[str]:
    """Keep what the files have, in the order of `ready`; returns how git names it. git is started twice at most."""
    lying = [str(one.lies) for one in ready if one.lies is not None]
    given = iter(own.put_all([one.content for one in ready if one.lies is None]))
    taken = iter(_put_as_git_would(ctx, lying, own, checkout=checkout) if lying else ())
    return [next(given if one.lies is None else taken) for one in ready]


def _put_as_git_would(
    ctx: StepContext, names: Sequence[str], own: OwnRepository, *, checkout: Checkout | None
) -> list[str]:
    """With the line ends and the user's filters that a commit of the checkout would have; written here alone."""
    if checkout is None:
        return own.put_files(names)
    place = str(ctx.workspace)
    top = place.removesuffix("/" + checkout.prefix.rstrip("/")) if checkout.prefix else place
    git = Git(Path(top), git_dir=checkout.git_dir, durable=False)
    environment = {"GIT_OBJECT_DIRECTORY": str(own.objects), **_also(checkout)}
    inner = [os.path.relpath(name, top) for name in names]
    told = git.do("hash-object", "-w", "--stdin-paths", stdin=lines_of_names(inner), env=environment)
    return told.decode().split()


def _also(checkout: Checkout) -> dict[str, str]:
    quoted = str(checkout.objects).replace("\\", "\\\\").replace('"', '\\"')
    return {"GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"'}  # a colon would part it


def _content(ctx: StepContext, file: ListedFile) -> bytes:
    if file.kind == "content":
        return file.value.encode()
    if file.kind == "artifact":
        step, _, name = file.value.partition("/")
        return read_kept(ctx, StepName(step), name)
    step, _, key = file.value.partition(".")
    outputs = ctx.outputs.get(StepName(step), {})
    if key not in outputs:
        raise errors.NotFound(
            f"step {step} has no output {key}",
            code="output-not-found",
            hint=f"its outputs are: {', '.join(outputs) or 'none'}",
        )
    value = outputs[key]
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=dict)
    return (text if text.endswith("\n") else f"{text}\n").encode()
