"""Faults of a plan as data, and as text in the manner of ruff.

```
plans/x.yaml:12:5: error[plan-unknown-key]: unknown key `tols` in step `build`
   |
12 |     tols: shell
   |     ^^^^ did you mean `tool`?
```
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from nofx_cli import errors
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.record import record

_WIDEST_LINE = 160
_LEAD = 60


@record
class Diagnostic:
    """One fault. `line` and `column` count from 1; `text` is the line, `length` how many characters are underlined."""

    code: str
    message: str
    source: str
    line: int
    column: int
    hint: str = ""
    text: str = ""
    length: int = 1


class PlanInvalid(errors.InvalidInput):
    """The plan has faults: all of them, in the order of the file. The message is the rendered text."""

    default_code = "plan-invalid"

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda found: (found.line, found.column)))
        super().__init__(render(self.diagnostics), context={"diagnostics": to_json(self.diagnostics)})


def to_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, JsonValue]]:
    """One object a diagnostic, with the fields of `Diagnostic`."""
    return [asdict(found) for found in diagnostics]


def render(diagnostics: Sequence[Diagnostic]) -> str:
    """The text for people: an empty line between two faults, none at the end; made safe for terminals."""
    return "\n\n".join(_render_one(found) for found in diagnostics)


def _render_one(found: Diagnostic) -> str:
    from nofx_cli.safety.terminal_text import neutralise

    head = f"{found.source}:{found.line}:{found.column}: error[{found.code}]: {found.message}"
    number = str(found.line)
    margin = " " * len(number)
    before, marked, after = (neutralise(part) for part in _window(found))
    carets = "^" * max(1, _width(marked))
    under = f"{margin} | {' ' * _width(before)}{carets} {found.hint}"
    return "\n".join(
        (neutralise(head), f"{margin} |", f"{number} | {before}{marked}{after}".rstrip(), neutralise(under).rstrip())
    )


def _window(found: Diagnostic) -> tuple[str, str, str]:
    """What stands before, in and after the marked part; of a very long line only what is near."""
    text, start = found.text, min(found.column - 1, len(found.text))
    end = min(start + found.length, len(text), start + _WIDEST_LINE - _LEAD)
    if len(text) <= _WIDEST_LINE:
        return text[:start], text[start:end], text[end:]
    first = max(0, start - _LEAD)
    last = first + _WIDEST_LINE
    before = ("…" if first else "") + text[first:start]
    return before, text[start:end], text[end:last] + ("…" if last < len(text) else "")


def _width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
