"""What an agent tells of itself. nofx has no way to check it, so nothing is decided by it but that a fault is one."""

from dataclasses import dataclass, field

from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.record import record

UNKNOWN = "unknown"
_MOST = 10**15


@record
class Usage:
    """Tokens and US dollars as the agent tells them; None is not told. `cached` are of `input`."""

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    cost_usd: float | None = None

    def as_json(self, told_by: str) -> JsonObject:
        """For the outputs of a step; what is not told is `unknown`, never 0."""
        told = {"input": self.input, "output": self.output, "cached": self.cached, "cost_usd": self.cost_usd}
        return {"told_by": told_by, **{name: UNKNOWN if value is None else value for name, value in told.items()}}


@dataclass
class Told:
    """Gathered line by line.

    Attributes:
        said: its last message.
        fault: why it failed, where it says that it did.
        complaint: an error that it told of, though it may have gone on.
    """

    said: str = ""
    fault: str = ""
    complaint: str = ""
    usage: Usage = field(default_factory=Usage)

    @property
    def last_words(self) -> str:
        return self.fault or self.complaint or self.said


def count(value: object) -> int | None:
    """A number of tokens, if it is one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST else None


def dollars(value: object) -> float | None:
    """An amount of money, if it is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= _MOST else None  # neither NaN nor infinite


def total(*counts: int | None) -> int | None:
    """The sum of what is told; None where nothing is."""
    known = [number for number in counts if number is not None]
    return sum(known) if known else None
