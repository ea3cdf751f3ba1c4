"""A store to look into, without all that executing needs: shell completion must answer while a person types."""

import os
from collections.abc import Iterable
from pathlib import Path

from nofx_cli.clock import SystemClock
from nofx_cli.config.settings import find_project, load_settings
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.drivers.filesystem.workers import FileWorkers
from nofx_cli.ports.journal import RunStore
from nofx_cli.ports.workers import Workers


def open_store() -> RunStore:
    """The store of the project around the working folder.

    Raises:
        errors.InvalidInput: the settings are not as they should be.
    """
    return FileRunStore(_layout())


def open_workers() -> Workers:
    """The workers of that store; raises as `open_store`."""
    return FileWorkers(_layout(), SystemClock())


def read_targets() -> Iterable[str]:
    """The names of those who are told of events. Raises as `open_store`."""
    from nofx_cli.wiring.project_rules import RulesFile

    return RulesFile(find_project(Path.cwd().resolve())).check().notify


def _layout() -> Layout:
    settings = load_settings(find_project(Path.cwd().resolve()), os.environ)
    return Layout(settings.store.value, sync=settings.sync.value)
