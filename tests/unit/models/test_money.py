"""What calls cost, to the last digit; and the most that they can cost, told before."""

from decimal import Decimal
from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.clock import ManualClock
from nofx_cli.domain.models import ModelSettings, Price, ProviderSpec, Usage
from nofx_cli.models.prices import Prices
from nofx_cli.models.providers import Provider
from nofx_cli.models.suggestions import EXAMPLES
from nofx_cli.models.token_counts import Counted
from tests.model_server import ModelServer, Refuse, Say
from tests.unit.models.questions import SCHEMA, Watch, ask, question, router_to

OWN = Price(Decimal("1.10"), Decimal("4.40"), Decimal("0.275"))
OPENAI = Provider("openai", "https://api.openai.com/v1/")
OLLAMA = Provider("ollama", "http://127.0.0.1:11434/v1/", key="none")
LOCAL = Provider("local", "http://127.0.0.1:8080/v1/", key="none")


def prices(**said: Price) -> Prices:
    settings = {f"local/{name}": ModelSettings(price=price) for name, price in said.items()}
    return Prices(settings, ManualClock("2026-06-01T00:00:00.000000Z"))


def cost(model: str, provider: Provider, usage: Usage, written: int | None = None, **said: Price) -> Decimal | None:
    return prices(**said).cost(model, provider, Counted(usage, written))


class TestCost:
    @pytest.mark.parametrize(
        ("usage", "dollars"),
        [
            (Usage(1_000_000, 0), "1.1"),
            (Usage(1, 1), "0.0000055"),
            (Usage(1_000, 10, 400), "0.000814"),
            (Usage(1_000, 10, 1_000), "0.000319"),
            (Usage(None, 10), None),
            (Usage(10, None), None),
        ],
    )
    def test_by_the_price_of_the_settings(self, usage: Usage, dollars: str | None) -> None:
        assert cost("local/m", LOCAL, usage, m=OWN) == (None if dollars is None else Decimal(dollars))

    def test_without_a_price_for_cached_input_it_costs_as_other_input(self) -> None:
        assert cost("local/m", LOCAL, Usage(100, 0, 60), m=Price(Decimal(1), Decimal(2))) == Decimal("0.0001")

    @pytest.mark.parametrize(
        ("model", "usage", "dollars"),
        [
            ("openai/gpt-5", Usage(1_000, 100), "0.00225"),
            ("openai/gpt-5", Usage(1_000, 100, 500), "0.0016875"),
            ("openai/no-such-model", Usage(1_000, 100), None),
        ],
    )
    def test_by_the_list(self, model: str, usage: Usage, dollars: str | None) -> None:
        assert cost(model, OPENAI, usage) == (None if dollars is None else Decimal(dollars))

    def test_long_requests_cost_more_where_the_list_says_so(self) -> None:
        anthropic = Provider("anthropic", "https://api.anthropic.com/v1/")
        assert cost("anthropic/claude-sonnet-4-5", anthropic, Usage(100_000, 0)) == Decimal("0.3")
        assert cost("anthropic/claude-sonnet-4-5", anthropic, Usage(300_000, 0)) == Decimal("1.8")

    def test_the_address_says_whose_price_it_is(self) -> None:
        groq = Provider("fast", "https://api.groq.com/openai/v1/")
        assert cost("fast/llama-3.3-70b-versatile", groq, Usage(1_000_000, 0)) == Decimal("0.59")
        elsewhere = Provider("openai", "https://proxy.example.com/v1/")
        assert cost("openai/gpt-5", elsewhere, Usage(1_000, 100)) is None

    def test_on_this_machine(self) -> None:
        assert cost("ollama/qwen3:8b", OLLAMA, Usage(1_000, 100)) == Decimal(0)
        assert cost("local/m", LOCAL, Usage(1_000, 100)) is None  # it may pass questions on to whom one pays
        far = Provider("ollama", "http://gpu.example.com:11434/v1/", key="none")
        assert cost("ollama/qwen3:8b", far, Usage(1_000, 100)) is None

    def test_the_settings_come_before_the_list(self) -> None:
        said = Prices({"openai/gpt-5": ModelSettings(price=OWN)}, ManualClock())
        assert said.cost("openai/gpt-5", OPENAI, Counted(Usage(1_000_000, 0))) == Decimal("1.1")
        assert said.shown("openai/gpt-5", OPENAI).source == "nofx.yaml"


class TestMost:
    @pytest.mark.parametrize("cached", [0, 1, 500, 1_000])
    @pytest.mark.parametrize("model", ["gpt-5", "gpt-6.1-terra", "no-price"])
    def test_no_usage_within_the_bounds_costs_more(self, model: str, cached: int) -> None:
        known = Prices(
            {"openai/no-price": ModelSettings(price=Price(Decimal(1), Decimal(2), Decimal(3)))}, ManualClock()
        )
        most = known.most(f"openai/{model}", OPENAI, input=1_000, output=200)
        assert most is not None
        for written in (None, 0, 1_000 - cached):
            actual = known.cost(f"openai/{model}", OPENAI, Counted(Usage(1_000, 200, cached), written))
            assert actual is not None
            assert actual <= most

    def test_it_is_told_before_each_call(self) -> None:
        watch = Watch()
        settings = {"local/m": ModelSettings(price=Price(Decimal(1_000_000), Decimal(1_000)), max_output_tokens=100)}
        with ModelServer(Refuse(503), Say("hi there")) as server:
            reply = ask(router_to(server, settings=settings), watch=watch)
            assert server.asked[0].body["max_tokens"] == 100
        first, second = watch.begun
        assert first.most_output_tokens == 100
        assert first.most_usd == first.most_input_tokens + Decimal("0.1")
        assert (first.most_input_tokens, first.most_usd) == (second.most_input_tokens, second.most_usd)
        assert watch.ends[0].cost_usd == 0
        assert watch.ends[1].cost_usd == reply.cost_usd == 12 + Decimal("0.005")

    @pytest.mark.parametrize("text", ["", "plain", "é" * 100, "漢字" * 100, "\x00\x1b\n", '"' * 100, "\udc80"])
    def test_the_bound_of_input_is_no_less_than_the_bytes(self, text: str) -> None:
        watch = Watch()
        with ModelServer(Say("x"), Say('{"a": 1}')) as server:
            ask(router_to(server), question(text), watch)
            ask(router_to(server), question(text, schema=SCHEMA), watch)
        plain, with_schema = (call.most_input_tokens for call in watch.begun)
        assert plain > len(text.encode("utf-8", "surrogatepass"))
        assert with_schema > plain + len(str(SCHEMA))

    def test_the_request_comes_before_the_settings(self) -> None:
        settings = {"local/m": ModelSettings(max_output_tokens=100)}
        with ModelServer(Say("x")) as server:
            watch = Watch()
            ask(router_to(server, settings=settings), question(max_output_tokens=9), watch)
            assert server.asked[0].body["max_tokens"] == watch.begun[0].most_output_tokens == 9


def test_what_is_suggested_has_a_price() -> None:
    urls = {"openai": OPENAI.base_url, "anthropic": "https://api.anthropic.com/v1/"}
    urls["gemini"] = "https://generativelanguage.googleapis.com/v1beta/openai/"
    for name, model in EXAMPLES.items():
        shown = prices().shown(model, Provider(name, urls[name]))
        assert (shown.source, shown.price is not None) == ("genai-prices", True)


def test_the_list_is_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **named: Any) -> None:
        raise AssertionError("somebody opened a connection")

    monkeypatch.setattr("socket.socket.connect", refuse)
    assert prices().shown("openai/gpt-5", OPENAI).price == Price(Decimal("1.25"), Decimal(10), Decimal("0.125"))


def test_a_refused_key_costs_nothing_and_an_unknown_price_is_no_zero() -> None:
    watch = Watch()
    with ModelServer(Refuse(403), Say("x")) as server:
        with pytest.raises(errors.InvalidInput):
            ask(router_to(server), watch=watch)
        assert ask(router_to(server), watch=watch).cost_usd is None
    assert [end.cost_usd for end in watch.ends] == [0, None]


def test_the_provider_may_be_named_as_one_likes() -> None:
    with ModelServer(Say("x")) as server:
        providers = {"mine": ProviderSpec("mine", server.base_url, "none")}
        assert ask(router_to(server, models=("mine/a/b:c",), providers=providers)).model == "mine/a/b:c"
        assert server.asked[0].model == "a/b:c"


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 10**400, "completion_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": 10**12},
        {"prompt_tokens": -5, "completion_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": float("nan")},
    ],
)
def test_tokens_that_no_call_can_have_are_unknown_and_so_is_the_cost(usage: dict[str, Any]) -> None:
    watch = Watch()
    settings = {"local/m": ModelSettings(Price(Decimal(1), Decimal(1)))}
    with ModelServer(Say("x", usage=usage)) as server:
        ask(router_to(server, settings=settings), watch=watch)
    assert not watch.end.usage.is_known
    assert watch.end.cost_usd is None
