"""A whole run costs time linear in steps plus edges: counted in lines of domain code that are executed, never timed."""

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import pytest

import nofx_cli.domain.decide
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.plan import Plan, Step
from tests.property.simulation import Simulation, plan_of

_DOMAIN = str(Path(nofx_cli.domain.decide.__file__).parent)


def name(number: int) -> StepName:
    return StepName(f"s{number}")


def chain(count: int) -> Plan:
    return plan_of(Step(name(n), "test:echo", needs=(name(n - 1),) if n else ()) for n in range(count))


def independent(count: int) -> Plan:
    return plan_of(Step(name(n), "test:echo") for n in range(count))


def fan_out_and_in(count: int) -> Plan:
    middle = [Step(name(n), "test:echo", needs=(name(0),)) for n in range(1, count - 1)]
    last = Step(name(count - 1), "test:echo", needs=tuple(step.name for step in middle))
    return plan_of([Step(name(0), "test:echo"), *middle, last])


class FirstComeFirstServed(Simulation):
    """Takes the step that is ready first and succeeds, so that the cost is that of the domain alone."""

    def drive(self) -> None:
        self.settle()
        while (step := self.state.next_ready(0)) is not None:
            self.add(ev.StepStarted("test:echo"), step.name, 1)
            self.add(ev.StepFinished(), step.name, 1)
            self.settle()
        assert self.state.ended


def lines_executed(work: Callable[[], None]) -> int:
    count = 0

    def within(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return within

    def entered(frame: FrameType, event: str, arg: Any) -> Any:
        return within if frame.f_code.co_filename.startswith(_DOMAIN) else None

    before = sys.gettrace()
    sys.settrace(entered)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("shape", [chain, independent, fan_out_and_in])
def test_ten_times_the_steps_cost_ten_times_the_lines(shape: Callable[[int], Plan]) -> None:
    small, large = (lines_executed(FirstComeFirstServed(shape(count), Random(0)).drive) for count in (200, 2_000))
    assert large < 11 * small


def test_the_steps_that_were_decided_are_not_looked_at_again() -> None:
    simulation = FirstComeFirstServed(independent(1_000), Random(0))
    simulation.settle()
    assert not simulation.state.free
    simulation.add(ev.StepStarted("test:echo"), name(0), 1)
    assert lines_executed(simulation.settle) < 60
