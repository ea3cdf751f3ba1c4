"""aider, which prints text. After each message it tells what that took, in rounded figures:

    Tokens: 2.1k sent, 1.9k cache hit, 120 received. Cost: $0.01 message, $0.02 session.

A long line is broken between words. What follows `Cost` is not told where the price of the model is not known.
"""

import re

from nofx_cli.handlers.agents.streams.reading import PlainReader
from nofx_cli.handlers.agents.streams.told import Usage, count, dollars, total

_COUNTS = re.compile(r"([0-9][0-9,.]*)([kKM]?) (sent|cache hit|received)\b")
_SESSION = re.compile(r"\$([0-9]+(?:\.[0-9]+)?) session\b")
_TIMES = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000}
_MOST_BROKEN = 3


class AiderReader(PlainReader):
    """Reads one attempt of aider; tokens are summed up, and of the cost of the session the last figure counts."""

    def __init__(self) -> None:
        super().__init__()
        self._report: list[str] = []
        self._before = Usage()

    def listen(self, line: str) -> None:
        if line.startswith("Tokens: "):
            self._report, self._before = [line], self.told.usage
        elif 0 < len(self._report) < _MOST_BROKEN:
            self._report.append(line)
        else:
            return
        self.told.usage = _added(self._before, " ".join(self._report))


def _added(before: Usage, report: str) -> Usage:
    told = {what: _number(figure, unit) for figure, unit, what in _COUNTS.findall(report)}
    session = _SESSION.search(report)
    return Usage(
        input=total(before.input, told.get("sent")),
        output=total(before.output, told.get("received")),
        cached=total(before.cached, told.get("cache hit")),
        cost_usd=dollars(float(session[1])) if session else before.cost_usd,
    )


def _number(figure: str, unit: str) -> int | None:
    try:
        return count(round(float(figure.replace(",", "").rstrip(".")) * _TIMES[unit]))
    except (ValueError, OverflowError):
        return None
