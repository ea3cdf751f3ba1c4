"""The rules of a project as its `nofx.yaml` has them now: read anew when that, or a handler of its own, has changed."""

import os
from dataclasses import replace
from pathlib import Path
from threading import Lock

from nofx_cli import errors
from nofx_cli.config.settings import SETTINGS_FILE, read_settings
from nofx_cli.domain.project import ProjectRules
from nofx_cli.safety.never_written import HANDLERS

_NONE = ProjectRules()
_SIGNS = ("policy", "gates", "secrets", "approvals", "models", "agents", "budget", "databases", "notify", "\\", "\0")


class RulesFile:
    """`nofx.yaml`, kept as long as its stat stays the same, and the handlers too. Safe to use from several threads."""

    def __init__(self, project: Path) -> None:
        self._path = project / SETTINGS_FILE
        self._lock = Lock()
        self._handlers = project / HANDLERS
        self._seen: tuple[tuple[int, ...], str] | None = None
        self._rules = _NONE

    def read(self) -> ProjectRules:
        """The rules now; ones with a `fault`, which allow nothing, where they cannot be read."""
        try:
            return self.check()
        except errors.InvalidInput as exc:
            return ProjectRules(fault=exc.message)

    def check(self) -> ProjectRules:
        """The rules now.

        Raises:
            errors.InvalidInput: they cannot be read, or have faults.
        """
        with self._lock:
            seen = self._stat(), self._sources()
            if seen != self._seen:
                self._rules = self._load()
                if seen[1]:
                    self._rules = replace(self._rules, handlers=seen[1])
                self._seen = seen
            return self._rules

    def _stat(self) -> tuple[int, ...]:
        """Of a link, and of what it leads to; empty where nothing is there."""
        seen: tuple[int, ...] = ()
        try:
            for look in (os.lstat, os.stat):
                found = look(self._path)
                seen += (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
        except FileNotFoundError:
            pass  # a link may lead to nothing: reading it will tell
        except OSError as exc:
            raise errors.InvalidInput(f"{self._path} cannot be read: {exc}", code="settings-unreadable") from exc
        return seen

    def _sources(self) -> str:
        if not self._handlers.is_dir():
            return ""
        from nofx_cli.handlers.own_sources import digest_of_sources

        try:
            return digest_of_sources(self._handlers)
        except OSError as exc:
            raise errors.InvalidInput(f"{self._handlers} cannot be read: {exc}", code="settings-unreadable") from exc

    def _load(self) -> ProjectRules:
        if self._seen is not None:  # whoever begins has checked the whole file already
            read_settings(self._path.parent)
        if not os.path.lexists(self._path):
            return _NONE
        from nofx_cli.config.settings_file import read_settings_text

        text = read_settings_text(self._path)
        # Most files have single settings alone: the checker need not be loaded. A key may be quoted, and spelled with
        # escapes then.
        if text is None or not any(sign in text for sign in _SIGNS):
            return _NONE
        from nofx_cli.planning.project_rules import load_project_rules

        return load_project_rules(text, source=SETTINGS_FILE)
