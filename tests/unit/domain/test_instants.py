"""Points in time as people name them."""

import pytest

from nofx_cli.clock import parse_at
from nofx_cli.domain.instants import instant_of, parse_age_ms

NOW_US = parse_at("2026-11-22T09:15:30.000123Z")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("7d", "2026-11-15T09:15:30.000123Z"),
        ("1w", "2026-11-15T09:15:30.000123Z"),
        (" 12h ", "2026-11-21T21:15:30.000123Z"),
        ("90m", "2026-11-22T07:45:30.000123Z"),
        ("30s", "2026-11-22T09:15:00.000123Z"),
        ("0d", "2026-11-22T09:15:30.000123Z"),
        ("999999w", "1970-01-01T00:00:00.000000Z"),
        ("2026-11-01", "2026-11-01T00:00:00.000000Z"),
        ("2026-11-01T09:00:00Z", "2026-11-01T09:00:00.000000Z"),
        ("2026-11-01T09:00:00+02:00", "2026-11-01T07:00:00.000000Z"),
    ],
)
def test_an_instant(text: str, instant: str) -> None:
    assert instant_of(text, now_us=NOW_US) == instant


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-11-01T09:00:00", "-1d", "7", "7 d", "1.5h"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is no time; write it like 7d, 12h, 2026-11-01 or 2026-11-01T09:00:00Z"):
        instant_of(text, now_us=NOW_US)


def test_an_age() -> None:
    assert parse_age_ms("30d") == 30 * 24 * 3_600_000
    with pytest.raises(ValueError, match="'2026-11-01' is no age; write it like 12h, 7d or 4w"):
        parse_age_ms("2026-11-01")
