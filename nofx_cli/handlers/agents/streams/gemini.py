"""Gemini CLI with `--output-format stream-json`: `init`, `message`, `tool_use`, `tool_result`, `error`, `result`.

A `message` of the role `assistant` is a piece of what it says (`delta`), which need not end at the end of a line.
`result` has `status`, `error` and `stats`: `input_tokens`, the `cached` among them, `output_tokens`; no cost.
"""

from collections.abc import Iterator

from nofx_cli.handlers.agents.streams.reading import (
    LONGEST_LINE,
    LONGEST_SAID,
    Event,
    EventReader,
    about,
    event_in,
    message,
    said,
    text_in,
)
from nofx_cli.handlers.agents.streams.told import Usage, count


class GeminiReader(EventReader):
    """Reads one attempt of Gemini CLI."""

    def __init__(self) -> None:
        super().__init__()
        self._line = ""
        self._message = ""

    def lines(self, event: Event) -> Iterator[str]:
        kind = event.get("type")
        if kind == "message":
            if event.get("role") == "assistant":
                yield from self._piece(text_in(event, "content"))
            return
        yield from self._rest()
        match kind:
            case "init":
                yield f"model {text_in(event, 'model')}".rstrip()
            case "tool_use":
                yield f"> {text_in(event, 'tool_name')} {about(event_in(event, 'parameters'))}".rstrip()
            case "tool_result":
                if event.get("status") == "error":
                    told = text_in(event_in(event, "error"), "message") or text_in(event, "output")
                    yield from list(message(told, "! "))[:3]
            case "error":
                self.told.complaint = said(text_in(event, "message")) or self.told.complaint
                yield from message(text_in(event, "message"), "! ")
            case "result":
                yield from self._result(event)
            case _:
                yield from self.unknown(event)

    def _piece(self, text: str) -> Iterator[str]:
        """The lines that end in this piece of a message; what of one has come so far is kept, within a bound."""
        self._message = (self._message + text)[: 2 * LONGEST_SAID]
        *ended, self._line = (self._line + text).split("\n")
        for line in ended:
            yield from message(line)
        if len(self._line) > LONGEST_LINE:
            yield self._line
            self._line = ""

    def _rest(self) -> Iterator[str]:
        self.told.said = said(self._message) or self.told.said
        line, self._line, self._message = self._line, "", ""
        yield from message(line)

    def _result(self, event: Event) -> Iterator[str]:
        stats = event_in(event, "stats")
        tokens, cached = count(stats.get("input_tokens")), count(stats.get("cached"))
        self.told.usage = Usage(tokens, count(stats.get("output_tokens")), cached)
        if event.get("status") == "error":
            self.told.fault = said(text_in(event_in(event, "error"), "message")) or "it says that it failed"
            yield from message(self.told.fault, "! ")
