"""A store to look into, without all that executing needs: shell completion must answer while a person types."""

import os
from pathlib import Path

from nofx_cli.config.settings import find_project, load_settings
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.ports.journal import RunStore


def open_store() -> RunStore:
    """The store of the project around the working folder.

    Raises:
        errors.InvalidInput: the settings are not as they should be.
    """
    settings = load_settings(find_project(Path.cwd().resolve()), os.environ)
    return FileRunStore(Layout(settings.store.value, sync=settings.sync.value))
