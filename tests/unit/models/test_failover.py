"""Which failures are met by asking again, which by the next model; and the one counter."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest

from nofx_cli import errors
from nofx_cli.clock import ManualClock, parse_at
from nofx_cli.domain.models import ProviderSpec, Usage
from nofx_cli.models.failure import Next, refused
from nofx_cli.models.patience import LONGEST_MS, pause_ms
from tests.model_server import Broken, Drop, ErrorInside, ModelServer, Raw, Refuse, Say, Step, unreachable
from tests.unit.models.questions import Watch, ask, router_to

NOTHING = Usage(0, 0, 0, 0)
TWO = ("local/one", "local/two")


class TestRetry:
    @pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
    def test_statuses_that_may_pass_are_met_by_asking_again(self, status: int) -> None:
        watch = Watch()
        with ModelServer(Refuse(status), Refuse(status), Say("at last")) as server:
            assert ask(router_to(server), watch=watch).text == "at last"
        assert [end.status for end in watch.ends] == [status, status, 200]
        is_a_gateway = status in (408, 502, 504)  # what stands behind it may have worked, and bill that
        used = (Usage(), None) if is_a_gateway else (NOTHING, Decimal(0))
        assert [(end.usage, end.cost_usd) for end in watch.ends[:2]] == [used] * 2

    @pytest.mark.parametrize(
        "fault",
        [Broken(), Broken(clean=True), Drop(), ErrorInside(), ErrorInside(text="half"), Raw("{"), Raw("<html>Hello")],
        ids=["broken", "broken-cleanly", "dropped", "error", "error-in-stream", "no-json", "a-page"],
    )
    def test_answers_that_break_are_asked_for_again(self, fault: Step) -> None:
        watch = Watch()
        with ModelServer(fault, Say("whole")) as server:
            assert ask(router_to(server), watch=watch).text == "whole"
        assert watch.ends[0].error
        assert (watch.ends[0].usage, watch.ends[0].cost_usd) == (Usage(), None)
        assert watch.ended[0][2] is None

    def test_first_fails_three_times_and_the_second_answers(self) -> None:
        watch = Watch()
        with ModelServer() as server:
            server.script(*[Refuse(500, "no luck")] * 3, model="one")
            server.script(Say("from two"), model="two")
            reply = ask(router_to(server, models=TWO), watch=watch)
        assert (reply.text, reply.model) == ("from two", "local/two")
        assert [(call.number, call.model) for call in watch.begun] == [
            (1, TWO[0]),
            (2, TWO[0]),
            (3, TWO[0]),
            (4, TWO[1]),
        ]
        assert [end.error for end in watch.ends] == ["no luck"] * 3 + [""]

    def test_the_second_may_be_elsewhere(self) -> None:
        with ModelServer(Say("here")) as server, unreachable() as nowhere:
            providers = {"far": ProviderSpec("far", nowhere, "none")}
            watch = Watch()
            reply = ask(router_to(server, models=("far/m", "local/m"), providers=providers), watch=watch)
        assert reply.text == "here"
        assert watch.ends[0].error == f"no connection to {nowhere}/: Connection refused"
        assert (watch.ends[0].usage, watch.ends[0].cost_usd) == (NOTHING, Decimal(0))


class TestNeverRetried:
    @pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
    def test_the_next_model_is_asked_at_once(self, status: int) -> None:
        watch = Watch()
        with ModelServer() as server:
            server.script(Refuse(status, "no"), model="one")
            server.script(Say("yes"), model="two")
            clock = ManualClock()
            before = clock.now_us()
            assert ask(router_to(server, models=TWO, clock=clock), watch=watch).model == "local/two"
        assert watch.models == ["local/one", "local/two"]
        assert clock.now_us() == before

    def test_where_none_is_left_the_providers_words_are_told(self) -> None:
        with ModelServer(Refuse(401, "Incorrect API key provided")) as server:
            with pytest.raises(errors.InvalidInput) as caught:
                ask(router_to(server))
            assert server.calls == 1
        assert caught.value.code == "model-refused-request"
        assert caught.value.message == "no model takes the request: local/m: 401: Incorrect API key provided (1 call)"
        assert caught.value.hint == "see where the key of local comes from: nofx models list"

    def test_an_empty_purse_is_no_passing_failure(self) -> None:
        with ModelServer(Refuse(429, "You exceeded your quota", code="insufficient_quota")) as server:
            with pytest.raises(errors.InvalidInput, match="429: You exceeded your quota"):
                ask(router_to(server))
            assert server.calls == 1

    def test_an_error_inside_that_says_it_never_passes(self) -> None:
        with ModelServer(ErrorInside("no such model", code=404)) as server:
            with pytest.raises(errors.InvalidInput, match="no such model"):
                ask(router_to(server))
            assert server.calls == 1

    def test_a_redirection_is_told_and_not_followed(self) -> None:
        with ModelServer(Raw("", status=308)) as server, pytest.raises(errors.InvalidInput, match="308: it points to"):
            ask(router_to(server))

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ('{"error": "model not loaded"}', "model not loaded"),
            ('{"detail": [{"msg": "Field required"}]}', "Field required"),
            ('[{"error": {"code": 400, "message": "API key not valid"}}]', "API key not valid"),
            ('{"message": "nope"}', "nope"),
            ("Bad Request:  broken\nrequest", "Bad Request: broken request"),
            ("", "without a word"),
        ],
    )
    def test_words_in_every_form(self, body: str, words: str) -> None:
        watch = Watch()
        with ModelServer(Refuse(400, body=body)) as server, pytest.raises(errors.InvalidInput):
            ask(router_to(server), watch=watch)
        assert watch.end.error == words


class TestCounter:
    def test_all_models_count_on_one_counter(self) -> None:
        watch = Watch()
        with ModelServer() as server:
            server.otherwise = Refuse(503, "busy")
            with pytest.raises(errors.Unavailable) as caught:
                ask(router_to(server, models=(*TWO, "local/three"), attempts=4), watch=watch)
        assert watch.models == ["local/one"] * 3 + ["local/two"]
        assert caught.value.code == "model-unavailable"
        assert caught.value.message == (
            "no model answered: local/one: 503: busy (3 calls); local/two: 503: busy (1 call); "
            "local/three not asked, as models: {attempts: 4} allows no further call"
        )
        assert caught.value.context["calls"] == 4

    def test_three_tries_a_model(self) -> None:
        with ModelServer() as server:
            server.otherwise = Drop()
            with pytest.raises(errors.Unavailable) as caught:
                ask(router_to(server, attempts=50))
            assert server.calls == 3
        assert caught.value.hint == "wait, or see what is wrong: nofx models test local/m"

    def test_a_budget_that_refuses_goes_to_who_asked(self) -> None:
        def refuse(call: object) -> None:
            raise errors.BudgetExhausted("spent")

        watch = Watch(on_before=refuse)
        with ModelServer() as server:
            with pytest.raises(errors.BudgetExhausted):
                ask(router_to(server), watch=watch)
            assert server.calls == 0
        assert watch.ended == []


class TestPauses:
    def test_they_double_and_differ(self) -> None:
        failure = refused(500, "", {})
        first = {pause_ms(failure, tries=1, now_us=0) for _ in range(50)}
        second = {pause_ms(failure, tries=2, now_us=0) for _ in range(50)}
        assert len(first) > 1
        assert 375 <= min(first) <= max(first) <= 625
        assert 750 <= min(second) <= max(second) <= 1250

    @pytest.mark.parametrize(
        ("headers", "wait_ms"),
        [
            ({"retry-after": "3"}, 3_000),
            ({"retry-after": "2.5"}, 2_500),
            ({"retry-after-ms": "1500", "retry-after": "9"}, 1_500),
            ({"retry-after": "86400"}, LONGEST_MS),
            ({"retry-after": "inf"}, LONGEST_MS),
        ],
    )
    def test_the_server_asks_for_more(self, headers: dict[str, str], wait_ms: int) -> None:
        assert pause_ms(refused(429, "", headers), tries=1, now_us=0) == wait_ms

    @pytest.mark.parametrize("text", ["soon", "-5", "nan", "0", ""])
    def test_what_cannot_be_read_asks_for_nothing(self, text: str) -> None:
        assert pause_ms(refused(429, "", {"retry-after": text}), tries=1, now_us=0) <= 625

    def test_a_year_that_there_is_none_of_asks_for_nothing(self) -> None:
        failure = refused(429, "", {"retry-after": "Mon, 01 Jan 99999999999999 00:00:00 GMT"})
        assert pause_ms(failure, tries=1, now_us=0) < 1_000

    def test_a_date(self) -> None:
        now_us = parse_at("2026-01-01T00:00:00.000000Z")
        date = format_datetime(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=20), usegmt=True)
        assert pause_ms(refused(429, "", {"retry-after": date}), tries=1, now_us=now_us) == 20_000
        past = format_datetime(datetime(2025, 1, 1, tzinfo=UTC), usegmt=True)
        assert pause_ms(refused(429, "", {"retry-after": past}), tries=1, now_us=now_us) <= 625

    def test_the_question_waits_so_long(self) -> None:
        clock = ManualClock()
        with ModelServer(Refuse(429, retry_after="30"), Say("ok")) as server:
            ask(router_to(server, clock=clock))
        assert clock.monotonic_ms() == 30_000

    def test_nobody_waits_for_a_call_that_will_not_be(self) -> None:
        clock = ManualClock()
        with ModelServer() as server:
            server.otherwise = Refuse(429, retry_after="30")
            with pytest.raises(errors.Unavailable):
                ask(router_to(server, clock=clock, attempts=2))
            with pytest.raises(errors.Unavailable):
                ask(router_to(server, clock=clock, attempts=9))
        assert clock.monotonic_ms() == 30_000 + 2 * 30_000


def test_what_a_status_leads_to() -> None:
    assert {status for status in range(300, 600) if refused(status, "", {}).next is Next.AGAIN} == {
        *(408, 409, 425, 429),
        *range(500, 600),
    }
