"""Providers, keys, routes and the environment: what is asked, where, with which key; and what never goes along."""

import subprocess
import sys
from collections.abc import Mapping

import pytest

from nofx_cli import errors
from nofx_cli.clock import ManualClock
from nofx_cli.domain.models import EditFormat, ModelSettings, ModelsSpec, ProviderSpec
from nofx_cli.engine.cancellation import StopRequest
from nofx_cli.models.providers import Providers, ollama_url
from nofx_cli.models.router import Router
from tests.model_server import ModelServer, Raw, Refuse, Say, unreachable
from tests.unit.models.questions import Watch, ask, question, router_to

KEY = "sk-invented-0123456789"


def bare(environ: Mapping[str, str] | None = None, spec: ModelsSpec | None = None) -> Router:
    """A router in an environment, whose secrets nobody has."""
    return Router(
        spec, environ=environ or {}, secrets_of=lambda scopes: {}, clock=ManualClock(), learn=lambda values: None
    )


def test_secrets_are_taken_out_of_what_is_said_to_a_model() -> None:
    with ModelServer(Say("x")) as server:
        providers = {"local": ProviderSpec("local", server.base_url, "none")}
        router = Router(
            ModelsSpec(providers=providers, routes={"codegen": ("local/m",)}),
            environ={},
            secrets_of=lambda scopes: {},
            clock=ManualClock(),
            learn=lambda values: None,
            mask=lambda text: text.replace("hunter2", "***"),
        )
        ask(router, question("the password is hunter2"))
        assert server.asked[0].prompt == "the password is ***"


class TestKeys:
    def keyed(self, server: ModelServer, name: str, key: str = "", *, environ: dict[str, str] | None = None) -> str:
        """What the server was given as authorization."""
        learned: list[str] = []
        providers = {name: ProviderSpec(name, server.base_url, key)}
        router = router_to(server, models=(f"{name}/m",), providers=providers, environ=environ, learned=learned)
        ask(router)
        given = server.asked[-1].headers.get("authorization", "")
        assert learned == ([given.removeprefix("Bearer ")] if given else [])
        return given

    @pytest.mark.parametrize(
        ("provider", "environ"),
        [
            ("openai", {"OPENAI_API_KEY": KEY}),
            ("anthropic", {"ANTHROPIC_API_KEY": KEY, "OPENAI_API_KEY": "other"}),
            ("gemini", {"GEMINI_API_KEY": KEY, "GOOGLE_API_KEY": "other"}),
            ("gemini", {"GEMINI_API_KEY": " ", "GOOGLE_API_KEY": KEY}),
            ("openai", {"OPENAI_API_KEY": f" {KEY}\n"}),
        ],
    )
    def test_from_the_usual_variables(self, provider: str, environ: dict[str, str]) -> None:
        with ModelServer(Say("x")) as server:
            assert self.keyed(server, provider, environ=environ) == f"Bearer {KEY}"

    def test_none_is_sent_where_none_is_wanted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        with ModelServer(Say("x"), Say("x")) as server:
            assert self.keyed(server, "local", "none", environ={"OPENAI_API_KEY": KEY}) == ""
            assert self.keyed(server, "local", "", environ={"OPENAI_API_KEY": KEY}) == ""

    def test_from_a_secret_that_is_looked_up_once_and_anew_when_it_was_refused(self) -> None:
        values, asked, learned = ["old", "new"], [], list[str]()

        def secrets_of(scopes: tuple[str, ...]) -> Mapping[str, str]:
            asked.append(scopes)
            return {"TOKEN": values[len(asked) - 1]}

        with ModelServer(Say("1"), Say("2"), Refuse(401), Say("3")) as server:
            spec = ModelsSpec(providers={"far": ProviderSpec("far", server.base_url, "work/TOKEN")})
            router = Router(spec, environ={}, secrets_of=secrets_of, clock=ManualClock(), learn=learned.extend)
            request = question(model="far/m")
            ask(router, request)
            ask(router, request)
            with pytest.raises(errors.InvalidInput):
                ask(router, request)
            ask(router, request)
            given = [one.headers["authorization"] for one in server.asked]
        assert given == ["Bearer old"] * 3 + ["Bearer new"]
        assert asked == [("work",)] * 2
        assert learned == ["old", "new"]

    def test_a_missing_one_sends_nothing_and_says_what_mends_it(self) -> None:
        watch = Watch()
        with pytest.raises(errors.InvalidInput) as caught:
            ask(bare(), question(model="gemini/m"), watch)
        assert caught.value.code == "model-key-missing"
        assert caught.value.message == "there is no key for gemini: GEMINI_API_KEY and GOOGLE_API_KEY are not set"
        assert caught.value.hint == (
            "export GEMINI_API_KEY=…; in nofx.yaml a key may also come from a secret: "
            "models: {providers: {gemini: {key: <scope>/<NAME>}}}"
        )
        assert watch.begun == []

    def test_a_missing_one_leads_to_the_next_model(self) -> None:
        with ModelServer(Say("x")) as server:
            assert ask(router_to(server, models=("openai/gpt-5", "local/m"))).model == "local/m"

    def test_all_missing(self) -> None:
        router = bare(spec=ModelsSpec(routes={"codegen": ("openai/a", "anthropic/b")}))
        with pytest.raises(errors.InvalidInput) as caught:
            ask(router)
        assert caught.value.code == "model-key-missing"
        assert "openai/a: there is no key for openai" in caught.value.message
        assert "anthropic/b: there is no key for anthropic" in caught.value.message

    @pytest.mark.parametrize("key", ["sk\u2013dash", "two words", "a\nb", "\x1bkey"])
    def test_what_no_header_takes_is_told_and_not_shown(self, key: str) -> None:
        with pytest.raises(errors.InvalidInput) as caught:
            ask(bare({"OPENAI_API_KEY": key}), question(model="openai/m"))
        told = caught.value.message + caught.value.hint
        assert "what OPENAI_API_KEY holds has characters that no key has" in told
        assert key not in told

    @pytest.mark.parametrize(
        ("spec", "words"),
        [
            (ProviderSpec("far", "https://far.example.com/v1", "", "nofx.yaml:3"), "nofx.yaml:3 says of no key"),
            (ProviderSpec("far", "https://far.example.com/v1", "work/T"), "the secret work/T of nofx.yaml is empty"),
        ],
    )
    def test_a_provider_far_away_needs_one(self, spec: ProviderSpec, words: str) -> None:
        with pytest.raises(errors.InvalidInput, match=words):
            ask(bare(spec=ModelsSpec(providers={"far": spec})), question(model="far/m"))


class TestEnvironment:
    def test_nothing_that_the_package_reads_by_itself_goes_along(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {
            "OPENAI_ORG_ID": "org-leak",
            "OPENAI_PROJECT_ID": "proj-leak",
            "OPENAI_ADMIN_KEY": "admin-leak",
            "OPENAI_WEBHOOK_SECRET": "hook-leak",
            "OPENAI_CUSTOM_HEADERS": "X-Leak: leak\nAuthorization: Bearer leak\nOpenAI-Organization: leak",
            "OPENAI_BASE_URL": "http://127.0.0.1:9/leak",
            "HTTP_PROXY": "http://127.0.0.1:9",
            "ALL_PROXY": "http://127.0.0.1:9",
        }.items():
            monkeypatch.setenv(name, value)
        with ModelServer(Say("x"), Say("x")) as server:
            ask(router_to(server))
            providers = {"openai": ProviderSpec("openai", server.base_url)}
            environ = {"OPENAI_API_KEY": KEY}
            ask(router_to(server, models=("openai/m",), providers=providers, environ=environ))
            told = [f"{name}: {value}" for one in server.asked for name, value in one.headers.items()]
        assert [line for line in told if "leak" in line.lower() or "openai-" in line] == []
        assert f"authorization: Bearer {KEY}" in told

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("ALL_PROXY", "socks5://127.0.0.1:9"),
            ("HTTPS_PROXY", "gopher://x"),
            ("SSL_CERT_FILE", "/nowhere/at-all.pem"),
        ],
    )
    def test_a_proxy_or_certificate_that_cannot_be_used_is_told_and_another_model_answers(
        self, name: str, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, value)
        watch = Watch()
        providers = {"far": ProviderSpec("far", "https://far.invalid/v1", "none")}
        with ModelServer(Say("x")) as server:
            assert ask(router_to(server, models=("far/m", "local/m"), providers=providers), watch=watch).text == "x"
        assert "(HTTPS_PROXY, SSL_CERT_FILE)" in watch.ends[0].error
        assert watch.ends[0].cost_usd == 0

    def test_the_address_of_openai_may_come_from_its_variable(self) -> None:
        with ModelServer(Say("x")) as server:
            environ = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": KEY}
            assert ask(bare(environ), question(model="openai/m")).text == "x"
            assert server.asked[0].path == "/v1/chat/completions"

    def test_that_of_other_providers_does_not(self) -> None:
        providers = Providers(ModelsSpec(), {"OPENAI_BASE_URL": "http://elsewhere.example.com/v1"})
        assert {one.name: one.base_url for one in providers if "elsewhere" in one.base_url}.keys() == {"openai"}

    def test_the_settings_come_before_the_variable(self) -> None:
        spec = ModelsSpec(providers={"openai": ProviderSpec("openai", "https://set.example.com/v1", "", "nofx.yaml:2")})
        provider = Providers(spec, {"OPENAI_BASE_URL": "http://elsewhere.example.com/v1"}).of("openai/m")
        assert (provider.base_url, provider.source) == ("https://set.example.com/v1/", "nofx.yaml:2")

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("http://localhost.example.org/v1", "the key would go over plain http to another machine"),
            ("http://127.example.org/v1", "the key would go over plain http to another machine"),
            (f"https://me:{KEY}@llm.example.org/v1", "an address ends before `?` and `#` and has no user in it"),
            (f"https://llm.example.org/v1?key={KEY}", "an address ends before `?` and `#` and has no user in it"),
            ("ftp://llm.example.org", "it is no address such as https://llm.example.org/v1"),
            ("https://127.1/v1", "`127.1` is a number in a form that programs read in different ways"),
        ],
    )
    def test_no_key_goes_to_an_address_that_the_settings_would_refuse(self, url: str, why: str) -> None:
        watch = Watch()
        router = bare({"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY})
        with pytest.raises(errors.InvalidInput) as caught:
            ask(router, question(model="openai/m"), watch)
        assert caught.value.code == "bad-provider-address"
        assert caught.value.message.startswith(f"OPENAI_BASE_URL cannot be used: {why}")
        assert watch.begun == []
        assert KEY not in caught.value.message + repr(router.standing())

    def test_a_key_of_the_settings_goes_to_no_such_address_either(self) -> None:
        spec = ModelsSpec(providers={"openai": ProviderSpec("openai", "", "work/TOKEN", "nofx.yaml:3")})
        with pytest.raises(errors.InvalidInput, match="OPENAI_BASE_URL cannot be used: the key would go over plain"):
            Providers(spec, {"OPENAI_BASE_URL": "http://far.example.org/v1"}).of("openai/m")

    def test_the_key_of_a_usual_variable_does_not_go_to_another_machine_of_the_settings(self) -> None:
        spec = ModelsSpec(providers={"openai": ProviderSpec("openai", "https://far.example.org/v1", "", "nofx.yaml:3")})
        watch = Watch()
        with pytest.raises(errors.InvalidInput, match=r"nofx\.yaml:3 says of no key"):
            ask(bare({"OPENAI_API_KEY": KEY}, spec), question(model="openai/m"), watch)
        assert watch.begun == []

    @pytest.mark.parametrize(
        ("url", "is_local"),
        [
            ("http://localhost:1/v1", True),
            ("http://127.3.2.1/v1", True),
            ("http://[::1]:8/v1", True),
            ("http://localhost.example.org/v1", False),
            ("http://127.example.org/v1", False),
            ("http://127.0.0.1.example.org/v1", False),
            ("http://localhost@example.org/v1", False),
        ],
    )
    def test_what_is_on_this_machine(self, url: str, is_local: bool) -> None:
        provider = Providers(ModelsSpec(providers={"p": ProviderSpec("p", url)}), {}).of("p/m")
        assert provider.is_local is is_local
        assert provider.key == ("none" if is_local else "")

    @pytest.mark.parametrize(
        ("host", "url"),
        [
            ("127.0.0.1", "http://127.0.0.1:11434"),
            ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104 - what a person may have set
            ("0.0.0.0:8000", "http://127.0.0.1:8000"),
            (":1234", "http://127.0.0.1:1234"),
            ("gpu.example.com", "http://gpu.example.com:11434"),
            ("http://gpu.example.com", "http://gpu.example.com"),
            ("https://gpu.example.com:8443/", "https://gpu.example.com:8443"),
            ("[::1]:99", "http://[::1]:99"),
            ("host:nonsense", "http://host:11434"),
        ],
    )
    def test_where_ollama_is(self, host: str, url: str) -> None:
        assert ollama_url(host) == url

    def test_ollama_is_asked_without_a_key(self) -> None:
        with ModelServer(Say("x")) as server:
            environ = {"OLLAMA_HOST": f"127.0.0.1:{server.port}", "OPENAI_API_KEY": KEY}
            reply = ask(bare(environ), question(model="ollama/qwen3:8b"))
            assert "authorization" not in server.asked[0].headers
        assert reply.cost_usd == 0


class TestRoutes:
    def test_the_models_of_a_kind_in_order(self) -> None:
        router = bare(spec=ModelsSpec(routes={"docs": ("openai/b", "ollama/a")}))
        assert router.route(question(kind="docs")) == ("openai/b", "ollama/a")

    def test_one_that_is_named_needs_no_route(self) -> None:
        assert bare().route(question(model="openai/gpt-5", kind="whatever")) == ("openai/gpt-5",)

    def told(self, environ: Mapping[str, str], **fields: str) -> tuple[str, str]:
        with pytest.raises(errors.InvalidInput) as caught:
            bare(environ).route(question(**fields))
        assert caught.value.code == "no-model"
        return caught.value.message, caught.value.hint

    def test_nothing_is_chosen_for_anybody(self) -> None:
        with unreachable() as nowhere:
            environ = {"OLLAMA_HOST": nowhere.removesuffix("/v1")}
            message, hint = self.told(environ)
            both = {**environ, "ANTHROPIC_API_KEY": KEY, "GOOGLE_API_KEY": KEY}
            message_of_docs, hint_of_docs = self.told(both, kind="docs")
        assert message == "no model is configured for codegen"
        assert hint == (
            "set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or GOOGLE_API_KEY, and put into nofx.yaml, "
            "for example: models: {routes: {codegen: [openai/gpt-6.1-terra]}}"
        )
        assert message_of_docs == "no model is configured for docs"
        assert hint_of_docs == (
            "put into nofx.yaml: models: {routes: {docs: [anthropic/claude-sonnet-5-5]}} (ANTHROPIC_API_KEY is set), "
            "or: models: {routes: {docs: [gemini/gemini-3.8-flash]}} (GOOGLE_API_KEY is set)"
        )

    def test_a_local_ollama_is_named(self) -> None:
        with ModelServer(ollama=["qwen3:8b", "other"]) as server:
            _, hint = self.told({"OLLAMA_HOST": f"127.0.0.1:{server.port}"})
            assert server.other == ["GET /api/tags"]
        assert hint == 'put into nofx.yaml: models: {routes: {codegen: ["ollama/qwen3:8b"]}} (Ollama runs here)'

    @pytest.mark.parametrize("host", ["http://gpu.example.com:11434", "https://127.0.0.1:1"])
    def test_no_other_machine_is_looked_at(self, host: str) -> None:
        assert "Ollama" not in self.told({"OLLAMA_HOST": host})[1]

    def test_a_kind_that_there_is_not(self) -> None:
        assert self.told({}, kind="poetry") == (
            "'poetry' is no kind of question; there are codegen, reasoning, docs",
            "",
        )

    def test_a_provider_that_is_not_known(self) -> None:
        router = bare(spec=ModelsSpec(routes={"codegen": ("opanai/gpt-5",)}))
        with pytest.raises(errors.InvalidInput) as caught:
            router.route(question())
        assert caught.value.code == "unknown-provider"
        assert caught.value.message == (
            "the provider 'opanai' of opanai/gpt-5 is not known; there are openai, anthropic, gemini, ollama"
        )
        assert caught.value.hint.startswith("did you mean 'openai'? ")

    @pytest.mark.parametrize(("model", "shown"), [("gpt-5", "openai/gpt-5"), ("openai/", "openai/openai"), ("/m", "m")])
    def test_a_name_without_a_provider(self, model: str, shown: str) -> None:
        with pytest.raises(errors.InvalidInput) as caught:
            bare().route(question(model=model))
        assert caught.value.code == "no-model"
        assert shown in caught.value.hint


class TestEditFormats:
    @pytest.mark.parametrize(
        "model",
        [
            *("openai/gpt-5", "openai/gpt-4.1", "openai/gpt-6.1-terra", "openai/o3", "anthropic/claude-sonnet-5-5"),
            *("anthropic/claude-3-7-sonnet-latest", "anthropic/claude-opus-4-5", "gemini/gemini-2.5-pro"),
            *("deepseek/deepseek-chat", "openrouter/qwen/qwen3-coder", "openrouter/x-ai/grok-4", "far/llama-3.1-405b"),
        ],
    )
    def test_large_ones_replace(self, model: str) -> None:
        assert bare().edit_format(model) is EditFormat.SEARCH_REPLACE

    @pytest.mark.parametrize(
        "model",
        [
            *("local/smollm2", "ollama/qwen3:8b", "ollama/deepseek-r1:7b", "openai/gpt-5-mini", "openai/gpt-5-nano"),
            *("gemini/gemini-2.5-flash-lite", "openai/o3-mini", "ollama/qwen3-coder:30b", "openai/gpt-3.5-turbo"),
        ],
    )
    def test_small_and_unknown_ones_write_whole_files(self, model: str) -> None:
        assert bare().edit_format(model) is EditFormat.WHOLE

    def test_the_settings_come_first(self) -> None:
        spec = ModelsSpec(
            settings={"local/m": ModelSettings(edits=EditFormat.UNIFIED_DIFF), "openai/gpt-5": ModelSettings()}
        )
        assert bare(spec=spec).edit_format("local/m") is EditFormat.UNIFIED_DIFF
        assert bare(spec=spec).edit_format("openai/gpt-5") is EditFormat.SEARCH_REPLACE


class TestTrying:
    def test_one_tiny_call(self) -> None:
        with ModelServer(Say("ok")) as server:
            tested = router_to(server).test("local/m", cancellation=StopRequest())
            assert server.asked[0].body["max_tokens"] == 64
        assert (tested.ok, tested.text, tested.calls, tested.status, tested.usage.output) == (True, "ok", 1, 200, 5)

    def test_a_failure_is_told_and_not_repeated(self) -> None:
        with ModelServer(Refuse(503, "busy"), Say("ok")) as server:
            tested = router_to(server).test("local/m", cancellation=StopRequest())
            assert server.calls == 1
        assert (tested.ok, tested.code, tested.exit_code, tested.status) == (False, "model-unavailable", 69, 503)

    def test_other_words_are_tried(self) -> None:
        with ModelServer(Refuse(400, "unknown field stream_options"), Say("ok")) as server:
            tested = router_to(server).test("local/m", cancellation=StopRequest())
        assert (tested.ok, tested.calls) == (True, 2)

    def test_a_server_without_a_list_of_models_will_do(self) -> None:
        with ModelServer(Say("ok"), models=None) as server:
            assert router_to(server).test("local/m", cancellation=StopRequest()).ok
            assert server.other == []


def test_a_page_in_place_of_the_api_is_told() -> None:
    page = Raw("<html><body>Sign in</body></html>", "text/html")
    with (
        ModelServer(page, page, page) as server,
        pytest.raises(errors.Unavailable, match="no JSON: <html><body>Sign in"),
    ):
        ask(router_to(server))


def test_a_router_that_asks_nobody_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from nofx_cli.clock import SystemClock\n"
        "from nofx_cli.models.router import Router\n"
        "Router(None, environ={}, secrets_of=dict, clock=SystemClock(), learn=list).standing()\n"
        "heavy = 'openai', 'pydantic', 'asyncio', 'jsonschema', 'genai_prices'\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
