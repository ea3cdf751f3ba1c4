"""Claude Code with `--output-format stream-json`: `system`, `assistant`, `user` and at last `result`.

Messages are those of the Messages API, with `content` blocks `text`, `thinking`, `tool_use` and `tool_result`. `result`
has `subtype` (`success`, `error_max_turns`, …), `is_error`, `result`, `total_cost_usd`, `permission_denials` and
`usage`, in which `input_tokens` leaves out what was read from a cache or written to it.
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
from nofx_cli.handlers.agents.streams.told import Usage, count, dollars, total


class ClaudeReader(EventReader):
    """Reads one attempt of Claude Code."""

    def lines(self, event: Event) -> Iterator[str]:
        match event.get("type"):
            case "system":
                if event.get("subtype") == "init" and (model := text_in(event, "model")):
                    yield f"model {model}"
            case "assistant":
                for block in events_in(event_in(event, "message"), "content"):
                    yield from self._block(block)
            case "user":
                for block in events_in(event_in(event, "message"), "content"):
                    yield from _refused(block)
            case "result":
                yield from self._result(event)
            case "stream_event" | "rate_limit_event":
                pass
            case _:
                yield from self.unknown(event)

    def _block(self, block: Event) -> Iterator[str]:
        match block.get("type"):
            case "text":
                text = text_in(block, "text")
                self.told.said = said(text) or self.told.said
                yield from message(text)
            case "tool_use":
                yield f"> {text_in(block, 'name')} {about(event_in(block, 'input'))}".rstrip()
            case _:
                pass

    def _result(self, event: Event) -> Iterator[str]:
        usage = event_in(event, "usage")
        cached, written = count(usage.get("cache_read_input_tokens")), count(usage.get("cache_creation_input_tokens"))
        self.told.usage = Usage(
            input=total(count(usage.get("input_tokens")), written, cached),
            output=count(usage.get("output_tokens")),
            cached=cached,
            cost_usd=dollars(event.get("total_cost_usd")),
        )
        for denied in events_in(event, "permission_denials"):
            name, on = text_in(denied, "tool_name"), about(event_in(denied, "tool_input"))
            yield f"! it was not allowed to use {name} {on}".rstrip()
        result, how = said(text_in(event, "result")), text_in(event, "subtype")
        if event.get("is_error") is True or how not in ("", "success"):
            self.told.fault = result or how or "it says that it failed"
            yield from message(self.told.fault, "! ")
        else:
            self.told.said = result or self.told.said


def _refused(block: Event) -> Iterator[str]:
    """What came of a tool is shown where it failed only: what it printed can be long."""
    if block.get("type") == "tool_result" and block.get("is_error") is True:
        content = block.get("content")
        parts = [text_in(part, "text") for part in events_in(block, "content")]
        text = content if isinstance(content, str) else "\n".join(parts)
        yield from list(message(text, "! "))[:3]
