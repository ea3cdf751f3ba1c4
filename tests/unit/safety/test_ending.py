from signal import SIGKILL, SIGTERM, Signals

import pytest

from nofx_cli.safety import ending
from nofx_cli.safety.ending import end_all
from nofx_cli.safety.process_table import Process

ONE = Process(11, 1, 11, 11, "S", "100")
TWO = Process(12, 1, 12, 12, "S", "100")


class World:
    """Time that passes only in pauses, and processes that go by the first signal at or after their time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, deaf_until_ms: dict[Process, float]) -> None:
        self.now_ms, self.living = 0.0, deaf_until_ms
        self.sent: list[tuple[int, Signals]] = []
        monkeypatch.setattr(ending, "send", self._send)
        monkeypatch.setattr(ending.REAL_TIME, "monotonic_ms", lambda: self.now_ms, raising=False)

    def _send(self, process: Process, sig: Signals) -> None:
        self.sent.append((process.pid, sig))
        if self.now_ms >= self.living[process]:
            del self.living[process]

    def _pause(self, ms: float) -> None:
        self.now_ms += ms

    def end(self, *, kill_at_ms: float) -> int:
        return end_all(lambda: list(self.living), kill_at_ms=lambda: kill_at_ms, pause=self._pause)


def test_term_once_then_kill_when_the_grace_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {ONE: 0, TWO: 100})

    assert world.end(kill_at_ms=100) == 2
    assert world.sent == [(11, SIGTERM), (12, SIGTERM), (12, SIGKILL)]


def test_it_waits_for_the_killed_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {ONE: float("inf")})

    assert world.end(kill_at_ms=0) == 1

    assert set(world.sent) == {(11, SIGKILL)}
    assert 5_000 <= world.now_ms < 5_200


def test_nobody_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    assert World(monkeypatch, {}).end(kill_at_ms=0) == 0
