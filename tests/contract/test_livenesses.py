"""Every driver of `Liveness` under the one contract."""

import os
from pathlib import Path

from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.liveness import FileLiveness
from nofx_cli.drivers.filesystem.run_store import PLAN
from nofx_cli.drivers.memory.liveness import MemoryLiveness
from nofx_cli.ports.liveness import Holder, Liveness
from nofx_cli.testing.liveness import LivenessContract, SharedLivenessContract


def open_files(place: Path, run: RunId) -> Liveness:
    layout = Layout(place, sync=False)
    layout.run(run).mkdir(parents=True, exist_ok=True)
    (layout.run(run) / PLAN).touch()
    return FileLiveness(layout)


def open_memory(place: Path, run: RunId) -> Liveness:
    return MemoryLiveness(Holder(os.getpid(), "here", "", ""))


class TestFiles(SharedLivenessContract):
    open_liveness = staticmethod(open_files)


class TestMemory(LivenessContract):
    open_liveness = staticmethod(open_memory)
