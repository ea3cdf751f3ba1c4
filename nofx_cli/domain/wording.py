"""Counts and amounts in words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

_NEXT_UNIT = 999.95


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 finding`, `3 findings`, `no findings`; `plural` where it is not the noun with an s."""
    if number == 1:
        return f"1 {noun}"
    return f"{number or 'no'} {plural or noun + 's'}"


def shortened(text: str, length: int) -> str:
    """The text, of at most so many characters. What was cut off shows: a secret that was cut is masked by that sign."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def size_words(size: int) -> str:
    """`812 bytes`, `3.4 kB`, `1.2 MB`."""
    if size < 1_000:
        return counted(size, "byte")
    for unit, of in (("kB", 1_000), ("MB", 1_000_000)):
        if size / of < _NEXT_UNIT:
            return f"{size / of:.1f} {unit}"
    return f"{size / 1_000_000_000:.1f} GB"


def dollars(usd: "Decimal | int") -> str:
    """`$0.20`, `$1200.00`, `$0.003125`: to the cent, and every further digit that there is."""
    digits = f"{usd:f}"
    whole, _, cents = digits.partition(".")
    return f"${whole}.{cents.rstrip('0').ljust(2, '0')}"
