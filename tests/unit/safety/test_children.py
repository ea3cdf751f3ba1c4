import subprocess

import pytest

from nofx_cli.safety import children, identity
from nofx_cli.safety.children import Children, marks_of
from nofx_cli.testing.waiting import wait_until


class FakeGuardian:
    """Takes down what it is told."""

    made: "list[FakeGuardian]"

    def __init__(self) -> None:
        self.told: list[str] = []
        self.lives = True
        self.made.append(self)

    def wait_until_detached(self) -> None:
        self.told.append("detached")

    def watch(self, group: int) -> bool:
        self.told.append(f"+{group}")
        return self.lives

    def release(self, group: int) -> None:
        self.told.append(f"-{group}")

    def dismiss(self) -> None:
        self.told.append("dismissed")

    def close(self) -> None:
        self.told.append("closed")


@pytest.fixture
def guardians(monkeypatch: pytest.MonkeyPatch) -> list[FakeGuardian]:
    FakeGuardian.made = []
    monkeypatch.setattr(children, "Guardian", FakeGuardian)
    # This process is one with all other tests: it must not be given the guardian of a later one as an orphan.
    monkeypatch.setattr(children, "_set_subreaper", lambda _on: True)
    return FakeGuardian.made


def run_true(kin: Children) -> int:
    family = kin.start(lambda: subprocess.Popen(["true"], start_new_session=True), frozenset())
    wait_until(lambda: family.reap_main() is not None)
    assert family.is_gone()
    assert family.release()
    return family.main.pid


def test_one_guardian_is_told_of_every_group_and_of_its_end(guardians: list[FakeGuardian]) -> None:
    kin = Children()

    first, second = run_true(kin), run_true(kin)

    (guardian,) = guardians
    assert guardian.told == ["detached", f"+{first}", f"-{first}", f"+{second}", f"-{second}"]


def test_there_is_a_new_one_when_it_is_gone(guardians: list[FakeGuardian]) -> None:
    kin = Children()
    run_true(kin)
    guardians[0].lives = False

    run_true(kin)
    run_true(kin)

    assert len(guardians) == 2
    assert guardians[0].told[-1] == "dismissed"


def test_a_fork_of_us_starts_with_nothing_and_leaves_its_parents_guardian_alone(guardians: list[FakeGuardian]) -> None:
    kin = Children()
    run_true(kin)

    kin.forget_all()

    assert guardians[0].told[-1] == "closed"
    assert not kin.reaps
    run_true(kin)
    assert len(guardians) == 2


def test_no_group_is_started_unguarded(monkeypatch: pytest.MonkeyPatch, guardians: list[FakeGuardian]) -> None:
    kin = Children()

    def refuse() -> "subprocess.Popen[bytes]":
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        kin.start(refuse, frozenset())
    assert guardians[0].told == ["detached"]


def test_the_marks_of_an_attempt() -> None:
    env = {"PATH": "/bin", "NOFX_RUN_ID": "r", "NOFX_ATTEMPT": "2", "NOFX_OUTPUT": "/x"}

    assert marks_of(env) == {b"NOFX_RUN_ID=r", b"NOFX_ATTEMPT=2"}


def test_of_two_that_start_at_the_same_time_the_older_one_is_the_first(guardians: list[FakeGuardian]) -> None:
    """Else what it leaves behind would count as older than every step, and so as somebody else's."""
    kin = Children()
    started: list[subprocess.Popen[bytes]] = []

    def sleeper() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(["sleep", "300"], start_new_session=True))
        return started[-1]

    def overtaken() -> subprocess.Popen[bytes]:
        first = sleeper()
        kin.start(later, frozenset())
        return first

    def later() -> subprocess.Popen[bytes]:
        wait_until(lambda: int(identity.started(sleeper().pid)) > int(identity.started(started[0].pid)))
        return started[-1]

    try:
        family = kin.start(overtaken, frozenset())
        assert not kin._is_foreign(family.main)
    finally:
        for process in started:
            process.kill()
            process.wait()
