"""The work for a plan grows with its length and no faster: counted in calls, so that no clock is needed."""

import sys
from collections.abc import Callable

import pytest

from nofx_cli.planning.diagnostics import PlanInvalid
from nofx_cli.planning.load import load_plan
from tests.unit.planning.fake_handlers import FakeHandlers


def calls(text: str) -> int:
    """How many functions are called to load a plan, those written in C counted."""
    count = 0

    def profile(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        load_plan(text, source="x.yaml", handlers=FakeHandlers())
    except PlanInvalid:
        pass
    finally:
        sys.setprofile(None)
    return count


def chain(n: int) -> str:
    return "steps:\n" + "".join(f"- {{name: s{k}, tool: test:echo}}\n" for k in range(n))


def wide(n: int) -> str:
    names = ", ".join(f"s{k}" for k in range(n))
    steps = "".join(f"- {{name: s{k}, tool: test:echo, needs: []}}\n" for k in range(n))
    return f"steps:\n{steps}- {{name: last, tool: test:echo, needs: [{names}]}}\n"


def backwards(n: int) -> str:
    steps = "".join(f"- {{name: s{k}, tool: test:echo, needs: [s{k + 1}]}}\n" for k in range(n))
    return f"steps:\n{steps}- {{name: s{n}, tool: test:echo, needs: []}}\n"


def templated(n: int) -> str:
    first = "- {name: s0, tool: test:echo}\n"
    text = "{{ steps.s0.outputs.x }}{{ steps.s%d.outputs.y }}"
    return f"steps:\n{first}" + "".join(
        f"- {{name: s{k}, tool: test:echo, inputs: {{x: '{text % (k // 2)}'}}}}\n" for k in range(1, n)
    )


def faulty(n: int) -> str:
    return "steps:\n" + "".join(f"- {{name: s{k}, tool: none{k}, needs: [z{k}], tmeout: 1s}}\n" for k in range(n))


def one_cycle(n: int) -> str:
    steps = "".join(f"- {{name: s{k}, tool: test:echo}}\n" for k in range(1, n))
    return f"steps:\n- {{name: s0, tool: test:echo, needs: [s{n - 1}]}}\n{steps}"


@pytest.mark.parametrize("write", [chain, wide, backwards, templated, one_cycle])
def test_twice_the_steps_are_twice_the_work(write: Callable[[int], str]) -> None:
    calls(write(3))
    small, large = calls(write(150)), calls(write(300))
    assert large < 2.1 * small


def test_guesses_for_many_faults_are_limited() -> None:
    calls(faulty(3))
    assert calls(faulty(300)) < 3 * calls(faulty(100))


def test_a_chain_of_a_thousand_steps_takes_few_calls_a_step() -> None:
    calls(chain(3))
    assert calls(chain(1000)) / 1000 < 80
