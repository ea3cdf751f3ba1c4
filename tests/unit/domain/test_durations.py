"""Durations as people write and read them."""

import pytest

from nofx_cli.domain.durations import MAX_MS, format_duration, parse_duration_ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [("250ms", 250), ("10s", 10_000), ("1.5s", 1_500), ("5m", 300_000), ("1h", 3_600_000), ("0s", 0), (" 2s ", 2_000)],
)
def test_a_duration_is_read(text: str, ms: int) -> None:
    assert parse_duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "10", "s", "10 s", "-1s", "1d", "1h30m", "1e3s", ".5s", "10S"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 250ms, 10s, 5m or 1h"):
        parse_duration_ms(text)


def test_more_than_thirty_days_is_refused() -> None:
    assert parse_duration_ms("720h") == MAX_MS
    with pytest.raises(ValueError, match="'721h' is longer than 30 days"):
        parse_duration_ms("721h")


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0ms"),
        (12, "12ms"),
        (999.4, "999ms"),
        (999.7, "1.0s"),
        (3_449, "3.4s"),
        (59_949, "59.9s"),
        (59_970, "1m00s"),
        (125_000, "2m05s"),
        (3_599_700, "1h00m"),
        (3_720_000, "1h02m"),
        (360_000_000, "100h00m"),
    ],
)
def test_a_duration_is_written_short_and_never_as_sixty_of_something(ms: float, text: str) -> None:
    assert format_duration(ms) == text
