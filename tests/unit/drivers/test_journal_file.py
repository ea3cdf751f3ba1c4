"""What the file of a journal leaves behind."""

import gc
import os
from pathlib import Path

from nofx_cli.domain.events import Actor, Draft, RunCreated
from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore

RUN = RunId("20260101-000000-aaaaaa")
AT = "2026-01-01T00:00:00.000000Z"


def _open_files(folder: Path) -> list[str]:
    gc.collect()
    links = (os.path.join("/dev/fd", name) for name in os.listdir("/dev/fd"))
    return [path for path in (os.path.realpath(link) for link in links) if path.startswith(str(folder.resolve()))]


def test_a_store_that_is_dropped_closes_its_journals(tmp_path: Path) -> None:
    store = FileRunStore(Layout(tmp_path, sync=False))
    store.create(RUN, "plan", [Draft(RunCreated())], at=AT, actor=Actor("user", "tester"))
    store.append(RUN, 1, [Draft(RunCreated())], at=AT, actor=Actor("user", "tester"))
    assert _open_files(tmp_path)

    del store

    assert not _open_files(tmp_path)
