"""Answers as servers really send them: what is in them is taken, and nothing is made up."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nofx_cli import errors
from nofx_cli.domain.models import Usage
from nofx_cli.models.event_stream import EventStream
from tests.model_server import USAGE, Chunks, Json, ModelServer, Raw, Refuse, Say, Step, chunk, usage_chunk
from tests.unit.models.questions import Watch, ask, question, router_to

SOME = Usage(12, 5)


def answer_to(step: Step) -> tuple[str, str, Usage, list[str]]:
    """What comes of a step: text, finish, usage and the pieces that were told."""
    watch = Watch()
    with ModelServer(step) as server:
        reply = ask(router_to(server), watch=watch)
    assert watch.ended[-1][2] == reply
    return reply.text, reply.finish, reply.usage, watch.pieces


def test_an_answer_streams() -> None:
    assert answer_to(Say("hello there")) == ("hello there", "stop", SOME, ["hell", "o th", "ere"])


def test_it_is_always_asked_for_as_a_stream_with_usage() -> None:
    with ModelServer(Say("x")) as server:
        ask(router_to(server), question("why?", temperature=0.5))
        assert server.asked[0].body == {
            "model": "m",
            "messages": [{"role": "user", "content": "why?"}],
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": 8192,
            "temperature": 0.5,
        }


@pytest.mark.parametrize(
    ("chunks", "text", "finish"),
    [
        ([chunk("a"), chunk(None), chunk(finish="stop")], "a", "stop"),
        ([{"choices": [{"index": 0, "delta": None}]}, chunk("a"), chunk(finish="stop")], "a", "stop"),
        ([{"choices": []}, chunk("a"), {"choices": None}, {}, chunk(finish="stop")], "a", "stop"),
        ([chunk(content=None, role="assistant"), chunk("a"), chunk(finish="stop")], "a", "stop"),
        ([": ping\n\n", chunk("a"), ": OPENROUTER PROCESSING\n\n", chunk("b"), chunk(finish="stop")], "ab", "stop"),
        (["event: message\nid: 7\n", chunk("a"), chunk(finish="stop")], "a", "stop"),
        ([chunk(reasoning_content="hmm"), chunk("a"), chunk(finish="stop")], "a", "stop"),
        ([chunk(reasoning="hmm"), chunk("a"), chunk(finish="stop")], "a", "stop"),
        (
            [
                chunk(content=[{"type": "thinking", "thinking": []}, {"type": "text", "text": "a"}]),
                chunk(finish="stop"),
            ],
            "a",
            "stop",
        ),
        ([{"choices": [{"index": 1, "delta": {"content": "other"}}]}, chunk("a"), chunk(finish="stop")], "a", "stop"),
        ([chunk("a")], "a", "unknown"),
        ([chunk("a"), chunk(finish="length")], "a", "length"),
        ([chunk("a"), chunk(finish="max_tokens")], "a", "length"),
        ([chunk("a"), chunk(finish="content_filter")], "a", "refused"),
        ([chunk("a"), chunk(finish="SAFETY")], "a", "refused"),
        ([chunk("a"), chunk(finish="tool_calls")], "a", "unknown"),
        ([chunk(refusal="I will not"), chunk(finish="stop")], "I will not", "refused"),
        ([chunk(finish="stop")], "", "stop"),
        (["data: " + json.dumps(chunk("é\u2028\x85")) + "\r\n\r\n", chunk(finish="stop")], "é\u2028\x85", "stop"),
    ],
)
def test_every_kind_of_chunk(chunks: list[Json | str], text: str, finish: str) -> None:
    assert answer_to(Chunks(chunks))[:2] == (text, finish)


def test_an_end_without_done_is_an_end_if_it_said_why_it_stopped() -> None:
    assert answer_to(Chunks([chunk("a"), chunk(finish="stop")], done=False))[:2] == ("a", "stop")


@pytest.mark.parametrize("chunks", [[], [{"choices": []}], [chunk(reasoning_content="hmm")], [": ping\n\n"]])
def test_a_stream_without_an_answer_is_none(chunks: list[Json | str]) -> None:
    with ModelServer(*[Chunks(chunks)] * 3) as server:
        with pytest.raises(errors.Unavailable, match="the answer broke off"):
            ask(router_to(server))
        assert server.calls == 3


def test_garbage_in_the_stream() -> None:
    with ModelServer(Chunks([chunk("a"), "data: {nonsense\n\n", chunk(finish="stop")]), Say("good")) as server:
        watch = Watch()
        assert ask(router_to(server), watch=watch).text == "good"
    assert watch.ends[0].error == "it answered with what is no JSON: {nonsense"
    assert watch.pieces == ["a", "good"]


@pytest.mark.parametrize("body", ["[]", "7", "null", '"text"'])
def test_json_that_is_no_answer(body: str) -> None:
    with ModelServer(*[Raw(body)] * 3) as server, pytest.raises(errors.Unavailable, match="in place of an object"):
        ask(router_to(server))


@pytest.mark.parametrize("deep", ["[" * 200_000, '{"a":' * 200_000])
def test_json_that_is_far_too_deep(deep: str) -> None:
    with ModelServer(Raw(deep), Say("good")) as server:
        assert ask(router_to(server)).text == "good"


def test_a_server_that_does_not_stream() -> None:
    body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "all"}, "finish_reason": "stop"}]}
    assert answer_to(Raw(json.dumps({**body, "usage": USAGE}))) == ("all", "stop", SOME, ["all"])


def test_what_breaks_after_the_end_takes_nothing_from_the_answer() -> None:
    text, finish, usage, _ = answer_to(Chunks([chunk("a"), chunk(finish="stop"), "data: {broken"], done=False))
    assert (text, finish, usage) == ("a", "stop", Usage())


def test_a_huge_answer_comes_whole() -> None:
    text = "0123456789abcdef" * 250_000
    got, finish, _, pieces = answer_to(Say(text))
    assert (got == text, finish, "".join(pieces) == text) == (True, "stop", True)


def test_an_answer_that_nobody_can_want_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nofx_cli.models.wire._MOST_BYTES", 2 * 1024 * 1024)
    with ModelServer(Say("x" * 3_000_000)) as server:
        with pytest.raises(errors.InvalidInput, match="its answer is larger than 2 MB"):
            ask(router_to(server))
        assert server.calls == 1


def test_connections_are_used_again() -> None:
    with ModelServer(*[Say("hello")] * 5, Refuse(500), Say("hello")) as server:
        router = router_to(server)
        for _ in range(6):
            ask(router)
        assert {asked.connection for asked in server.asked} == {1}


@pytest.mark.parametrize(
    ("usage", "known"),
    [
        (None, Usage()),
        (7, Usage()),
        ({}, Usage()),
        ({"prompt_tokens": 12}, Usage(12)),
        ({"prompt_tokens": -1, "completion_tokens": 5}, Usage(None, 5)),
        ({"prompt_tokens": "12", "completion_tokens": True}, Usage()),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, Usage()),
        ({"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 3}, Usage()),
        ({"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 117}, Usage(12, 105, None, 100)),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": 8}}, Usage(12, 5, 8)),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": 80}}, Usage(12, 5)),
        ({**USAGE, "prompt_tokens_details": None, "completion_tokens_details": 3}, Usage(12, 5)),
        ({**USAGE, "completion_tokens_details": {"reasoning_tokens": 4}}, Usage(12, 5, None, 4)),
        ({**USAGE, "completion_tokens_details": {"reasoning_tokens": 40}}, Usage(12, 5)),
        ({**USAGE, "prompt_cache_hit_tokens": 3}, Usage(12, 5, 3)),
    ],
)
def test_usage_is_what_can_be_true_of_what_was_told(usage: object, known: Usage) -> None:
    last: Json = {"choices": [], "usage": usage}
    assert answer_to(Chunks([chunk("a"), chunk(finish="stop"), last]))[2] == known


def test_the_last_usage_counts() -> None:
    first, last = usage_chunk(prompt_tokens=1, completion_tokens=1), usage_chunk(**USAGE)
    assert answer_to(Chunks([first, chunk("a"), chunk(finish="stop"), last, {"choices": [], "usage": None}]))[2] == SOME


EVENTS = st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), min_size=1), max_size=5)


@given(EVENTS, st.integers(1, 7), st.sampled_from(["\n", "\r\n"]))
def test_events_are_the_same_however_they_are_cut(events: list[str], size: int, end: str) -> None:
    data = "".join(f": note{end}event: x{end}data: {event}{end}{end}" for event in events).encode()
    stream = EventStream()
    found = [event for at in range(0, len(data), size) for event in stream.feed(data[at : at + size])]
    assert [*found, *stream.close()] == events


def test_an_event_of_several_lines_and_one_that_is_not_closed() -> None:
    stream = EventStream()
    assert list(stream.feed(b"data: a\ndata:b\n\ndata: la")) == ["a\nb"]
    assert list(stream.feed(b"st")) == []
    assert list(stream.close()) == ["last"]
    assert list(stream.close()) == []
