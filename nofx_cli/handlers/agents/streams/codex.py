"""Codex CLI with `--json`: `thread.started`, `turn.*` and `item.*`, an `item` with its own `type`.

`turn.completed` has the `usage` of the whole thread, `input_tokens` with the `cached_input_tokens` among them. No event
tells a cost. `error` comes also where a connection is taken up again; that it has failed says `turn.failed`.
"""

from collections.abc import Iterator

from nofx_cli.handlers.agents.streams.reading import (
    Event,
    EventReader,
    about,
    event_in,
    events_in,
    message,
    said,
    text_in,
)
from nofx_cli.handlers.agents.streams.told import Usage, count


class CodexReader(EventReader):
    """Reads one attempt of Codex."""

    def lines(self, event: Event) -> Iterator[str]:
        match event.get("type"):
            case "thread.started" | "turn.started" | "item.updated":
                pass
            case "turn.completed":
                usage = event_in(event, "usage")
                tokens, cached = count(usage.get("input_tokens")), count(usage.get("cached_input_tokens"))
                self.told.usage = Usage(tokens, count(usage.get("output_tokens")), cached)
            case "turn.failed":
                self.told.fault = said(text_in(event_in(event, "error"), "message")) or "it says that its turn failed"
                yield from message(self.told.fault, "! ")
            case "error":
                yield from self._complaint(event)
            case "item.started":
                yield from _started(event_in(event, "item"))
            case "item.completed":
                yield from self._completed(event_in(event, "item"))
            case _:
                yield from self.unknown(event)

    def _complaint(self, event: Event) -> Iterator[str]:
        self.told.complaint = said(text_in(event, "message")) or self.told.complaint
        yield from message(text_in(event, "message"), "! ")

    def _completed(self, item: Event) -> Iterator[str]:
        match item.get("type"):
            case "agent_message":
                self.told.said = said(text_in(item, "text")) or self.told.said
                yield from message(text_in(item, "text"))
            case "reasoning":
                yield from message(text_in(item, "text"), "~ ")
            case "error":
                yield from self._complaint(item)
            case _:
                yield from _done(item)


def _started(item: Event) -> Iterator[str]:
    match item.get("type"):
        case "command_execution":
            yield f"$ {about(item)}"
        case "mcp_tool_call":
            yield f"> {text_in(item, 'server')}.{text_in(item, 'tool')}"
        case _:
            pass


def _done(item: Event) -> Iterator[str]:
    match item.get("type"):
        case "command_execution":
            code = item.get("exit_code")
            if isinstance(code, int) and code:
                yield f"! exit code {code}"
        case "file_change":
            for change in events_in(item, "changes"):
                yield f"> {text_in(change, 'kind')} {text_in(change, 'path')}"
        case "web_search":
            yield f"> search {about(item)}"
        case "mcp_tool_call":
            if error := text_in(event_in(item, "error"), "message"):
                yield from message(error, "! ")
        case _:
            pass
