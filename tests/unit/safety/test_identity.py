"""What the id of a worker tells of its process."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from nofx_cli.domain.ids import WorkerId
from nofx_cli.safety import identity, process_table


@pytest.fixture(params=["vm", "Build-Agent.example.com", "ünïcode", "x" * 80, "-.-"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of the machine."""
    identity.host_id.cache_clear()
    monkeypatch.setattr(identity, "host", lambda: str(request.param))
    yield str(request.param)
    identity.host_id.cache_clear()


class TestWorkerId:
    def test_it_is_safe_as_a_name_of_a_file_on_every_host(self, machine: str) -> None:
        worker = identity.worker_id()
        assert len(worker) <= 80
        assert not worker.strip("abcdefghijklmnopqrstuvwxyz0123456789-")

    def test_what_it_tells_can_be_read(self, machine: str) -> None:
        worker = identity.worker_id()
        name = identity.parse_worker_id(worker)
        assert name is not None
        assert (name.pid, name.host_id) == (os.getpid(), identity.host_id())
        assert worker == f"w-{name.host}-{name.host_id}-{name.pid}-{name.process}-{name.number}"

    def test_two_of_a_process_differ(self) -> None:
        assert identity.worker_id() != identity.worker_id()

    @pytest.mark.parametrize("text", ["", "alice", "w-a-b", "w-vm-f6028b-1-2e294e", "w-vm-f6028b-1-2e294e-1\n"])
    def test_another_text_is_none(self, text: str) -> None:
        assert identity.parse_worker_id(text) is None
        assert identity.worker_process_runs(text) is False


class TestProcess:
    def test_of_a_living_process_it_is_said(self) -> None:
        assert identity.worker_process_runs(identity.worker_id()) is True
        assert identity.instance_runs(identity.instance())

    def test_of_a_dead_one_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with subprocess.Popen(["sleep", "60"]) as process:
            monkeypatch.setattr(os, "getpid", lambda: process.pid)
            worker, instance = identity.worker_id(), identity.instance()
            monkeypatch.undo()
            assert identity.worker_process_runs(worker) is True
            process.kill()
        assert identity.worker_process_runs(worker) is False
        assert not identity.instance_runs(instance)

    def test_one_that_is_dead_but_not_reaped_is_dead(self, monkeypatch: pytest.MonkeyPatch) -> None:
        worker = identity.worker_id()
        ours = process_table.look_up(os.getpid())
        assert ours is not None
        monkeypatch.setattr(identity, "look_up", lambda pid: ours._replace(state="Z"))
        assert identity.worker_process_runs(worker) is False

    def test_another_process_with_the_same_pid_is_not_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        worker, instance = identity.worker_id(), identity.instance()
        ours = process_table.look_up(os.getpid())
        assert ours is not None
        monkeypatch.setattr(identity, "look_up", lambda pid: ours._replace(started=ours.started + "0"))
        assert identity.worker_process_runs(worker) is False
        assert not identity.instance_runs(instance)

    def test_one_of_an_earlier_boot_does_not_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        worker = identity.worker_id()
        monkeypatch.setattr(identity, "boot_id", lambda: "another boot")
        assert identity.worker_process_runs(worker) is False

    def test_of_another_host_nothing_is_known(self, monkeypatch: pytest.MonkeyPatch) -> None:
        worker, instance = identity.worker_id(), identity.instance()
        monkeypatch.setattr(identity, "host_id", lambda: "abcdef")
        assert identity.worker_process_runs(WorkerId(worker)) is None
        assert identity.instance_runs(instance)

    @pytest.mark.parametrize("text", ["", "4711", "scratch"])
    def test_what_names_no_process_does_not_run(self, text: str) -> None:
        assert not identity.instance_runs(text)


class TestHostId:
    @pytest.fixture
    def here(self) -> str:
        return identity.host_id()

    def test_it_is_the_same_after_a_reboot(self, here: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(identity, "boot_id", lambda: "another boot")
        assert identity.host_id.__wrapped__() == here

    @pytest.mark.parametrize("what", ["host", "_machine_id"])
    def test_it_is_another_on_another_machine(self, here: str, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
        monkeypatch.setattr(identity, what, lambda: "another")
        assert identity.host_id.__wrapped__() != here
