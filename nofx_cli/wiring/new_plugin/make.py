"""Write a draft: all of its files, or none."""

import os
from pathlib import Path

from nofx_cli import errors
from nofx_cli.handlers.registry import Registry
from nofx_cli.wiring.new_plugin.draft import Draft
from nofx_cli.wiring.session import Session


def check_free(session: Session, draft: Draft) -> None:
    """Hold the tool against those that are there: whoever comes first has it, so that a second handler would idle.

    Raises:
        errors.Conflict: the tool has a handler already (code `tool-taken`).
    """
    rules = session.services.rules
    handlers = Registry(session.project, lambda: rules().gates, lambda: rules().agents)
    try:
        there = handlers.find(draft.example)
    except errors.InvalidInput:
        return  # some other plugin is broken; who uses it is told
    if there is not None:
        whose = next((plugin.where for plugin in handlers.plugins() if there in plugin.handlers), "nofx itself")
        raise errors.Conflict(
            f"the tool `{draft.example}` has a handler already: {whose} has it",
            code="tool-taken",
            hint="give another tool: --tool NAME",
        )


def write(draft: Draft, folder: Path) -> tuple[str, ...]:
    """Write the files below a folder; gives the paths of those that were written.

    Raises:
        errors.Conflict: one of them is there (code `file-exists`); nothing was written.
        errors.StoreFailure: one could not be written (code `write-failed`); those before it were taken away.
    """
    there = [path for path, _ in draft.files if os.path.lexists(folder / path)]
    if there:
        raise _exists(there[0])
    wanted = [*draft.files, *((path, text) for path, text in draft.shared if not os.path.lexists(folder / path))]
    written: list[str] = []
    try:
        for path, text in wanted:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with (folder / path).open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as exc:
        for path in written:
            (folder / path).unlink(missing_ok=True)
        if isinstance(exc, FileExistsError) and exc.filename == str(folder / wanted[len(written)][0]):
            raise _exists(wanted[len(written)][0]) from exc
        raise errors.StoreFailure(
            f"{exc.filename or folder} could not be written: {exc.strerror}", code="write-failed"
        ) from exc
    return tuple(written)


def _exists(path: str) -> errors.Conflict:
    return errors.Conflict(
        f"{path} is there already", code="file-exists", hint="give another name, or remove it; nothing was written"
    )
