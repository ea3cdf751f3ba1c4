"""Counts in words."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 finding`, `3 findings`, `no findings`; `plural` where it is not the noun with an s."""
    if number == 1:
        return f"1 {noun}"
    return f"{number or 'no'} {plural or noun + 's'}"
