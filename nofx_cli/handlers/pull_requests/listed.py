"""The files that a plan lists: their contents, as they are now."""

import json
import os
import stat
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import StepName
from nofx_cli.handlers.kept_artifact import read_kept
from nofx_cli.handlers.pull_requests.checkout import Checkout
from nofx_cli.handlers.pull_requests.options import ListedFile
from nofx_cli.handlers.pull_requests.repository import FILE, LINK, PROGRAM, Change, Entry, OwnRepository
from nofx_cli.ports.handler import StepContext
from nofx_cli.safety.git_command import Git
from nofx_cli.safety.paths import contained

_MOST_BYTES = 100 * 1024 * 1024


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
    found = []
    for file in files:
        place = _place(ctx, file.path)
        ctx.check_write(place.relative_to(ctx.workspace).as_posix())
        path = prefix + place.relative_to(ctx.workspace).as_posix()
        old = own.entry(base, path)
        new = _entry(ctx, file, own, place=place, old=old, checkout=checkout)
        if new != old:
            found.append(Change(path, old, new))
    return found


def _place(ctx: StepContext, path: str) -> Path:
    """Where the file lies or would lie; links above it are followed, and itself is not."""
    whole = contained(ctx.workspace, path)
    if whole == ctx.workspace:
        raise errors.InvalidInput(f"{path} is the project's folder, and no file", code="path-is-folder")
    parent, name = os.path.split(path.rstrip("/"))
    return contained(ctx.workspace, parent or ".") / name


def _entry(
    ctx: StepContext,
    file: ListedFile,
    own: OwnRepository,
    *,
    place: Path,
    old: Entry | None,
    checkout: Checkout | None,
) -> Entry:
    if file.kind == "from":
        return _as_it_lies(ctx, file, own, place=place, checkout=checkout)
    runs = file.executable if file.executable is not None else old is not None and old.mode == PROGRAM
    return Entry(PROGRAM if runs else FILE, own.put(_content(ctx, file)))


def _as_it_lies(
    ctx: StepContext, file: ListedFile, own: OwnRepository, *, place: Path, checkout: Checkout | None
) -> Entry:
    try:
        found = place.lstat()
        if stat.S_ISLNK(found.st_mode):
            return Entry(LINK, own.put(os.fsencode(os.readlink(place))))
        if not stat.S_ISREG(found.st_mode):
            raise errors.InvalidInput(f"{file.path} is no file", code="path-not-a-file")
        if found.st_size > _MOST_BYTES:
            raise errors.InvalidInput(
                f"{file.path} has {found.st_size} bytes, which is too much", code="file-too-large"
            )
        content = place.read_bytes()
    except FileNotFoundError as exc:
        message = f"{file.path} is not in the workspace"
        hint = "make it in an earlier step, or take it out of `files`"
        raise errors.NotFound(message, code="file-not-found", hint=hint) from exc
    except OSError as exc:
        raise errors.Unavailable(f"{file.path} cannot be read: {exc.strerror}", code="file-unreadable") from exc
    runs = bool(found.st_mode & stat.S_IXUSR) if file.executable is None else file.executable
    return Entry(PROGRAM if runs else FILE, _put_as_git_would(ctx, content, own, place=place, checkout=checkout))


def _put_as_git_would(
    ctx: StepContext, content: bytes, own: OwnRepository, *, place: Path, checkout: Checkout | None
) -> str:
    """With the line ends and the user's filters that a commit of the checkout would have; written here alone."""
    if checkout is None:
        return own.put(content)
    inner = place.relative_to(ctx.workspace).as_posix()
    top = Path(str(ctx.workspace).removesuffix("/" + checkout.prefix.rstrip("/"))) if checkout.prefix else ctx.workspace
    git = Git(top, git_dir=checkout.git_dir)
    words = ("hash-object", "-w", "--stdin", "--path", checkout.prefix + inner)
    return (
        git.do(*words, stdin=content, env={"GIT_OBJECT_DIRECTORY": str(own.objects), **_also(checkout)})
        .decode()
        .strip()
    )


def _also(checkout: Checkout) -> dict[str, str]:
    return {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(checkout.objects)}


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
