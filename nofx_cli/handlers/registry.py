"""Which code runs which tool.

Looked up in this order: the gates and agents of the project's `nofx.yaml`, the literal table of built-ins, the
project's `nofx_handlers/*.py`, installed packages (entry points `nofx.handlers`). Each stage is loaded only when the
ones before it have no match, so that a plan of built-in tools imports nothing but the modules of the tools it uses.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from nofx_cli.domain.databases import DatabaseSpec
from nofx_cli.domain.plan import AGENT, GATE
from nofx_cli.domain.policy import DB_WRITE, SAME_TOOL
from nofx_cli.domain.project import AgentSpec, GateSpec
from nofx_cli.ports.handler import StepHandler

if TYPE_CHECKING:
    from nofx_cli.domain.notify import NotifyTarget
    from nofx_cli.handlers.plugins import BrokenPlugin, LoadedPlugin, Plugins

_NOTIFY = "notify"
BUILT_INS: Mapping[str, str] = {
    "shell": "nofx_cli.handlers.shell:HANDLER",
    "manual:*": "nofx_cli.handlers.manual:HANDLER",
    "gate:format": "nofx_cli.handlers.gates.format:HANDLER",
    "gate:lint": "nofx_cli.handlers.gates.lint:HANDLER",
    "gate:typecheck": "nofx_cli.handlers.gates.typecheck:HANDLER",
    "gate:unit": "nofx_cli.handlers.gates.unit:HANDLER",
    "gate:test": "nofx_cli.handlers.gates.unit:HANDLER",
    "gate:coverage": "nofx_cli.handlers.gates.coverage:HANDLER",
    "gate:sast": "nofx_cli.handlers.gates.sast:HANDLER",
    "gate:secrets": "nofx_cli.handlers.gates.secrets:HANDLER",
    "gate:audit": "nofx_cli.handlers.gates.audit:HANDLER",
    "gate:build": "nofx_cli.handlers.gates.build:HANDLER",
    "codegen": "nofx_cli.handlers.codegen.handler:HANDLER",
    "agent:claude": "nofx_cli.handlers.agents.agent:CLAUDE",
    "agent:codex": "nofx_cli.handlers.agents.agent:CODEX",
    "agent:aider": "nofx_cli.handlers.agents.agent:AIDER",
    "agent:gemini": "nofx_cli.handlers.agents.agent:GEMINI",
    "http": "nofx_cli.handlers.http_request.handler:HANDLER",
    "git_pr": "nofx_cli.handlers.pull_requests.handler:HANDLER",
    "db_write": "nofx_cli.handlers.database.handler:HANDLER",
    "notify": "nofx_cli.handlers.notify:HANDLER",
    "workspace:write": "nofx_cli.handlers.workspace_write:HANDLER",
    "test:echo": "nofx_cli.handlers.test_tools:ECHO",
    "test:fail": "nofx_cli.handlers.test_tools:FAIL",
}


class Registry:
    """The tools of a project: `ports.handler.Handlers`. Safe to use from several threads; what was found is kept."""

    def __init__(
        self,
        project: Path,
        gates: Callable[[], Mapping[str, GateSpec]] = dict,
        agents: Callable[[], Mapping[str, AgentSpec]] = dict,
        databases: Callable[[], Mapping[str, DatabaseSpec]] = dict,
        targets: "Callable[[], Mapping[str, NotifyTarget]]" = dict,
    ) -> None:
        """`gates`, `agents`, `databases` and `targets` give those that `nofx.yaml` has now, by name."""
        self._project, self._gates, self._agents, self._databases = project, gates, agents, databases
        self._targets = targets
        self._lock = RLock()
        self._found: dict[str, StepHandler | None] = {}
        self._loaded_plugins: Plugins | None = None

    def find(self, tool: str) -> StepHandler | None:
        for name in (tool, SAME_TOOL.get(tool, tool)):
            if name.startswith(GATE) and (spec := self._gates().get(name.removeprefix(GATE))):
                return self._declared(name, spec)
        if tool.startswith(AGENT) and (agent := self._agents().get(tool.removeprefix(AGENT))):
            from nofx_cli.handlers.agents.agent import agent_handler

            return agent_handler(agent.name, agent)
        if tool == DB_WRITE:
            from nofx_cli.handlers.database.handler import DbWrite

            return DbWrite(self._project, self._databases)
        if tool == _NOTIFY:
            from nofx_cli.handlers.notify import Notify

            return Notify(self._targets())
        return self._known(tool)

    def _declared(self, tool: str, spec: GateSpec) -> StepHandler | None:
        """A gate of the project's own, or a built-in one with its settings."""
        if spec.command:
            from nofx_cli.handlers.gates.declared import declared_gate

            return declared_gate(spec)
        known = self._known(tool)
        configured = getattr(known, "configured", None)
        return configured(spec) if configured else known

    def _known(self, tool: str) -> StepHandler | None:
        if tool in self._found:
            return self._found[tool]
        with self._lock:
            target = _built_in(tool)
            handler = self._plugins().find(tool) if target is None else _load(target)
            self._found[tool] = handler
        return handler

    def patterns(self) -> tuple[str, ...]:
        declared = (*(GATE + name for name in self._gates()), *(AGENT + name for name in self._agents()))
        return tuple(dict.fromkeys((*BUILT_INS, *declared)))

    def broken(self) -> "tuple[BrokenPlugin, ...]":
        """The plugins of the project and of installed packages that cannot be loaded; this loads them all."""
        with self._lock:
            return self._plugins().load_all()

    def plugins(self) -> "tuple[LoadedPlugin, ...]":
        """The plugins that can be used, in the order in which they are asked for a tool; this loads them all."""
        with self._lock:
            return self._plugins().loaded()

    def _plugins(self) -> "Plugins":
        if self._loaded_plugins is None:
            from nofx_cli.handlers.plugins import Plugins

            self._loaded_plugins = Plugins(self._project)
        return self._loaded_plugins


def _built_in(tool: str) -> str | None:
    if tool in BUILT_INS:
        return None if tool.endswith("*") else BUILT_INS[tool]
    for pattern, target in BUILT_INS.items():
        if pattern.endswith("*") and tool.startswith(pattern[:-1]) and len(tool) >= len(pattern):
            return target
    return None


def _load(target: str) -> StepHandler:
    from importlib import import_module

    module, _, attribute = target.partition(":")
    handler: StepHandler = getattr(import_module(module), attribute)
    return handler
