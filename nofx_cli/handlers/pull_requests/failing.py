"""How `git_pr` fails: each code once, with whether the same may go well later."""

from nofx_cli import errors

RETRYABLE = frozenset(
    {
        "remote-unreachable",
        "push-raced",
        "forge-unavailable",
        "forge-rate-limited",
        "http-no-connection",
        "http-connection-lost",
        "http-timeout",
        "http-not-json",
    }
)
"""Failures that may pass by themselves."""


def may_pass(error: errors.NofxError) -> bool:
    """Whether the same step may go well when it is tried again."""
    return error.code in RETRYABLE
