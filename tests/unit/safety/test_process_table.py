import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import pytest

from nofx_cli.safety import process_table
from nofx_cli.safety.process_table import Process, ancestors, carriers, descendants, parse_ps, send

TREE = {pid: Process(pid, parent, 1, 1, "S", "5") for pid, parent in ((1, 0), (2, 1), (3, 2), (4, 3), (5, 2), (9, 1))}


@pytest.fixture
def sleeper(tmp_path: Path) -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen(["sleep", "300"], env={"MARK": str(tmp_path), "OTHER": "two"})
    yield process
    process.kill()
    process.wait()


def test_descendants_and_ancestors() -> None:
    assert [process.pid for process in descendants(TREE, [2])] == [3, 5, 4]
    assert [process.pid for process in descendants(TREE, [3, 2])] == [5, 4]
    assert ancestors(TREE, 4) == {4, 3, 2, 1}


def test_what_ps_prints_on_other_systems() -> None:
    text = "    1     0     1 Ss   Thu Jan  1 00:00:00 1970\n  472     1   472 Z+   Sun Nov 22 09:15:30 2026\n"

    table = parse_ps(text)

    assert table[472] == Process(472, 1, 472, 0, "Z", "Sun Nov 22 09:15:30 2026")
    assert (table[1].dead, table[472].dead) == (False, True)
    assert parse_ps("") == {}


def test_ps_and_proc_tell_the_same(monkeypatch: pytest.MonkeyPatch, sleeper: "subprocess.Popen[bytes]") -> None:
    from_proc = process_table.look_up(sleeper.pid)
    monkeypatch.setattr(process_table, "ON_LINUX", False)
    from_ps = process_table.look_up(sleeper.pid)

    assert from_proc
    assert from_ps
    assert from_ps[:3] == from_proc[:3]
    assert sleeper.pid in process_table.read_table()


def test_a_process_is_looked_up_whatever_its_name_is() -> None:
    script = "printf ') S 1 (' >/proc/$$/comm; echo named; read wait"
    strange = subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert strange.stdout
    strange.stdout.readline()
    process = process_table.look_up(strange.pid)
    strange.kill()
    strange.communicate()

    assert process
    assert process.parent == os.getpid()
    assert process_table.look_up(strange.pid) is None


def test_who_carries_marks(sleeper: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    table = process_table.read_table()
    mark = f"MARK={tmp_path}".encode()

    assert [process.pid for process in carriers(table, frozenset({mark, b"OTHER=two"}))] == [sleeper.pid]
    assert carriers(table, frozenset({mark, b"OTHER=three"})) == []
    assert carriers(table, frozenset()) == []


@pytest.mark.parametrize("without_handles", [False, True])
def test_a_signal_reaches_only_the_very_process(
    monkeypatch: pytest.MonkeyPatch, sleeper: "subprocess.Popen[bytes]", without_handles: bool
) -> None:
    if without_handles:
        monkeypatch.delattr(os, "pidfd_open")
    process = process_table.look_up(sleeper.pid)
    assert process

    send(process._replace(started="1"), SIGKILL)
    assert sleeper.poll() is None
    send(process, SIGKILL)
    assert sleeper.wait(10) == -SIGKILL
    send(process, SIGKILL)  # gone: nothing happens
