"""Counts in words."""


def counted(number: int, noun: str) -> str:
    """`1 finding`, `3 findings`, `no findings`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number or 'no'} {noun}s"
