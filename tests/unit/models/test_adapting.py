"""What a server refuses by its name is told in another way: once each, on the counter, and remembered."""

import pytest

from nofx_cli import errors
from nofx_cli.domain.models import ProviderSpec
from tests.model_server import ModelServer, Refuse, Say
from tests.unit.models.questions import SCHEMA, Watch, ask, question, router_to

STRANGE_BOUND = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
)
STRANGE_HEAT = (
    "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) is supported."
)


@pytest.mark.parametrize(
    ("refusal", "gone", "there"),
    [
        (Refuse(400, "Unknown parameter: 'stream_options'."), "stream_options", None),
        (
            Refuse(422, "extra_forbidden: stream_options.include_usage Extra inputs are not permitted"),
            "stream_options",
            None,
        ),
        (Refuse(400, "no", param="stream_options"), "stream_options", None),
        (Refuse(400, STRANGE_BOUND, param="max_tokens"), "max_tokens", "max_completion_tokens"),
        (Refuse(400, STRANGE_HEAT, param="temperature"), "temperature", None),
        (Refuse(400, "`temperature` is deprecated for this model."), "temperature", None),
        (Refuse(400, "response_format of type json_schema is not supported by this model"), "response_format", None),
    ],
)
def test_one_more_call_in_other_words(refusal: Refuse, gone: str, there: str | None) -> None:
    watch = Watch()
    with ModelServer(refusal, Say('{"a": 1}'), Say('{"a": 2}')) as server:
        router = router_to(server)
        request = question(temperature=0.2, schema=SCHEMA)
        assert ask(router, request, watch).data == {"a": 1}
        first, second = (asked.body for asked in server.asked)
        assert gone in first
        assert gone not in second
        assert there is None or second[there] == first[gone]
        assert set(first) - set(second) == {gone}
        ask(router, request)
        assert server.asked[2].body == second
    assert [call.number for call in watch.begun] == [1, 2]
    assert watch.ends[0].status == refusal.status


def test_all_of_them_one_after_the_other() -> None:
    refusals = [
        Refuse(400, STRANGE_BOUND, param="max_tokens"),
        Refuse(400, STRANGE_HEAT, param="temperature"),
        Refuse(400, "stream_options: unknown field"),
        Refuse(400, "json_schema is not supported"),
    ]
    with ModelServer(*refusals, Say('{"a": 1}')) as server:
        assert ask(router_to(server), question(temperature=0.2, schema=SCHEMA)).data == {"a": 1}
        assert set(server.asked[-1].body) == {"model", "messages", "stream", "max_completion_tokens"}
        assert "It must fit this JSON Schema" in server.asked[-1].prompt


def test_a_bound_that_neither_name_suits_fails() -> None:
    other = "Unsupported parameter: 'max_completion_tokens' is not supported. Use 'max_tokens' instead."
    with ModelServer(Refuse(400, STRANGE_BOUND), Refuse(400, other)) as server:
        with pytest.raises(errors.InvalidInput, match="Use 'max_tokens' instead"):
            ask(router_to(server))
        assert server.calls == 2


@pytest.mark.parametrize(
    "words",
    [
        "max_tokens is too large: 8192. This model supports at most 4096 completion tokens",
        "This model's maximum context length is 4096 tokens",
        "Invalid schema for response: missing type",
        "messages: unexpected role",
    ],
)
def test_a_refusal_of_something_else_is_a_failure(words: str) -> None:
    with ModelServer(Refuse(400, words)) as server:
        with pytest.raises(errors.InvalidInput) as caught:
            ask(router_to(server), question())
        assert server.calls == 1
    assert words in caught.value.message
    assert caught.value.code == "model-refused-request"


def test_other_words_take_a_call_of_the_counter() -> None:
    with ModelServer(Refuse(400, "stream_options: unknown field"), Say("never")) as server:
        with pytest.raises(errors.InvalidInput, match="stream_options"):
            ask(router_to(server, attempts=1))
        assert server.calls == 1


def test_openai_has_a_name_of_its_own_for_the_bound() -> None:
    with ModelServer(Say("x")) as server:
        providers = {"openai": ProviderSpec("openai", server.base_url, "none")}
        ask(router_to(server, models=("openai/m",), providers=providers), question(max_output_tokens=7))
        assert server.asked[0].body["max_completion_tokens"] == 7
        assert "max_tokens" not in server.asked[0].body


def test_anthropic_is_given_the_schema_in_words() -> None:
    with ModelServer(Say('{"a": 1}')) as server:
        providers = {"anthropic": ProviderSpec("anthropic", server.base_url, "none")}
        router = router_to(server, models=("anthropic/m",), providers=providers)
        assert ask(router, question(schema=SCHEMA)).data == {"a": 1}
        assert "response_format" not in server.asked[0].body
        assert '"additionalProperties": false' in server.asked[0].prompt
