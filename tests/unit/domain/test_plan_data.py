"""What a plan tells about itself."""

import pytest

from nofx_cli.domain.ids import Digest, StepName
from nofx_cli.domain.plan import Plan, Retry, Severity, Step

A, B, C = StepName("a"), StepName("b"), StepName("c")


def test_dependants_come_in_the_order_of_the_file() -> None:
    plan = Plan((Step(C, "shell", needs=(A, B)), Step(B, "shell", needs=(A,)), Step(A, "shell")), Digest(""))
    assert plan.dependants == {C: (), B: (C,), A: (C, B)}
    assert plan.index == {C: 0, B: 1, A: 2}
    assert plan.step(B).needs == (A,)
    with pytest.raises(KeyError):
        plan.step(StepName("d"))


@pytest.mark.parametrize(
    ("continue_on_error", "severity", "blocks"),
    [
        (False, Severity.BLOCKING, True),
        (True, Severity.BLOCKING, False),
        (False, Severity.WARNING, False),
        (True, Severity.WARNING, False),
    ],
)
def test_a_step_blocks_unless_it_says_otherwise(*, continue_on_error: bool, severity: Severity, blocks: bool) -> None:
    assert Step(A, "gate:lint", continue_on_error=continue_on_error, severity=severity).blocks is blocks


def test_the_pauses_of_a_retry_and_then_its_last_again() -> None:
    assert [Retry(9).delay_ms(failures) for failures in (1, 2, 3, 4, 8)] == [2_000, 5_000, 10_000, 10_000, 10_000]
    assert Retry(9, backoff_ms=()).delay_ms(3) == 0
