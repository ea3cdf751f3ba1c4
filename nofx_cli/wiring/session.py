"""What a command works with: the project, its settings, its store, and the services put together from them."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from nofx_cli.clock import Clock, SystemClock
from nofx_cli.config.settings import Settings, find_project, load_settings
from nofx_cli.domain.events import Actor
from nofx_cli.domain.ids import JsonObject, RunId
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.record import record
from nofx_cli.drivers.filesystem.artifacts import FileArtifacts
from nofx_cli.drivers.filesystem.key_index import FileKeyIndex
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.liveness import FileLiveness
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.engine.create_run import KeyIndex
from nofx_cli.engine.find_run import find_run
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.services import Limits, Services
from nofx_cli.handlers.registry import Registry
from nofx_cli.planning.load import load_plan
from nofx_cli.planning.templates import PlanRenderer
from nofx_cli.ports.rendering import Renderer
from nofx_cli.safety.globs import matches_any
from nofx_cli.safety.masking import Masker, secret_values
from nofx_cli.safety.processes import LocalProcesses


@record
class Session:
    """One command's view of one project and store."""

    project: Path
    settings: Settings
    services: Services
    keys: KeyIndex
    layout: Layout

    def find(self, text: str) -> RunId:
        """The run that a person means; see `engine.find_run`."""
        return find_run(self.services.store, text)

    def open(self, text: str) -> OpenRun:
        """Open the run that a person means."""
        return OpenRun.load(self.services, self.find(text))


def open_session(
    *,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
    store: str | None = None,
    clock: Clock | None = None,
    newer: bool = False,
) -> Session:
    """Put together what a command needs; nothing is written before it is used.

    Args:
        folder: where the command was given; the project is looked for upward from it.
        store: the value of `--store`.
        newer: open a store that a newer nofx wrote, too, only to tell about it.

    Raises:
        errors.InvalidInput: the settings are not as they should be.
        errors.StoreFailure: the store was written by a newer nofx.
    """
    environ = os.environ if environ is None else environ
    project = find_project((folder or Path.cwd()).resolve())
    settings = load_settings(project, environ, store=store)
    clock = clock or SystemClock()
    masker = Masker(secret_values(environ))
    layout = Layout(settings.store.value, sync=settings.sync.value)
    if not newer:
        layout.check_format()
    runs = FileRunStore(layout, mask=masker.text if masker.active else None)
    handlers = Registry(project)
    services = Services(
        store=runs,
        artifacts=FileArtifacts(layout),
        liveness=FileLiveness(layout),
        handlers=handlers,
        processes=LocalProcesses(masker, clock),
        clock=clock,
        load_plan=lambda text, source: load_plan(text, source=source, handlers=handlers),
        renderer_for=partial(_renderer, environ),
        mask=masker.data,
        mask_text=masker.text,
        actor=_actor(settings, environ),
        workspace=project,
        store_folder=settings.store.value,
        environ=environ,
        limits=Limits(settings.grace_ms.value, settings.output_limit.value),
    )
    return Session(project, settings, services, FileKeyIndex(layout, runs), layout)


def _renderer(environ: Mapping[str, str], plan: Plan, params: JsonObject, run: RunId) -> Renderer:
    visible = {name: value for name, value in environ.items() if matches_any(name, plan.policy.env_allow)}
    return PlanRenderer(params=params, env=visible, run_id=run, goal=plan.goal)


def _actor(settings: Settings, environ: Mapping[str, str]) -> Actor:
    """Who is on record: the setting, else the login name; a CI job says so."""
    kind = "ci" if environ.get("CI", "").lower() in {"1", "true"} else "user"
    name = settings.actor.value or environ.get("USER") or environ.get("LOGNAME") or _login_name()
    return Actor("ci" if kind == "ci" else "user", name)


def _login_name() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
