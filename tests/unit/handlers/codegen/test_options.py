"""The inputs of `codegen`: what is taken, and what is wrong with what is not."""

from typing import Any

import pytest

from nofx_cli.domain.models import CacheUse, EditFormat
from nofx_cli.handlers.codegen.handler import HANDLER
from nofx_cli.handlers.codegen.options import Artifact, Options, options_of
from nofx_cli.ports.handler import handler_writes


@pytest.mark.parametrize(
    ("inputs", "fault"),
    [
        ({}, "give either `prompt` or `prompt_file`"),
        ({"prompt": "x", "prompt_file": "a.md"}, "give either `prompt` or `prompt_file`"),
        ({"prompt": " \n"}, "`prompt` is empty"),
        ({"promt": "x"}, "`promt` is not an input of this tool; did you mean `prompt`?"),
        ({"prompt": ["x"]}, "`prompt` must be a text, not a list"),
        ({"prompt": "x", "prompt_file": None}, "`prompt_file` must be a text, not nothing"),
        ({"prompt_file": "/etc/x"}, "`prompt_file`: '/etc/x' is absolute"),
        ({"prompt": "x", "files": ["../x"]}, "`files[0]`: '../x' leads out of the workspace"),
        ({"prompt": "x", "files": ["a", ""]}, "`files[1]` must be a text that is not empty"),
        ({"prompt": "x", "files": [".git/config"]}, "`files[0]`: '.git/config' lies in a .git folder"),
        ({"prompt": "x", "output": "~/a.md"}, "`output`: '~/a.md' leads out of the workspace"),
        ({"prompt": "x", "diff": "--output=x"}, "`diff` must name a commit, a branch or a tag, not '--output=x'"),
        ({"prompt": "x", "outputs": [1]}, "`outputs[0]` must be a text that is not empty"),
        ({"prompt": "x", "artifacts": ["a"]}, "`artifacts[0]` must have `step` and `name`, and nothing else"),
        ({"prompt": "x", "artifacts": [{"step": "a"}]}, "`artifacts[0]` must have `step` and `name`, and nothing else"),
        ({"prompt": "x", "repo_map": -1}, "`repo_map` must be at least 0, not -1"),
        ({"prompt": "x", "repo_map": "big"}, "`repo_map` must be true or false or a whole number, not a text"),
        ({"prompt": "x", "attempts": 0}, "`attempts` must be at least 1, not 0"),
        ({"prompt": "x", "attempts": 11}, "`attempts` must be at most 10, not 11"),
        ({"prompt": "x", "max_output_tokens": 0}, "`max_output_tokens` must be at least 1, not 0"),
        ({"prompt": "x", "temperature": 2.5}, "`temperature` must be a number from 0 to 2, not 2.5"),
        ({"prompt": "x", "temperature": True}, "`temperature` must be a number from 0 to 2, not True"),
        ({"prompt": "x", "cache": "never"}, "`cache` must be one of use, refresh, off, not never"),
        ({"prompt": "x", "kind": "poetry"}, "`kind` must be one of codegen, reasoning, docs, not poetry"),
        ({"prompt": "x", "model": "gpt-5"}, "`model` must be written <provider>/<model>, such as openai/gpt-5"),
        ({"prompt": "x", "apply": True, "edits": "ed"}, "`edits` must be one of whole, search-replace, unified-diff"),
        ({"prompt": "x", "edits": "whole"}, "`edits` is only for `apply: true`"),
        ({"prompt": "x", "write": ["a"]}, "`write` is only for `apply: true`"),
        ({"prompt": "x", "apply": True, "schema": {}}, "`schema` is for an answer that is kept; with `apply`"),
        ({"prompt": "x", "apply": True, "output": "a"}, "`output` is for an answer that is kept; with `apply`"),
        ({"prompt": "x", "schema": {}, "output": "a"}, "`output` is for an answer in words; one with a `schema`"),
    ],
)
def test_what_is_wrong_is_told(inputs: dict[str, Any], fault: str) -> None:
    faults = HANDLER.check(inputs)
    assert len(faults) == 1
    assert faults[0].startswith(fault)


def test_what_only_templates_tell_is_not_judged() -> None:
    template = "{{ params.x }}"
    names = ("kind", "model", "cache", "attempts", "temperature", "apply", "files", "repo_map", "edits")
    assert HANDLER.check({"prompt": template, **dict.fromkeys(names, template)}) == []


def test_inputs_that_say_nothing_have_defaults() -> None:
    assert options_of({"prompt": "x"}) == Options(prompt="x")


def test_inputs_become_options() -> None:
    inputs: dict[str, Any] = {
        "prompt_file": "p.md",
        "files": ["a", "b/**"],
        "artifacts": [{"step": "s", "name": "n"}],
        "repo_map": True,
        "apply": True,
        "edits": "whole",
        "write": ["a"],
        "temperature": 1,
        "cache": "off",
        "attempts": 2,
    }
    assert HANDLER.check(inputs) == []
    options = options_of(inputs)
    assert options.files == ("a", "b/**")
    assert options.artifacts == (Artifact("s", "n"),)  # type: ignore[arg-type]
    assert (options.map_tokens, options.temperature, options.attempts) == (2_000, 1.0, 2)
    assert (options.edits, options.cache) == (EditFormat.WHOLE, CacheUse.OFF)
    assert options_of({"prompt": "x", "repo_map": 70}).map_tokens == 70


def test_a_step_writes_where_its_answer_is_applied() -> None:
    assert not handler_writes(HANDLER, {"prompt": "x"})
    assert not handler_writes(HANDLER, {"prompt": "x", "apply": False})
    assert handler_writes(HANDLER, {"prompt": "x", "apply": True})
    assert handler_writes(HANDLER, {"prompt": "x", "apply": "{{ params.apply }}"})
