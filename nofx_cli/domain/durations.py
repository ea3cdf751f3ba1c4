"""Durations as people write them: `250ms 10s 5m 1h`, also `1.5s`; kept as whole milliseconds."""

import re

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_DURATION = r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)"
MAX_MS = 30 * 24 * 3_600_000


def parse_duration_ms(text: str) -> int:
    """Read a duration.

    Raises:
        ValueError: not of that form, or longer than 30 days.
    """
    found = re.fullmatch(_DURATION, text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a duration; write it like 250ms, 10s, 5m or 1h")
    ms = round(float(found[1]) * _UNITS[found[2]])
    if ms > MAX_MS:
        raise ValueError(f"{text!r} is longer than 30 days")
    return ms


def format_duration(ms: float) -> str:
    """Write a duration for people: `12ms`, `3.4s`, `2m05s`, `1h02m`."""
    if ms < 999.5:
        return f"{ms:.0f}ms"
    if ms < 59_950:
        return f"{ms / 1000:.1f}s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    if minutes < 60:
        return f"{minutes}m{seconds:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m"
