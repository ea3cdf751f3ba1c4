"""What all readers share: a line comes in, lines for people come out, harmless and of bounded length.

A reader never raises, whatever an agent prints: what it does not know is shown as it came.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Protocol, TypeAlias

from nofx_cli.domain.wording import shortened
from nofx_cli.handlers.agents.streams.told import Told
from nofx_cli.safety.terminal_text import neutralise

Event: TypeAlias = Mapping[str, object]
"""One line of JSON. Nothing is sure of what is in it."""

MOST_LINES = 40
LONGEST_LINE = 2_000
LONGEST_SAID = 2_000
"""How much of a message is shown or kept, in characters."""
_NONE: Event = {}


class Reader(Protocol):
    """Reads the output of one attempt: a `ports.processes.ShowLine`."""

    told: Told

    def __call__(self, line: str, of_stderr: bool) -> str: ...


class PlainReader:
    """For an agent that prints text."""

    def __init__(self) -> None:
        self.told = Told()

    def __call__(self, line: str, of_stderr: bool) -> str:
        self.listen(line)
        return f"{plain(line)}\n"

    def listen(self, line: str) -> None:
        """Take in what the line tells of usage."""


class EventReader:
    """For an agent that prints a JSON object a line. What is none, and standard error, is shown as text."""

    def __init__(self) -> None:
        self.told = Told()

    def __call__(self, line: str, of_stderr: bool) -> str:
        event = None if of_stderr else event_of(line)
        shown = [plain(line)] if event is None else [plain(text) for text in self.lines(event)]
        return "".join(f"{text}\n" for text in shown)

    def lines(self, event: Event) -> Iterator[str]:
        """What people are shown of an event; takes in what it tells."""
        raise NotImplementedError

    def unknown(self, event: Event) -> Iterator[str]:
        """An event of a kind that this reader does not know."""
        yield json.dumps(event, ensure_ascii=False)


def event_of(line: str) -> Event | None:
    """The JSON object that a line is; None where it is none."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def plain(text: str) -> str:
    """A line as it is written to the log; of one that a terminal would write over, what stands at the end."""
    return shortened(neutralise(text.rstrip("\r").rpartition("\r")[2]), LONGEST_LINE)


def message(text: str, before: str = "") -> Iterator[str]:
    """The lines of what an agent says; `before` stands before the first."""
    lines = [line for line in text.splitlines() if line.strip()]
    for line in lines[:MOST_LINES]:
        yield before + line
        before = " " * len(before)
    if len(lines) > MOST_LINES:
        yield f"… {len(lines) - MOST_LINES} more lines"


def said(text: str) -> str:
    """A message as it is kept."""
    return shortened(neutralise(text.strip(), keep_newlines=True), LONGEST_SAID)


def text_in(event: Event, name: str) -> str:
    """A text in an event; empty where there is none."""
    value = event.get(name)
    return value if isinstance(value, str) else ""


def event_in(event: Event, name: str) -> Event:
    """An object in an event; empty where there is none."""
    value = event.get(name)
    return value if isinstance(value, dict) else _NONE


def events_in(event: Event, name: str) -> list[Event]:
    """The objects of a list in an event."""
    value = event.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def about(arguments: Event) -> str:
    """What a tool is used on: of its arguments the one that says most, on a line."""
    for name in ("command", "file_path", "path", "absolute_path", "pattern", "query", "url", "prompt", "description"):
        if text := text_in(arguments, name):
            return shortened(" ".join(text.split()), 200)
    return ""
