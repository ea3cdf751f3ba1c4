"""`nofx models`: what is configured, where keys come from, and one tiny call."""

import json

import pytest

from tests.cli.console import EVIL, Console, harmless
from tests.model_server import ModelServer, Raw, Refuse, Say

KEY = "sk-invented-0123456789abcdef"
SETTINGS = """\
secrets:
  work: {TOKEN: {env: WORK_TOKEN}}
models:
  providers:
    far: {base_url: "https://far.example.com/v1", key: work/TOKEN}
  routes:
    codegen: [openai/gpt-5, far/big]
    docs: [ollama/qwen3:8b]
  settings:
    far/big: {price: {input: 1.50, output: 6, cached: 0.15}, max_output_tokens: 4000, edits: unified-diff}
"""


@pytest.fixture(autouse=True)
def _own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")


class TestList:
    def test_routes_models_and_providers(self, cli: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        (cli.folder / "nofx.yaml").write_text(SETTINGS)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("WORK_TOKEN", "token-invented-987654321")
        told = cli.ok("models", "list")
        lines = [line.split("  ") for line in told.splitlines()]
        rows = {line[0]: [cell.strip() for cell in line[1:] if cell.strip()] for line in lines}
        assert rows["codegen"] == ["openai/gpt-5, then far/big"]
        assert rows["reasoning"] == ["not configured"]
        assert rows["openai/gpt-5"] == ["in 1.25, out 10, cached 0.125", "genai-prices", "search-replace", "8192"]
        assert rows["far/big"] == ["in 1.5, out 6, cached 0.15", "nofx.yaml", "unified-diff", "4000"]
        assert rows["ollama/qwen3:8b"] == ["in 0, out 0, cached 0", "local", "whole", "8192"]
        assert rows["openai"] == ["OPENAI_API_KEY", "set", "https://api.openai.com/v1/", "built-in"]
        assert rows["anthropic"][:2] == ["ANTHROPIC_API_KEY", "not set"]
        assert rows["ollama"] == ["none", "http://127.0.0.1:1/v1/", "OLLAMA_HOST"]
        assert rows["far"][:2] == ["work/TOKEN", "a secret, looked up when a model is asked"]
        assert rows["far"][2:] == ["https://far.example.com/v1/", "nofx.yaml:5"]
        assert KEY not in told
        assert "token-invented" not in told

    def test_the_fields_are_pinned(self, cli: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        (cli.folder / "nofx.yaml").write_text(SETTINGS)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        told = cli.json("models", "list")
        assert told.keys() == {"routes", "models", "providers"}
        assert told["routes"] == {"codegen": ["openai/gpt-5", "far/big"], "docs": ["ollama/qwen3:8b"]}
        assert told["models"][1] == {
            "model": "far/big",
            "kinds": ["codegen"],
            "edits": "unified-diff",
            "max_output_tokens": 4000,
            "price": {"input": "1.5", "output": "6", "cached": "0.15", "tiers": False},
            "price_source": "nofx.yaml",
        }
        providers = {provider["name"]: provider for provider in told["providers"]}
        assert providers["far"] == {
            "name": "far",
            "base_url": "https://far.example.com/v1/",
            "key": "work/TOKEN",
            "key_set": None,
            "source": "nofx.yaml:5",
        }
        assert (providers["openai"]["key"], providers["openai"]["key_set"]) == ("OPENAI_API_KEY", True)
        assert (providers["gemini"]["key"], providers["gemini"]["key_set"]) == (
            "GEMINI_API_KEY or GOOGLE_API_KEY",
            False,
        )

    def test_a_project_without_models(self, cli: Console) -> None:
        assert "codegen    not configured" in cli.ok("models", "list")
        told = cli.json("models", "list")
        assert (told["routes"], told["models"]) == ({}, [])
        assert [provider["name"] for provider in told["providers"]] == ["openai", "anthropic", "gemini", "ollama"]


class TestTest:
    def test_one_model(self, cli: Console) -> None:
        with ModelServer(Say("ok")) as server:
            settings = server.models_yaml() + "  settings:\n    local/m: {price: {input: 1, output: 2}}\n"
            (cli.folder / "nofx.yaml").write_text(settings)
            lines = cli.ok("models", "test", "local/m").splitlines()
            assert server.asked[0].prompt == "Answer with the word: ok"
        assert lines[0] == "local/m  answered  ok"
        assert lines[1].startswith("  time   ")
        assert "first token after" in lines[1]
        assert lines[2:] == ["  usage  12 in, 5 out tokens", "  cost   $0.000022"]

    def test_the_fields_are_pinned(self, cli: Console) -> None:
        with ModelServer(Refuse(400, "unknown field stream_options"), Say("ok", usage=None)) as server:
            (cli.folder / "nofx.yaml").write_text(server.models_yaml())
            (told,) = cli.json("models", "test")["models"]
        assert told.pop("duration_ms") >= 0
        assert told.pop("first_token_ms") > 0
        assert told == {
            "model": "local/m",
            "ok": True,
            "error": None,
            "text": "ok",
            "calls": 2,
            "status": 200,
            "usage": {"input": None, "output": None, "cached": None, "reasoning": None},
            "cost_usd": None,
        }

    def test_all_that_routes_name_each_once(self, cli: Console) -> None:
        with ModelServer() as server:
            server.otherwise = Say("ok")
            (cli.folder / "nofx.yaml").write_text(server.models_yaml("one", "two", kinds=["codegen", "docs"]))
            cli.ok("models", "test")
            assert [asked.model for asked in server.asked] == ["one", "two"]

    def test_the_first_failure_says_how_it_ends(self, cli: Console) -> None:
        with ModelServer() as server:
            server.script(Say("ok"), model="one")
            server.script(Refuse(503, "busy"), model="two")
            server.script(Refuse(404, "no such model"), model="three")
            (cli.folder / "nofx.yaml").write_text(server.models_yaml("one", "two", "three"))
            result = cli("models", "test")
        assert result.exit_code == 69
        assert "local/one  answered  ok" in result.stdout
        assert "local/two  failed  no model answered: local/two: 503: busy (1 call)" in result.stdout
        assert (
            "local/three  failed  no model takes the request: local/three: 404: no such model (1 call)" in result.stdout
        )
        assert "hint: see whether local has the model, and its address: nofx models list" in result.stderr

    def test_a_failure_is_an_object_for_programs(self, cli: Console) -> None:
        result = cli("models", "test", "openai/gpt-5", "--json")
        assert result.exit_code == 3
        (told,) = json.loads(result.stdout)["models"]
        assert (told["ok"], told["calls"], told["status"], told["cost_usd"]) == (False, 0, 0, None)
        assert told["error"]["code"] == "model-key-missing"
        assert told["error"]["message"] == "there is no key for openai: OPENAI_API_KEY is not set"

    def test_no_model_at_all(self, cli: Console) -> None:
        result = cli("models", "test")
        assert result.exit_code == 3
        assert "error[no-model]: no model is configured for codegen" in result.stderr
        assert "set OPENAI_API_KEY, " in result.stderr

    def test_an_unknown_provider(self, cli: Console) -> None:
        result = cli("models", "test", "opanai/gpt-5")
        assert result.exit_code == 3
        assert "error[unknown-provider]: " in result.stderr
        assert "did you mean 'openai'?" in result.stderr

    def test_what_a_model_says_is_harmless_and_masked(self, cli: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WORK_TOKEN", KEY)
        with ModelServer(Say(f"{EVIL} {KEY}"), Raw(f"no {KEY} {EVIL}", status=401)) as server:
            settings = server.models_yaml().replace("key: none", "key: work/TOKEN")
            (cli.folder / "nofx.yaml").write_text(f"secrets:\n  work: {{TOKEN: {{env: WORK_TOKEN}}}}\n{settings}")
            told = cli.ok("models", "test", "local/m")
            failed = cli("models", "test", "local/m", "--json")
            assert [asked.headers["authorization"] for asked in server.asked] == [f"Bearer {KEY}"] * 2
        assert harmless(told)
        assert "gpj.exe" in told
        for text in (told, failed.stdout, failed.stderr):
            assert KEY not in text
