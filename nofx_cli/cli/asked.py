"""A question at the terminal that takes yes or no."""

import sys

from nofx_cli.cli.output import note


def says_yes(question: str) -> bool:
    """Ask on standard error; all but `y` and `yes` is no, and so is the end of the input."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    typed = sys.stdin.readline()
    if not typed:
        note()
    return typed.strip().lower() in {"y", "yes"}
