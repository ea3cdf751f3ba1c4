"""Take in the answers of a file that `nofx archive export` wrote: all of them, or none."""

from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.engine.archive_file import BadArchiveFile, check_archive_file, entries_of
from nofx_cli.ports.archive import Archive
from nofx_cli.regular_files import open_regular


@record
class Imported:
    """What a file held, and how many of its answers were not there before."""

    requests: int
    answers: int
    new: int


def import_archive(archive: Archive, path: Path) -> Imported:
    """Take in every answer that is not there yet. The file is held against all its digests before the first.

    Where the store fails halfway, importing it again takes in the rest.

    Raises:
        errors.NotFound: there is no such file (code `file-not-found`).
        errors.InvalidInput: it is not what was written (code `archive-file-bad`); nothing was taken from it.
        errors.StoreFailure: the archive cannot be written.
    """
    data = _read(path)
    try:
        contents = check_archive_file(data)
    except BadArchiveFile as exc:
        raise errors.InvalidInput(
            f"nothing was taken from {path}: {exc}",
            code="archive-file-bad",
            hint="have it exported and copied anew: nofx archive export FILE.gz",
            context={"path": str(path)},
        ) from exc
    new = sum(archive.merge(entry) for entry in entries_of(data))
    return Imported(contents.requests, contents.answers, new)


def _read(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read()
    except FileNotFoundError as exc:
        raise errors.NotFound(f"there is no file {path}", code="file-not-found") from exc
    except OSError as exc:
        raise errors.InvalidInput(
            f"nothing was taken from {path}: {(exc.strerror or str(exc)).lower()}", code="archive-file-bad"
        ) from exc
