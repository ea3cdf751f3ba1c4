"""How much later new jobs are due while the queue is behind."""

import pytest

from nofx_cli.domain.backpressure import delay_ms


@pytest.mark.parametrize(
    ("age_ms", "expected_ms"),
    [
        (0, 0),
        (4_999, 0),
        (5_000, 0),
        (5_001, 0),
        (5_002, 1),
        (9_000, 2_000),
        (34_998, 14_999),
        (35_000, 15_000),
        (60_000, 15_000),
        (86_400_000, 15_000),
    ],
)
def test_half_of_what_is_over_the_threshold_and_never_more_than_15_s(age_ms: int, expected_ms: int) -> None:
    assert delay_ms(age_ms, 5_000) == expected_ms


@pytest.mark.parametrize(("threshold_ms", "expected_ms"), [(0, 4_500), (1_000, 4_000), (9_000, 0), (20_000, 0)])
def test_the_threshold_is_whatever_was_set(threshold_ms: int, expected_ms: int) -> None:
    assert delay_ms(9_000, threshold_ms) == expected_ms
