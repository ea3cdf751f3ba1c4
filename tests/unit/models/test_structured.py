"""Answers that must fit a schema: checked here, and asked for again with the reason."""

import json
from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.models.json_answer import AnswerSchema, Unfit
from tests.model_server import ModelServer, Refuse, Say
from tests.unit.models.questions import SCHEMA, Watch, ask, question, router_to


class TestAsking:
    def test_the_schema_goes_along(self) -> None:
        with ModelServer(Say('{"a": 1}')) as server:
            reply = ask(router_to(server), question(schema=SCHEMA))
            told = server.asked[0].body["response_format"]
        assert told == {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
        assert (reply.text, reply.data) == ('{"a": 1}', {"a": 1})

    @pytest.mark.parametrize(
        "schema",
        [{"type": "object"}, {"type": "object", "properties": {"a": {}}, "additionalProperties": False}],
    )
    def test_it_is_strict_only_where_that_can_be(self, schema: dict[str, Any]) -> None:
        with ModelServer(Say("{}")) as server:
            ask(router_to(server), question(schema=schema))
            assert server.asked[0].body["response_format"]["json_schema"]["strict"] is False

    def test_a_misfit_is_told_to_the_model(self) -> None:
        watch = Watch()
        with ModelServer(Say('{"a": "one"}'), Say('{"a": 1}')) as server:
            assert ask(router_to(server), question(schema=SCHEMA), watch).data == {"a": 1}
            *before, answer, why = server.asked[1].messages
        assert before == [("user", "hi")]
        assert answer == ("assistant", '{"a": "one"}')
        assert why[0] == "user"
        assert why[1].startswith("That answer cannot be used: at $.a: 'one' is not of type 'integer'.\n")
        assert json.dumps(SCHEMA) in why[1]
        first, second = watch.ended
        assert first[1].error == "the answer does not fit: at $.a: 'one' is not of type 'integer'"
        assert (first[1].usage.input, first[2]) == (12, None)
        assert second[2] is not None
        assert second[0].most_input_tokens > first[0].most_input_tokens

    def test_one_that_never_fits(self) -> None:
        with ModelServer() as server:
            server.otherwise = Say("I would rather not.")
            with pytest.raises(errors.InvalidInput) as caught:
                ask(router_to(server), question(schema=SCHEMA))
            assert server.calls == 3
        assert caught.value.code == "answer-not-valid"
        assert caught.value.message == (
            "no answer fits the schema: local/m: it is no JSON: Expecting value: line 1 column 1 (char 0) (3 calls)"
        )

    def test_faults_and_misfits_are_on_one_counter(self) -> None:
        with ModelServer() as server:
            server.script(Refuse(500), Say("no"), Refuse(500), model="one")
            server.script(Say("no"), Say('{"a": 3}'), model="two")
            router = router_to(server, models=("local/one", "local/two"), attempts=5)
            assert ask(router, question(schema=SCHEMA)).data == {"a": 3}
            assert server.calls == 5

    def test_an_answer_that_was_cut_off_says_so(self) -> None:
        watch = Watch()
        with ModelServer(Say('{"a":', finish="length"), Say('{"a": 1}')) as server:
            ask(router_to(server), question(schema=SCHEMA), watch)
        assert watch.ends[0].error.endswith("as it was cut off at the bound of tokens")

    def test_an_empty_answer_is_not_quoted_as_nothing(self) -> None:
        with ModelServer(Say(""), Say('{"a": 1}')) as server:
            ask(router_to(server), question(schema=SCHEMA))
            assert server.asked[1].messages[1] == ("assistant", "(nothing)")

    def test_a_refusal_is_not_asked_for_again(self) -> None:
        with ModelServer() as server:
            server.script(Say(refusal="I will not"), model="one")
            server.script(Say('{"a": 1}'), model="two")
            router = router_to(server, models=("local/one", "local/two"))
            assert ask(router, question(schema=SCHEMA)).model == "local/two"
            server.script(Say(refusal="I will not"))
            with pytest.raises(errors.InvalidInput, match="it refused to answer: I will not"):
                ask(router_to(server), question(schema=SCHEMA))

    def test_a_schema_that_is_none_asks_nobody(self) -> None:
        with ModelServer() as server:
            with pytest.raises(errors.InvalidInput) as caught:
                ask(router_to(server), question(schema={"type": "thing"}))
            assert server.calls == 0
        assert caught.value.code == "schema-not-valid"
        assert "'thing'" in caught.value.message


class TestReading:
    @pytest.mark.parametrize(
        "text",
        [
            '{"a": 1}',
            '  {"a": 1}\n',
            '\ufeff{"a": 1}',
            '```json\n{"a": 1}\n```',
            '```\n{"a": 1}```',
            '<think>{"a": 2}? no</think>\n{"a": 1}',
        ],
    )
    def test_what_is_read(self, text: str) -> None:
        assert AnswerSchema(SCHEMA).read(text) == {"a": 1}

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "it is empty"),
            ("```\n```", "it is empty"),
            ("sure!", "it is no JSON: Expecting value"),
            ('Here you are: {"a": 1}', "it is no JSON"),
            ('{"a": 1} {"a": 2}', "it is no JSON: Extra data"),
            ('{"a": NaN}', "it is no JSON: NaN is no JSON number"),
            ('{"a": 1.5}', r"at \$.a: 1.5 is not of type 'integer'"),
            ("{}", r"at \$: 'a' is a required property"),
            ('{"a": 1, "b": 2}', "Additional properties are not allowed"),
            ("[" * 100_000, "it is nested too deeply"),
        ],
    )
    def test_what_is_not(self, text: str, reason: str) -> None:
        with pytest.raises(Unfit, match=reason):
            AnswerSchema(SCHEMA).read(text)

    def test_a_long_reason_is_cut(self) -> None:
        with pytest.raises(Unfit) as caught:
            AnswerSchema({"type": "integer"}).read(json.dumps("x" * 10_000))
        assert len(str(caught.value)) == 500

    def test_references_go_nowhere_outside(self) -> None:
        inner = AnswerSchema({"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}})
        assert inner.read("3") == 3
        for outside in ("https://example.com/schema.json", "#/$defs/missing"):
            with pytest.raises(errors.InvalidInput, match="which it does not hold"):
                AnswerSchema({"$ref": outside}).read("3")
