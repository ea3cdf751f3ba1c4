"""The plugins that a project has: those that can be used, then those that cannot."""

from collections.abc import Iterator
from pathlib import Path

from nofx_cli.domain.record import record
from nofx_cli.handlers.registry import Registry
from nofx_cli.ports.handler import StepHandler, handler_flag, handler_reconciles


@record
class PluginFound:
    """A handler of a plugin, or a plugin that cannot be loaded, for the reason that `fault` tells.

    Attributes:
        where: the file below the project, or the entry point of an installed package.
        line: where in the file the fault is; 0 where it has none.
        handler: the name of its class.
        traits: what it has of `asks`, `writes`, `reconciles`, `rerun_safe`.
    """

    where: str
    line: int = 0
    handler: str = ""
    traits: tuple[str, ...] = ()
    fault: str = ""


def plugins_of(project: Path) -> list[PluginFound]:
    """All plugins, in the order in which they are asked for a tool. This loads them."""
    registry = Registry(project)
    loaded, broken = registry.plugins(), registry.broken()
    found = [
        PluginFound(plugin.where, handler=type(handler).__name__, traits=tuple(_traits(handler)))
        for plugin in loaded
        for handler in plugin.handlers
    ]
    return [*found, *(PluginFound(plugin.where, plugin.line, fault=plugin.reason) for plugin in broken)]


def _traits(handler: StepHandler) -> Iterator[str]:
    if handler_flag(handler, "needs_approval") or hasattr(handler, "asks_with"):
        yield "asks"
    if handler_flag(handler, "writes") or hasattr(handler, "writes_with"):
        yield "writes"
    if handler_reconciles(handler):
        yield "reconciles"
    if handler_flag(handler, "rerun_safe"):
        yield "rerun_safe"
