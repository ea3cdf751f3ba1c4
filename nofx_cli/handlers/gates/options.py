"""Options that a plan may not pass to a program, in every way that the program takes them."""

_SHORTEST = len("--xxx")


def abbreviated(*options: str) -> tuple[str, ...]:
    """The options and, of long ones, all that argparse would take for them: `--out` for `--output`."""
    return tuple(
        option[:length]
        for option in options
        for length in (range(len(option), _SHORTEST - 1, -1) if option.startswith("--") else [len(option)])
    )
