"""What agents print, in the formats that their makers document, as lines for people, and what is gathered from it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from nofx_cli.handlers.agents.profile import PROFILES
from nofx_cli.handlers.agents.streams.aider import AiderReader
from nofx_cli.handlers.agents.streams.claude import ClaudeReader
from nofx_cli.handlers.agents.streams.codex import CodexReader
from nofx_cli.handlers.agents.streams.gemini import GeminiReader
from nofx_cli.handlers.agents.streams.reading import LONGEST_LINE, MOST_LINES, EventReader, PlainReader, Reader
from nofx_cli.handlers.agents.streams.told import Usage

JSON_READERS = [ClaudeReader, CodexReader, GeminiReader]
READERS: list[Callable[[], Reader]] = [*JSON_READERS, AiderReader, PlainReader]
UNKNOWN = {"input": "unknown", "output": "unknown", "cached": "unknown", "cost_usd": "unknown"}


def shown(reader: Reader, *events: Any) -> list[str]:
    return "".join(reader(event if isinstance(event, str) else json.dumps(event), False) for event in events).split(
        "\n"
    )[:-1]


def said_by_claude(*blocks: dict[str, Any], role: str = "assistant") -> dict[str, Any]:
    return {"type": role, "message": {"role": role, "content": list(blocks)}}


class TestClaude:
    def test_what_it_says_and_does(self) -> None:
        lines = shown(
            ClaudeReader(),
            {"type": "system", "subtype": "init", "model": "claude-x", "tools": ["Bash"]},
            {"type": "system", "subtype": "hook_response"},
            said_by_claude({"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "I look.\n\nThen I mend."}),
            said_by_claude({"type": "tool_use", "name": "Edit", "input": {"file_path": "a.py", "new_string": "x"}}),
            said_by_claude({"type": "tool_use", "name": "Bash", "input": {"command": "ls\n -l"}}),
            said_by_claude({"type": "tool_result", "content": "long output"}, role="user"),
            said_by_claude(
                {"type": "tool_result", "is_error": True, "content": [{"text": "no such file"}]}, role="user"
            ),
            {"type": "stream_event", "event": {}},
        )

        assert lines == [
            "model claude-x",
            "I look.",
            "Then I mend.",
            "> Edit a.py",
            "> Bash ls -l",
            "! no such file",
        ]

    def test_its_result(self) -> None:
        reader = ClaudeReader()
        usage = {
            "input_tokens": 10,
            "cache_creation_input_tokens": 7,
            "cache_read_input_tokens": 100,
            "output_tokens": 5,
        }
        denied = [{"tool_name": "Bash", "tool_use_id": "1", "tool_input": {"command": "git push"}}]

        lines = shown(
            reader,
            said_by_claude({"type": "text", "text": "Nearly."}),
            {
                "type": "result",
                "subtype": "success",
                "is_error": False,
                "result": "Done.",
                "total_cost_usd": 0.25,
                "usage": usage,
                "permission_denials": denied,
            },
        )

        assert lines == ["Nearly.", "! it was not allowed to use Bash git push"]
        assert (reader.told.said, reader.told.fault) == ("Done.", "")
        assert reader.told.usage == Usage(input=117, output=5, cached=100, cost_usd=0.25)

    @pytest.mark.parametrize(
        ("event", "fault"),
        [
            ({"subtype": "success", "is_error": True, "result": "Invalid API key"}, "Invalid API key"),
            ({"subtype": "error_max_turns", "is_error": False}, "error_max_turns"),
            ({"is_error": True}, "it says that it failed"),
        ],
    )
    def test_that_it_failed(self, event: dict[str, Any], fault: str) -> None:
        reader = ClaudeReader()

        assert shown(reader, {"type": "result", **event}) == [f"! {fault}"]
        assert reader.told.fault == fault


class TestCodex:
    def test_what_it_says_and_does(self) -> None:
        def item(kind: str, *, event: str = "item.completed", **more: Any) -> dict[str, Any]:
            return {"type": event, "item": {"id": "item_0", "type": kind, **more}}

        reader = CodexReader()
        lines = shown(
            reader,
            {"type": "thread.started", "thread_id": "0199"},
            {"type": "turn.started"},
            item("reasoning", text="**Looking around**"),
            item("command_execution", event="item.started", command="bash -lc ls", status="in_progress"),
            item("command_execution", command="bash -lc ls", aggregated_output="a\nb", exit_code=0, status="completed"),
            item("command_execution", command="false", exit_code=1, status="failed"),
            item("file_change", changes=[{"path": "a.py", "kind": "update"}, {"path": "b.py", "kind": "add"}]),
            item("mcp_tool_call", event="item.started", server="docs", tool="search"),
            item("mcp_tool_call", server="docs", tool="search", error={"message": "timed out"}),
            item("web_search", query="how to"),
            item("todo_list", items=[]),
            item("agent_message", text="It is mended."),
            {
                "type": "turn.completed",
                "usage": {"input_tokens": 24763, "cached_input_tokens": 24448, "output_tokens": 122},
            },
        )

        assert lines == [
            "~ **Looking around**",
            "$ bash -lc ls",
            "! exit code 1",
            "> update a.py",
            "> add b.py",
            "> docs.search",
            "! timed out",
            "> search how to",
            "It is mended.",
        ]
        assert reader.told.said == "It is mended."
        assert reader.told.usage == Usage(input=24763, output=122, cached=24448)
        assert reader.told.usage.as_json("codex")["cost_usd"] == "unknown"

    def test_that_its_turn_failed(self) -> None:
        reader = CodexReader()

        lines = shown(reader, {"type": "turn.failed", "error": {"message": "usage limit reached"}})

        assert lines == ["! usage limit reached"]
        assert reader.told.fault == "usage limit reached"

    def test_a_connection_that_is_taken_up_again_is_no_failure(self) -> None:
        reader = CodexReader()

        assert shown(reader, {"type": "error", "message": "Reconnecting... 1/5"}) == ["! Reconnecting... 1/5"]
        assert reader.told.fault == ""
        assert reader.told.last_words == "Reconnecting... 1/5"


class TestGemini:
    def test_pieces_of_a_message_become_lines(self) -> None:
        reader = GeminiReader()
        lines = shown(
            reader,
            {"type": "init", "session_id": "s", "model": "gemini-x"},
            {"type": "message", "role": "user", "content": "the prompt"},
            {"type": "message", "role": "assistant", "content": "I lo", "delta": True},
            {"type": "message", "role": "assistant", "content": "ok.\nThen", "delta": True},
            {"type": "tool_use", "tool_name": "replace", "tool_id": "1", "parameters": {"file_path": "a.py"}},
            {"type": "tool_result", "tool_id": "1", "status": "success", "output": "ok"},
            {"type": "tool_result", "tool_id": "2", "status": "error", "error": {"type": "x", "message": "no match"}},
            {"type": "error", "severity": "warning", "message": "Loop detected"},
            {"type": "message", "role": "assistant", "content": "Done.", "delta": True},
            {
                "type": "result",
                "status": "success",
                "stats": {"total_tokens": 450, "input_tokens": 150, "output_tokens": 300, "cached": 20, "input": 130},
            },
        )

        assert lines == [
            "model gemini-x",
            "I look.",
            "Then",
            "> replace a.py",
            "! no match",
            "! Loop detected",
            "Done.",
        ]
        assert reader.told.said == "Done."
        assert reader.told.usage == Usage(input=150, output=300, cached=20)

    def test_that_it_failed(self) -> None:
        reader = GeminiReader()

        shown(reader, {"type": "result", "status": "error", "error": {"type": "FatalAuth", "message": "no key"}})

        assert reader.told.fault == "no key"

    def test_a_message_without_an_end_is_shown_in_parts_and_kept_in_part(self) -> None:
        reader = GeminiReader()

        lines = [
            line
            for _ in range(50)
            for line in shown(reader, {"type": "message", "role": "assistant", "content": "x" * 1_000})
        ]
        shown(reader, {"type": "result", "status": "success"})

        assert max(map(len, lines)) == LONGEST_LINE
        assert len(reader.told.said) <= 2_000


class TestAider:
    def test_tokens_of_all_messages_and_the_cost_of_the_session(self) -> None:
        reader = AiderReader()

        lines = shown(
            reader,
            "Applied edit to a.py",
            "Tokens: 2.1k sent, 120 received. Cost: $0.01 message, $0.01 session.",
            "Tokens: 1.2M sent, 108k cache write, 3,000 cache hit, 1.5k received. Cost: $0.34 message, $0.67",
            "session.",
            "",
        )

        assert lines[0] == "Applied edit to a.py"
        assert reader.told.usage == Usage(input=1_202_100, output=1_620, cached=3_000, cost_usd=0.67)

    def test_a_model_without_a_price(self) -> None:
        reader = AiderReader()

        shown(reader, "Tokens: 850 sent, 12 received.", "Applied edit to a.py")

        assert reader.told.usage == Usage(input=850, output=12)

    def test_it_prints_what_it_likes(self) -> None:
        reader = AiderReader()

        shown(reader, "Tokens: 9.9.9k sent, ,,, received. Cost: $x session.", "Tokens: many")

        assert reader.told.usage.as_json("aider") == {"told_by": "aider", **UNKNOWN}


class TestWhateverComes:
    ODD = (
        "", "   ", "plain", "{", '{"type": ', "[1]", "null", "{}", '{"type": null}', '{"type": "assistant"}',
        '{"type": "assistant", "message": 1}', '{"type": "assistant", "message": {"content": [1, null, {"type": []}]}}',
        '{"type": "result"}', '{"type": "result", "usage": [], "permission_denials": {"a": 1}, "stats": 3}',
        '{"type": "user", "message": {"content": "text"}}', '{"type": "item.completed"}',
        '{"type": "item.completed", "item": {"type": "file_change", "changes": [[]]}}', '{"type": "message"}',
        '{"type": "turn.failed", "error": "text"}', '{"type": "tool_use", "parameters": []}', "[" * 100_000,
        '{"a":' * 100_000, '{"type": "result", "total_cost_usd": 1e999, "usage": {"input_tokens": 1e999}}',
        '{"type": "result", "total_cost_usd": -1, "usage": {"input_tokens": -5, "output_tokens": true}}',
        '{"type": "turn.completed", "usage": {"input_tokens": "12", "output_tokens": 1.5}}',
        '{"type": "result", "usage": {"input_tokens": 99999999999999999999}}',
    )  # fmt: skip

    @pytest.mark.parametrize("reader", READERS)
    def test_it_is_read_and_tells_no_usage(self, reader: Callable[[], Reader]) -> None:
        reading = reader()
        for line in self.ODD:
            for of_stderr in (False, True):
                text = reading(line, of_stderr)
                assert text.endswith("\n") or not text
        assert reading.told.usage.as_json("x") == {"told_by": "x", **UNKNOWN}

    @pytest.mark.parametrize("reader", JSON_READERS)
    def test_an_event_that_is_not_known_is_shown_as_it_came(self, reader: Callable[[], EventReader]) -> None:
        assert shown(reader(), {"type": "new.kind", "text": "hello"}) == ['{"type": "new.kind", "text": "hello"}']

    @pytest.mark.parametrize("reader", READERS)
    def test_standard_error_is_text(self, reader: Callable[[], Reader]) -> None:
        assert reader()('{"type": "system"}', True) == '{"type": "system"}\n'

    @pytest.mark.parametrize("reader", READERS)
    def test_nothing_acts_on_a_terminal(self, reader: Callable[[], Reader]) -> None:
        assert shown(reader(), "\x1b]0;title\x07\x1b[31mred\x1b[0m\u202e\x08end") == ["red\\u202e\\x08end"]

    def test_of_a_line_that_writes_over_itself_the_end_is_shown(self) -> None:
        assert shown(PlainReader(), "10 %\r50 %\r100 %\r") == ["100 %"]

    def test_long_lines_and_long_messages_are_cut(self) -> None:
        text = "\n".join(["x" * 10_000] * 100)

        lines = shown(ClaudeReader(), said_by_claude({"type": "text", "text": text}))

        assert len(lines) == MOST_LINES + 1
        assert lines[-1] == "… 60 more lines"
        assert max(map(len, lines)) == LONGEST_LINE


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_every_profile_names_a_reader_that_is_there(profile: Any) -> None:
    from importlib import import_module

    module, _, name = profile.reader.partition(":")
    assert callable(getattr(import_module(module), name)())
