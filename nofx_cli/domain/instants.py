"""Points in time as people name them: `7d`, `12h`, `2026-11-01`, `2026-11-01T09:00:00Z`. Days are of UTC."""

import re

from nofx_cli.clock import format_at, parse_at

_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_AGE = re.compile(r"([0-9]{1,6})([smhdw])")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_age_ms(text: str) -> int:
    """Read how long ago something was: `90s 30m 12h 7d 4w`.

    Raises:
        ValueError: it is not of that form.
    """
    found = _AGE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no age; write it like 12h, 7d or 4w")
    return int(found[1]) * _UNITS_MS[found[2]]


def instant_of(text: str, *, now_us: int) -> str:
    """The instant that a person means, as `clock.format_at` writes it: an age before now, a day's begin, or an instant.

    Raises:
        ValueError: it is none of these.
    """
    text = text.strip()
    try:
        if _AGE.fullmatch(text):
            return format_at(max(now_us - parse_age_ms(text) * 1000, 0))
        return format_at(parse_at(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text))
    except ValueError as exc:
        raise ValueError(f"{text!r} is no time; write it like 7d, 12h, 2026-11-01 or 2026-11-01T09:00:00Z") from exc
