"""The header `Retry-After` of HTTP (RFC 9110, 10.2.3): how long a server wants to be left alone."""


def retry_after_ms(text: str, *, now_us: int) -> float:
    """Seconds or a date, in milliseconds from now; 0 where it says nothing that can be read."""
    try:
        seconds = float(text)
    except ValueError:
        return _until(text, now_us)
    return seconds * 1000 if seconds > 0 else 0


def _until(date: str, now_us: int) -> float:
    from email.utils import parsedate_to_datetime

    try:
        when_ms = parsedate_to_datetime(date).timestamp() * 1000
    except (ValueError, OverflowError):  # no date, or one in a year that there is none of
        return 0
    return max(when_ms - now_us / 1000, 0)
