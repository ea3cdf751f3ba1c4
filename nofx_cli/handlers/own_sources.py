"""Modules of the project's own handlers come from their sources alone, never from Python's cache of compiled ones.

The cache lies beside the sources, and whoever writes there says what nofx runs: a module in it counts as soon as it
names time and size of its source. Nobody sees that; nor is a changed cache told from one that a test run made.
"""

import hashlib
import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType

from nofx_cli.safety.never_written import CACHE

_folders: set[Path] = set()


class _SourceLoader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def import_from_sources(folder: Path) -> None:
    """From now on modules below this folder come from their sources."""
    if not _folders:
        sys.path_hooks.insert(0, _finder)
    _folders.add(folder)
    for path in [path for path in sys.path_importer_cache if Path(path).is_relative_to(folder)]:
        del sys.path_importer_cache[path]


def _finder(path: str) -> FileFinder:
    if not any(Path(path).is_relative_to(folder) for folder in _folders):
        raise ImportError(path)
    return FileFinder(path, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_SourceLoader, SOURCE_SUFFIXES))


def digest_of_sources(folder: Path) -> str:
    """Stands for all that lies below a folder, links followed, but what Python compiled."""
    whole = hashlib.sha256()
    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(set(folders) - {CACHE})
        for name in sorted(names):
            file = Path(place, name)
            content = file.read_bytes() if file.is_file() else b""
            whole.update(repr((os.path.relpath(file, folder), hashlib.sha256(content).digest())).encode())
    return whole.hexdigest()
