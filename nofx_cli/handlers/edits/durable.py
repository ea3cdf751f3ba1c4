"""Files are put in place and removed so that this outlives a loss of power."""

import errno
import os
import shutil
from pathlib import Path

from nofx_cli import errors
from nofx_cli.safety.paths import replace_file, sync_folder, write_synced


def put_file(place: Path, data: bytes, mode: int | None, *, staging: Path) -> None:
    """Put a file in its place: it has these bytes and this mode, or, whatever happens, is as it was.

    Args:
        mode: None gives the usual one.
        staging: the file that is written first, outside of the workspace, so that a crash leaves nothing in there. On
            another filesystem that cannot be; then it is written beside `place`.

    Raises:
        OSError: it could not be written.
    """
    staging.unlink(missing_ok=True)
    write_synced(staging, data, mode)
    try:
        os.replace(staging, place)
    except OSError as exc:
        staging.unlink(missing_ok=True)
        if exc.errno != errno.EXDEV:
            raise
        _put_beside(place, data, mode)
    sync_folder(place.parent)


def remove_file(place: Path) -> None:
    """Remove a file; one that is not there is no error."""
    place.unlink(missing_ok=True)
    if place.parent.is_dir():
        sync_folder(place.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder of ours with all that is in it, as far as that can be done."""
    shutil.rmtree(folder, ignore_errors=True)


def _put_beside(place: Path, data: bytes, mode: int | None) -> None:
    try:
        replace_file(place, data, mode)
    except errors.NofxError as exc:
        raise OSError(errno.EIO, exc.message, str(place)) from exc
