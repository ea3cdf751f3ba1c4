"""What a command works with: the project, its settings, its store, and the services put together from them."""

import os
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from nofx_cli.clock import Clock, SystemClock
from nofx_cli.config.settings import Settings, find_project, load_settings
from nofx_cli.domain.events import Actor
from nofx_cli.domain.ids import JsonObject, RunId
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.record import record
from nofx_cli.drivers.filesystem.artifacts import FileArtifacts
from nofx_cli.drivers.filesystem.key_index import FileKeyIndex
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.liveness import FileLiveness
from nofx_cli.drivers.filesystem.queue import FileQueue
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.drivers.filesystem.workers import FileWorkers
from nofx_cli.engine.create_run import KeyIndex
from nofx_cli.engine.find_run import find_run
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.services import Limits, SecretsOf, Services
from nofx_cli.handlers.registry import Registry
from nofx_cli.planning.load import load_plan
from nofx_cli.planning.templates import PlanRenderer
from nofx_cli.ports.rendering import Renderer
from nofx_cli.safety.masking import Masker
from nofx_cli.safety.masking_names import secret_values
from nofx_cli.safety.policy import permissions_of
from nofx_cli.safety.processes import LocalProcesses
from nofx_cli.wiring.project_rules import RulesFile

if TYPE_CHECKING:
    from nofx_cli.ports.archive import Archive
    from nofx_cli.ports.ledger import Ledger
    from nofx_cli.ports.models import Models
    from nofx_cli.ports.workspaces import Worktrees

_PLANS_KEPT = 16


@record
class Session:
    """One command's view of one project and store."""

    project: Path
    settings: Settings
    services: Services
    keys: KeyIndex
    layout: Layout
    masker: Masker
    notifies: bool = False
    """Whether the project tells others of its runs."""

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
    masker: Masker | None = None,
) -> Session:
    """Put together what a command needs; nothing is written before it is used.

    Args:
        folder: where the command was given; the project is looked for upward from it.
        store: the value of `--store`.
        newer: open a store that a newer nofx wrote, too, only to tell about it.
        masker: of the process, where it has one: what one project's steps learn is masked in all that it writes.

    Raises:
        errors.InvalidInput: the settings are not as they should be.
        errors.StoreFailure: the store was written by a newer nofx.
    """
    environ = os.environ if environ is None else environ
    project = find_project((folder or Path.cwd()).resolve())
    settings = load_settings(project, environ, store=store)
    clock = clock or SystemClock()
    rules = RulesFile(project)
    notifies = bool(rules.check().notify)
    masker = masker or Masker()
    masker.learn([*secret_values(environ), *_known_values(rules, project, environ)])
    layout = Layout(settings.store.value, sync=settings.sync.value)
    if not newer:
        layout.check_format()
    runs = FileRunStore(layout, mask=masker.text if masker.active else None)
    handlers = Registry(
        project,
        gates=lambda: rules.read().gates,
        agents=lambda: rules.read().agents,
        databases=lambda: rules.read().databases,
        targets=lambda: rules.read().notify,
    )
    secrets_of = partial(_secrets_of, masker, rules, project, environ)
    services = Services(
        store=runs,
        artifacts=FileArtifacts(layout, masker),
        liveness=FileLiveness(layout),
        queue=FileQueue(layout, clock),
        workers=FileWorkers(layout, clock),
        handlers=handlers,
        processes=LocalProcesses(masker, clock),
        clock=clock,
        load_plan=_Plans(handlers, rules).load,
        renderer_for=partial(_renderer, environ, rules),
        mask=masker.data,
        mask_text=masker.text,
        actor=_actor(settings, environ),
        workspace=project,
        store_folder=settings.store.value,
        environ=environ,
        archive=partial(_archive, layout, masker),
        models=_Router(rules, environ, secrets_of, masker, clock),
        ledger=_Ledger(layout, project),
        rules=rules.read,
        secrets_of=secrets_of,
        take_snapshot=partial(_snapshot, settings.store.value, rules),
        worktrees=partial(_worktrees, project, settings.store.value),
        limits=Limits(settings.grace_ms.value, settings.output_limit.value, settings.backpressure_age_ms.value),
    )
    return Session(project, settings, services, FileKeyIndex(layout, runs), layout, masker, notifies)


class _Plans:
    """Plans that were read before: a worker, or a search through many runs, meets the same text again and again."""

    def __init__(self, handlers: Registry, rules: RulesFile) -> None:
        self._handlers, self._rules = handlers, rules
        self._loaded_under = rules.read()
        self._kept: dict[str, Plan] = {}

    def load(self, text: str, source: str) -> Plan:
        if (rules := self._rules.read()) is not self._loaded_under:
            self._loaded_under = rules
            self._kept.clear()  # what a gate's settings say goes into the plan
        plan = self._kept.pop(text, None) or load_plan(text, source=source, handlers=self._handlers)
        if len(self._kept) >= _PLANS_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[text] = plan
        return plan


class _Ledger:
    """What the runs of the project have spent; made once, for it keeps what it has read."""

    def __init__(self, layout: Layout, project: Path) -> None:
        self._layout, self._project = layout, project
        self._made: Ledger | None = None

    def __call__(self) -> "Ledger":
        if self._made is None:
            from nofx_cli.drivers.filesystem.ledger import FileLedger

            self._made = FileLedger(self._layout, self._project)
        return self._made


class _Router:
    """The router of the models that `nofx.yaml` names now; with a new one its connections are new."""

    def __init__(
        self, rules: RulesFile, environ: Mapping[str, str], secrets_of: SecretsOf, masker: Masker, clock: Clock
    ) -> None:
        self._rules, self._environ, self._secrets_of, self._masker = rules, environ, secrets_of, masker
        self._clock = clock
        self._lock = Lock()
        self._made: tuple[object, Models] | None = None

    def __call__(self) -> "Models":
        from nofx_cli.models.router import Router

        spec = self._rules.read().models
        with self._lock:
            if self._made is None or self._made[0] is not spec:
                router = Router(
                    spec,
                    environ=self._environ,
                    secrets_of=self._secrets_of,
                    clock=self._clock,
                    learn=self._masker.learn,
                    mask=self._masker.text,
                )
                self._made = (spec, router)
            return self._made[1]


def _archive(layout: Layout, masker: Masker) -> "Archive":
    """The requests to models and their answers."""
    from nofx_cli.drivers.filesystem.archive import FileArchive

    return FileArchive(layout, masker)


@cache
def _worktrees(project: Path, store: Path) -> "Worktrees":
    from nofx_cli.workspace.worktrees import GitWorktrees

    return GitWorktrees(project, store)


def _snapshot(store: Path, rules: RulesFile, folder: Path) -> JsonObject:
    """What the gates rest on in a folder that runs work on."""
    from nofx_cli.handlers.gates.integrity.snapshot import take_snapshot

    return take_snapshot(folder, store=store, weakened=rules.read().weakened)


def _renderer(environ: Mapping[str, str], rules: RulesFile, plan: Plan, params: JsonObject, run: RunId) -> Renderer:
    def seen_by(step: Step) -> Mapping[str, str]:
        permissions = permissions_of(rules.read(), plan, step)
        if not permissions.lists_env:
            return {}
        return {name: value for name, value in environ.items() if permissions.sees(name)}

    return PlanRenderer(params=params, env=seen_by, run_id=run, goal=plan.goal)


def _known_values(rules: RulesFile, project: Path, environ: Mapping[str, str]) -> list[str]:
    declared = rules.read().secrets
    if not declared:
        return []
    from nofx_cli.safety.secrets import known_values

    return known_values(declared, project=project, environ=environ)


def _secrets_of(
    masker: Masker, rules: RulesFile, project: Path, environ: Mapping[str, str], scopes: tuple[str, ...]
) -> Mapping[str, str]:
    from nofx_cli.safety.secrets import resolve

    found = resolve(scopes, rules.read().secrets, project=project, environ=environ)
    masker.learn(found.values())
    return found


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
