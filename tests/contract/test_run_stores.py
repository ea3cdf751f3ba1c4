"""Every driver of `RunStore` under the one contract."""

from pathlib import Path

from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.drivers.memory.run_store import MemoryRunStore
from nofx_cli.ports.journal import RunStore
from nofx_cli.testing.run_store import RunStoreContract, SharedRunStoreContract


def open_files(place: Path) -> RunStore:
    return FileRunStore(Layout(place, sync=False))


def open_memory(place: Path) -> RunStore:
    return MemoryRunStore()


class TestFiles(SharedRunStoreContract):
    open_store = staticmethod(open_files)


class TestMemory(RunStoreContract):
    open_store = staticmethod(open_memory)
