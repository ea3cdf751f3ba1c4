"""Times and ages as options of commands."""

from nofx_cli import errors
from nofx_cli.domain.instants import instant_of, parse_age_ms


def since_option(text: str, *, now_us: int) -> str:
    """The instant that `--since` means; empty where it was not given.

    Raises:
        errors.UsageError: it is no time (code `bad-time`).
    """
    try:
        return instant_of(text, now_us=now_us) if text else ""
    except ValueError as exc:
        raise errors.UsageError(str(exc), code="bad-time") from exc


def age_option(text: str) -> int | None:
    """How many milliseconds `--older-than` means; None where it was not given.

    Raises:
        errors.UsageError: it is no age (code `bad-time`).
    """
    try:
        return parse_age_ms(text) if text else None
    except ValueError as exc:
        raise errors.UsageError(str(exc), code="bad-time") from exc
