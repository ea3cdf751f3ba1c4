"""What `agents:` of nofx.yaml becomes, and what it is told of."""

from collections.abc import Mapping

import pytest

from nofx_cli import errors
from nofx_cli.domain.project import AgentSpec
from nofx_cli.planning.project_rules import load_project_rules


def load(text: str) -> Mapping[str, AgentSpec]:
    return load_project_rules(f"agents:\n  {text}", source="nofx.yaml").agents


def test_everything_arrives() -> None:
    assert load("own: {command: [a, 'b {prompt_file}'], prompt: file, timeout: 2m}\n  claude: {timeout: 1h}") == {
        "own": AgentSpec("own", ("a", "b {prompt_file}"), "file", 120_000, "nofx.yaml:2"),
        "claude": AgentSpec("claude", timeout_ms=3_600_000, source="nofx.yaml:3"),
    }


@pytest.mark.parametrize(
    ("command", "prompt"),
    [("a -p {prompt}", "argument"), ("a --in={prompt_file}", "file"), ("a -", "stdin"), ("a {other}", "stdin")],
)
def test_a_command_with_a_place_for_the_prompt_need_not_say_how_it_is_given(command: str, prompt: str) -> None:
    found = load(f"own: {{command: '{command}'}}")["own"]
    assert (found.command, found.prompt) == (tuple(command.split()), prompt)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("own: {}", "nofx.yaml:2:3: agent `own` must have a `command`"),
        ("claud: {}", "did you mean `claude`?"),
        (
            "claude: {prompt: file}",
            "`prompt` of agent `claude` is for an agent that has a `command`",
        ),
        (
            "own: {command: 'a {prompt}', prompt: stdin}",
            "nofx.yaml:2:40: the command of agent `own` has `{prompt}`, but its prompt is given by stdin",
        ),
        (
            "own: {command: 'a {prompt}', prompt: file}",
            "nofx.yaml:2:40: the command of agent `own` has no place for the prompt",
        ),
        ("own: {command: a, prompt: argument}", "write `{prompt}` where it belongs"),
        ("own: {command: []}", "`command` of agent `own` is empty"),
        ("own: {command: a, prompt: pipe}", "`prompt` of agent `own` takes stdin, argument or file"),
        ("1x: {command: a}", "error[settings-bad-name]: `1x` cannot be the name of an agent"),
        ("own: a", "agent `own` is the text `a`, not a mapping"),
    ],
)
def test_a_fault_is_told_at_its_place(text: str, fault: str) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        load(text)
    assert fault in caught.value.message.replace("error[settings-bad-value]: ", "")
