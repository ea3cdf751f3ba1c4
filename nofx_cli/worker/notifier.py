"""Tell a target of events in a thread of its own: what executes runs never waits for it."""

import threading
from time import thread_time

from nofx_cli import errors
from nofx_cli.clock import Inbox, SystemClock
from nofx_cli.domain.ids import RunId
from nofx_cli.engine.deliver import Courier, Told

_TURN_SECONDS = 0.25
_AGAIN_SECONDS = 0.05
_OTHERS_EVERY = 8
"""In how many turns one is for the runs of others, where this process executes one of its own."""
_RESTS_FOR = 19
"""How long it rests after a look at all runs, in times of what that computed: many that wait do not keep it busy."""
_ANEW_EVERY = 240
STUCK_MS = 2_000
"""A request that takes longer is not waited for at the end."""


class Notifier:
    """Tells a target until it is finished: of `own` run first of all, of the others too."""

    def __init__(self, courier: Courier, *, own: RunId | None = None, looks_for_overlooked: bool = False) -> None:
        self.courier, self._own, self._is_to_look = courier, own, looks_for_overlooked
        self._inbox: Inbox[str] = Inbox()
        self._done: Inbox[Told] = Inbox()
        self._began_ms = self._rests_until_ms = 0.0
        self._is_last = False

    def start(self) -> None:
        threading.Thread(target=self._work, name=f"notify {self.courier.target.name}", daemon=True).start()

    def finish(self) -> None:
        """Tell what is left, and end; does not wait for that."""
        self._inbox.put("finish")

    def outcome(self, *, within_seconds: float) -> Told | None:
        """What came of the last turn, after `finish`; None where it has not come to its end in that time."""
        deadline_ms = _now_ms() + within_seconds * 1000
        while (left_ms := deadline_ms - _now_ms()) > 0 and not self._is_stuck():
            told = self._done.get(min(left_ms / 1000, _AGAIN_SECONDS))
            if told is not None:
                return told
        return self._done.get(0)

    def _is_stuck(self) -> bool:
        """Whether it has been at a turn that began long before the last one."""
        return not self._is_last and self._began_ms > 0 and _now_ms() - self._began_ms > STUCK_MS

    def _work(self) -> None:
        turn = 0
        while not self._is_last:
            self._is_last = self._inbox.get(_TURN_SECONDS if turn else 0) is not None
            if self._is_last or turn % _ANEW_EVERY == _ANEW_EVERY - 1:
                self.courier.look_anew()
            told = self._turn(turn)
            turn += 1
        while told.left and not told.error:  # another process tells of the run, and may not have seen its end
            self._inbox.get(_AGAIN_SECONDS)
            told = self._turn(turn)
        self._done.put(told)

    def _turn(self, turn: int) -> Told:
        self._began_ms = _now_ms()
        try:
            if self._is_to_look:
                self._is_to_look = False
                self.courier.look_for_overlooked()
            if self._own is None:
                return self._of_all()
            told = self.courier.round(only=self._own)
            if not self._is_last and turn % _OTHERS_EVERY == 1:
                self._of_all()
            return told
        except errors.NofxError as exc:
            return Told(left=1, error=exc.message)
        except Exception as exc:  # noqa: BLE001 - whatever it is, the run goes on
            return Told(left=1, error=f"{type(exc).__name__}: {exc}")
        finally:
            self._began_ms = 0.0

    def _of_all(self) -> Told:
        if _now_ms() < self._rests_until_ms and not self._is_last:
            return Told()
        began = thread_time()
        try:
            return self.courier.round(stop=self._is_to_finish)
        finally:
            self._rests_until_ms = _now_ms() + (thread_time() - began) * 1000 * _RESTS_FOR

    def _is_to_finish(self) -> bool:
        return not self._inbox.empty()


def _now_ms() -> float:
    return SystemClock().monotonic_ms()
