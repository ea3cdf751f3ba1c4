"""Handlers that are not built in: the project's own files, then installed packages.

A file `nofx_handlers/<name>.py` (not one that begins with `_`) has a list `HANDLERS` of handler objects. An installed
package declares entry points in the group `nofx.handlers`; each names a handler object, or a list of them. A plugin
that cannot be loaded is noted, and matters only to a tool that no other handler has.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from nofx_cli import errors
from nofx_cli.ports.handler import StepHandler
from nofx_cli.safety.never_written import HANDLERS as FOLDER

GROUP = "nofx.handlers"

_generation = count(1)


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plugin that cannot be used. `line` is 0 where the fault has no line in the plugin's own file."""

    where: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.where}:{self.line}: {self.reason}" if self.line else f"{self.where}: {self.reason}"


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A plugin that can be used. `file` is empty for an installed package."""

    where: str
    file: str
    handlers: tuple[StepHandler, ...]


class _Unusable(Exception):
    """The plugin was imported, and what it names is no handler."""


class Plugins:
    """The plugins of a project, loaded when first asked for. Not for several threads at a time."""

    def __init__(self, project: Path) -> None:
        self._folder = project / FOLDER
        self._sources: tuple[Callable[[], list[LoadedPlugin]], ...] = (self._load_project, self._load_installed)
        self._stages: list[list[LoadedPlugin]] = []
        self._broken: dict[str, BrokenPlugin] = {}

    def find(self, tool: str) -> StepHandler | None:
        """The first handler that matches, by file name, then by entry point name.

        Raises:
            errors.InvalidInput: nothing matches, and a plugin could not be loaded (code `plugin-broken`).
        """
        for stage in range(len(self._sources)):
            for plugin in self._stage(stage):
                for handler in plugin.handlers:
                    if self._matches(plugin, handler, tool):
                        return handler
        if self._broken:
            raise _broken_error(tool, tuple(self._broken.values()))
        return None

    def load_all(self) -> tuple[BrokenPlugin, ...]:
        """Load every plugin; returns those that are broken."""
        for stage in range(len(self._sources)):
            self._stage(stage)
        return tuple(self._broken.values())

    def loaded(self) -> tuple[LoadedPlugin, ...]:
        """Load every plugin; returns those that can be used, in the order in which they are asked for a tool."""
        stages = [self._stage(stage) for stage in range(len(self._sources))]
        return tuple(plugin for stage in stages for plugin in stage)

    def _stage(self, number: int) -> list[LoadedPlugin]:
        while len(self._stages) <= number:
            self._stages.append(self._sources[len(self._stages)]())
        return self._stages[number]

    def _matches(self, plugin: LoadedPlugin, handler: StepHandler, tool: str) -> bool:
        try:
            return bool(handler.match(tool))
        except Exception as exc:  # noqa: BLE001 - a plugin may raise anything, and breaks only what uses it
            self._note(plugin.where, plugin.file, exc)
            return False

    def _load_project(self) -> list[LoadedPlugin]:
        from importlib import import_module, invalidate_caches

        from nofx_cli.handlers.own_sources import import_from_sources

        files = sorted(path for path in self._folder.glob("*.py") if path.is_file() and path.name[0] != "_")
        if not files:
            return []
        package = ModuleType(
            f"{FOLDER}_{next(_generation)}"
        )  # one a registry: two projects may have the same file names
        package.__path__ = [str(self._folder)]
        sys.modules[package.__name__] = package
        import_from_sources(self._folder)
        invalidate_caches()

        def load(path: Path) -> Any:
            return _handlers_list(import_module(f"{package.__name__}.{path.stem}"))

        found = [self._load(f"{FOLDER}/{path.name}", str(path), partial(load, path)) for path in files]
        return [plugin for plugin in found if plugin]

    def _load_installed(self) -> list[LoadedPlugin]:
        from importlib.metadata import entry_points

        found = [
            self._load(f"entry point {entry.name} = {entry.value}", "", entry.load)
            for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))
        ]
        return [plugin for plugin in found if plugin]

    def _load(self, where: str, file: str, load: Callable[[], Any]) -> LoadedPlugin | None:
        try:
            return LoadedPlugin(where, file, tuple(_checked(load())))
        except (Exception, SystemExit) as exc:  # noqa: BLE001 - importing a plugin may raise anything
            self._note(where, file, exc)
            return None

    def _note(self, where: str, file: str, exc: BaseException) -> None:
        reason = str(exc) if isinstance(exc, _Unusable) else f"{type(exc).__name__}: {_message(exc)}"
        self._broken.setdefault(where, BrokenPlugin(where, _line_in(file, exc), reason))


def _handlers_list(module: ModuleType) -> Any:
    try:
        return list(module.HANDLERS)
    except AttributeError:
        raise _Unusable("has no list `HANDLERS` of its handlers") from None


def _checked(found: Any) -> Iterable[StepHandler]:
    for item in found if isinstance(found, list | tuple) else [found]:
        if isinstance(item, type):
            raise _Unusable(f"names the class {item.__name__}, not a handler: write {item.__name__}()")
        if not isinstance(item, StepHandler):
            raise _Unusable(f"names {item!r}, which has no match(tool) and run(ctx)")
        yield item


def _broken_error(tool: str, broken: tuple[BrokenPlugin, ...]) -> errors.InvalidInput:
    first, more = broken[0], len(broken) - 1
    others = f" (and {more} more)" if more else ""
    return errors.InvalidInput(
        f"no handler has the tool `{tool}`, and a plugin that may have it cannot be loaded: {first}{others}",
        code="plugin-broken",
        hint=f"mend {first.where}, or take it away",
        context={"tool": tool, "plugin": first.where, "line": first.line},
    )


def _message(exc: BaseException) -> str:
    return str(exc.msg) if isinstance(exc, SyntaxError) else str(exc)


def _line_in(file: str, exc: BaseException) -> int:
    """The last line of `file` that the fault went through; 0 if it did not."""
    if isinstance(exc, SyntaxError) and exc.filename == file:
        return exc.lineno or 0
    line = 0
    trace: TracebackType | None = exc.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
