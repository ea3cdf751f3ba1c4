"""The projects whose runs lie in one store: each has its own settings, plugins and workspace."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject
from nofx_cli.engine.services import Services
from nofx_cli.safety.masking import Masker
from nofx_cli.wiring.session import open_session


class Projects:
    """The services of every project whose runs lie in one store, each opened when its first run comes up."""

    def __init__(self, store: Path, environ: Mapping[str, str], own: Services, masker: Masker) -> None:
        self._store, self._environ, self._own, self._masker = store, environ, own, masker
        self._known: dict[str, Services] = {str(own.workspace): own}

    def known(self) -> tuple[Services, ...]:
        """Of the projects whose runs came up so far, the worker's own among them."""
        return tuple(self._known.values())

    def services_at(self, workspace: JsonObject) -> Services:
        """The services of the project that a run was made in, given the workspace of its `run.created`.

        Raises:
            errors.NotFound: that folder does not exist any more (code `workspace-gone`).
        """
        path = str(workspace.get("path") or self._own.workspace)
        if path not in self._known:
            self._known[path] = self._open(path)
        return self._known[path]

    def _open(self, path: str) -> Services:
        if not Path(path).is_dir():
            raise errors.NotFound(
                f"the folder {path} that the run works on does not exist",
                code="workspace-gone",
                hint="bring it back, or cancel the run",
            )
        session = open_session(folder=Path(path), environ=self._environ, store=str(self._store), masker=self._masker)
        return replace(
            session.services,
            actor=self._own.actor,
            queue=self._own.queue,
            workers=self._own.workers,
            store=self._own.store,
        )
