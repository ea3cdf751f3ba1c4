"""What every `Liveness` must do. A driver is held to it like this, in a module of tests:

def open_files(place: Path, run: RunId) -> Liveness:
    ...  # afterwards there is the run

class TestFiles(LivenessContract):
    open_liveness = staticmethod(open_files)
    processes = True
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from nofx_cli import errors
from nofx_cli.clock import SystemClock
from nofx_cli.domain.ids import RunId
from nofx_cli.ports.liveness import Hold, Holder, Liveness
from nofx_cli.testing import child
from nofx_cli.testing.child import Child, listen, say
from nofx_cli.testing.threads import at_once

RUN = RunId("20261122-091530-7k3f9q")
OTHER_RUN = RunId("20261122-091531-aaaaaa")
_THREADS = 8


class LivenessContract:
    """Hold, look, release, die."""

    processes: ClassVar[bool] = False
    """Whether several openers of one place see each other's holds."""

    @staticmethod
    def open_liveness(place: Path, run: RunId) -> Liveness:
        """Open what lies at a place, with `run` in it; a function that a child can import."""
        raise NotImplementedError

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / "the store"

    @pytest.fixture
    def liveness(self, place: Path) -> Liveness:
        return self.open_liveness(place, RUN)

    @pytest.fixture
    def other(self, place: Path, liveness: Liveness) -> Liveness:
        """The same as somebody else sees it."""
        return self.open_liveness(place, RUN) if self.processes else liveness

    def test_those_that_share_a_run_take_turns_but_wait_only_a_moment(
        self, liveness: Liveness, other: Liveness
    ) -> None:
        with liveness.hold(RUN, shared=True) as first, other.hold(RUN, shared=True) as second:
            with first.turn():
                began_ms = SystemClock().monotonic_ms()
                with second.turn():
                    waited_ms = SystemClock().monotonic_ms() - began_ms
            with second.turn():
                pass
        assert waited_ms > 50

    def test_a_run_that_nobody_executes_is_free(self, liveness: Liveness) -> None:
        assert liveness.holder(RUN) is None
        assert liveness.previous(RUN) is None

    def test_whoever_holds_a_run_is_told(self, liveness: Liveness, other: Liveness) -> None:
        with liveness.hold(RUN):
            holder = other.holder(RUN)
            assert holder is not None
            assert holder.pid == os.getpid()
            assert holder.host
            assert other.previous(RUN) == holder
            if self.processes:
                assert holder.boot_id
                assert holder.started

    def test_a_run_is_held_once(self, liveness: Liveness, other: Liveness) -> None:
        with liveness.hold(RUN):
            for late in (liveness, other):
                with pytest.raises(errors.Conflict) as refused:
                    late.hold(RUN)
                assert refused.value.code == "run-is-held"
                holder = other.holder(RUN)
                assert holder is not None
                assert str(holder.pid) in refused.value.message
                assert holder.host in refused.value.message
                assert refused.value.context["pid"] == os.getpid()

    def test_a_released_run_can_be_held_again(self, liveness: Liveness, other: Liveness) -> None:
        hold = liveness.hold(RUN)
        hold.release()
        assert other.holder(RUN) is None
        assert other.previous(RUN) is not None
        with other.hold(RUN):
            hold.release()
            assert liveness.holder(RUN) is not None

    def test_a_hold_ends_with_its_block_also_when_that_fails(self, liveness: Liveness) -> None:
        with pytest.raises(ValueError, match="in the block"), liveness.hold(RUN):
            raise ValueError("in the block")
        assert liveness.holder(RUN) is None

    def test_workers_share_a_run(self, liveness: Liveness, other: Liveness) -> None:
        first, second = liveness.hold(RUN, shared=True), other.hold(RUN, shared=True)
        first.release()
        first.release()
        holder = liveness.holder(RUN)
        assert holder is not None
        assert holder.shared
        assert (holder.pid, holder.host) == (0, "")
        second.release()
        assert liveness.holder(RUN) is None

    def test_a_run_of_workers_is_nobody_elses(self, liveness: Liveness, other: Liveness) -> None:
        with liveness.hold(RUN, shared=True), pytest.raises(errors.Conflict) as refused:
            other.hold(RUN)
        assert refused.value.code == "run-is-held"
        assert refused.value.message == f"run {RUN} is executed by a worker"
        other.hold(RUN).release()

    def test_a_run_that_is_executed_alone_is_not_for_workers(self, liveness: Liveness, other: Liveness) -> None:
        with liveness.hold(RUN), pytest.raises(errors.Conflict) as refused:
            other.hold(RUN, shared=True)
        assert refused.value.code == "run-is-held"
        assert refused.value.context["pid"] == os.getpid()
        other.hold(RUN, shared=True).release()

    def test_workers_leave_no_trace_of_theirs_and_keep_that_of_others(self, liveness: Liveness) -> None:
        liveness.hold(RUN, shared=True).release()
        assert liveness.previous(RUN) is None
        liveness.hold(RUN).release()
        alone = liveness.previous(RUN)
        with liveness.hold(RUN, shared=True):
            assert liveness.previous(RUN) == alone
        assert alone is not None
        assert not alone.shared

    def test_holds_of_different_runs_do_not_touch_each_other(self, liveness: Liveness, place: Path) -> None:
        if self.processes:
            liveness = self.open_liveness(place, OTHER_RUN)
        with liveness.hold(RUN):
            assert liveness.holder(OTHER_RUN) is None
            liveness.hold(OTHER_RUN).release()
            assert liveness.holder(RUN) is not None

    def test_of_many_who_want_a_run_one_gets_it(self, liveness: Liveness, other: Liveness) -> None:
        answers = at_once(partial((liveness, other)[number % 2].hold, RUN) for number in range(_THREADS))
        lost = [answer for answer in answers if isinstance(answer, errors.Conflict)]
        [won] = [answer for answer in answers if not isinstance(answer, Exception)]
        assert len(lost) == _THREADS - 1
        won.release()

    def test_to_look_keeps_nobody_from_a_run(self, liveness: Liveness, other: Liveness) -> None:
        def take_often() -> None:
            for turn in range(100):
                liveness.hold(RUN, shared=turn % 2 == 0).release()

        def look_often() -> None:
            for _ in range(400):
                other.holder(RUN)
                other.previous(RUN)

        assert at_once([take_often, look_often, look_often]) == [None, None, None]

    @pytest.mark.parametrize("shared", [False, True])
    def test_a_look_is_never_mistaken_for_a_holder(self, liveness: Liveness, other: Liveness, shared: bool) -> None:
        liveness.hold(RUN).release()

        def look_often() -> set[Holder | None]:
            return {other.holder(RUN) for _ in range(200)}

        assert at_once([look_often] * 4) == [{None}] * 4
        with liveness.hold(RUN, shared=shared):
            [seen] = {answer for found in at_once([look_often] * 4) for answer in found}  # type: ignore[union-attr]
            assert seen is not None
            assert seen.shared is shared


class SharedLivenessContract(LivenessContract):
    """The same among processes, as the operating system sees them live and die."""

    processes = True

    @pytest.fixture
    def holding(self, place: Path, liveness: Liveness) -> Iterator[Child]:
        """A child that holds the run until it is told otherwise."""
        with Child(hold_elsewhere, child.name_of(self.open_liveness), str(place)) as holder:
            assert holder.hear() == "holding"
            yield holder

    def test_another_process_that_holds_a_run_is_named(self, liveness: Liveness, holding: Child) -> None:
        with pytest.raises(errors.Conflict) as refused:
            liveness.hold(RUN)
        assert f"process {holding.pid} on " in refused.value.message
        holder = liveness.holder(RUN)
        assert holder is not None
        assert holder.pid == holding.pid

    def test_a_process_that_is_paused_still_holds_its_run(self, liveness: Liveness, holding: Child) -> None:
        os.kill(holding.pid, signal.SIGSTOP)
        with pytest.raises(errors.Conflict):
            liveness.hold(RUN)
        os.kill(holding.pid, signal.SIGCONT)

    def test_the_run_of_a_process_that_was_killed_is_free_at_once(self, liveness: Liveness, holding: Child) -> None:
        holding.kill()
        assert liveness.holder(RUN) is None
        dead = liveness.previous(RUN)
        assert dead is not None
        assert dead.pid == holding.pid
        liveness.hold(RUN).release()

    def test_a_process_that_releases_lives_on(self, liveness: Liveness, holding: Child) -> None:
        holding.tell("release")
        assert holding.hear() == "released"
        liveness.hold(RUN).release()

    def test_the_death_of_one_worker_leaves_the_run_to_the_others(self, liveness: Liveness, place: Path) -> None:
        workers = [Child(hold_elsewhere, child.name_of(self.open_liveness), str(place), "shared") for _ in range(2)]
        with workers[0] as first, workers[1] as second:
            assert {first.hear(), second.hear()} == {"holding"}
            first.kill()
            with pytest.raises(errors.Conflict) as refused:
                liveness.hold(RUN)
            assert refused.value.message == f"run {RUN} is executed by a worker"
            liveness.hold(RUN, shared=True).release()
            second.kill()
            assert liveness.holder(RUN) is None
            liveness.hold(RUN).release()

    def test_children_of_the_holder_do_not_keep_its_run(self, liveness: Liveness, holding: Child) -> None:
        holding.tell("start a child")
        orphan = int(holding.hear())
        try:
            holding.kill()
            liveness.hold(RUN).release()
        finally:
            os.kill(orphan, signal.SIGKILL)


def hold_elsewhere(opener: str, place: str, shared: str = "") -> None:
    """In a child: hold the run, and do what the parent tells."""
    liveness: Liveness = child.find(opener)(Path(place), RUN)
    hold: Hold = liveness.hold(RUN, shared=bool(shared))
    say("holding")
    while order := listen():
        if order == "release":
            hold.release()
            say("released")
        else:
            sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.DEVNULL)
            say(str(sleeper.pid))
