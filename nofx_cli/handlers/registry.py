"""Which code runs which tool.

Looked up in this order: the literal table of built-ins, the project's `nofx_handlers/*.py`, installed packages
(entry points `nofx.handlers`). Each stage is loaded only when the ones before it have no match, so that a plan of
built-in tools imports nothing but the modules of the tools it uses.
"""

from collections.abc import Mapping
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from nofx_cli.ports.handler import StepHandler

if TYPE_CHECKING:
    from nofx_cli.handlers.plugins import BrokenPlugin, Plugins

BUILT_INS: Mapping[str, str] = {
    "shell": "nofx_cli.handlers.shell:HANDLER",
    "manual:*": "nofx_cli.handlers.manual:HANDLER",
    "gate:lint": "nofx_cli.handlers.gates.lint:HANDLER",
    "gate:unit": "nofx_cli.handlers.gates.unit:HANDLER",
    "gate:test": "nofx_cli.handlers.gates.unit:HANDLER",
    "workspace:write": "nofx_cli.handlers.workspace_write:HANDLER",
    "test:echo": "nofx_cli.handlers.test_tools:ECHO",
    "test:fail": "nofx_cli.handlers.test_tools:FAIL",
}


class Registry:
    """The tools of a project: `ports.handler.Handlers`. Safe to use from several threads; what was found is kept."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._lock = RLock()
        self._found: dict[str, StepHandler | None] = {}
        self._loaded_plugins: Plugins | None = None

    def find(self, tool: str) -> StepHandler | None:
        if tool in self._found:
            return self._found[tool]
        with self._lock:
            target = _built_in(tool)
            handler = self._plugins().find(tool) if target is None else _load(target)
            self._found[tool] = handler
        return handler

    def patterns(self) -> tuple[str, ...]:
        return tuple(BUILT_INS)

    def broken(self) -> "tuple[BrokenPlugin, ...]":
        """The plugins of the project and of installed packages that cannot be loaded; this loads them all."""
        with self._lock:
            return self._plugins().load_all()

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
