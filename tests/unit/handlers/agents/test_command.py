"""The words that agents are started with."""

from pathlib import Path
from typing import Any

import pytest

from nofx_cli.domain.project import KNOWN_AGENTS, AgentSpec
from nofx_cli.handlers.agents.command import Agent, agent_of
from nofx_cli.handlers.agents.profile import PROFILES

FILE = Path("/scratch/prompt.md")


def agent(name: str, *command: str, prompt: Any = "stdin") -> Agent:
    found = agent_of(name, AgentSpec(name, command, prompt) if command else None)
    assert found is not None
    return found


def words(one: Agent, *args: str, prompt: str = "do it", model: str = "", in_git: bool = True) -> list[str]:
    return one.words(prompt=prompt, file=FILE, model=model, args=args, in_git=in_git)


def test_the_profiles_are_of_the_agents_that_are_known() -> None:
    assert tuple(PROFILES) == KNOWN_AGENTS


class TestKnown:
    def test_claude(self) -> None:
        assert words(agent("claude"), model="opus") == [
            *("claude", "-p", "--output-format", "stream-json", "--verbose", "--permission-mode", "acceptEdits"),
            *("--disallowedTools", "Bash(git commit:*),Bash(git push:*)", "--model", "opus"),
        ]

    def test_codex(self) -> None:
        assert words(agent("codex"), "--ephemeral") == [
            *("codex", "exec", "--json", "--sandbox", "workspace-write", "--skip-git-repo-check", "--ephemeral", "-"),
        ]

    def test_gemini(self) -> None:
        assert words(agent("gemini")) == [
            *("gemini", "--output-format", "stream-json", "--approval-mode", "auto_edit"),
        ]

    def test_aider(self) -> None:
        found = words(agent("aider"))

        assert found[:4] == ["aider", "--yes-always", "--no-auto-commits", "--no-dirty-commits"]
        assert found[-2:] == ["--message-file", str(FILE)]
        assert "--no-git" not in found

    def test_aider_is_not_to_make_a_repository(self) -> None:
        assert "--no-git" in words(agent("aider"), in_git=False)

    @pytest.mark.parametrize("name", list(PROFILES))
    def test_no_word_is_the_prompt(self, name: str) -> None:
        assert "secret plan" not in " ".join(words(agent(name), prompt="secret plan"))

    @pytest.mark.parametrize("args", [("--permission-mode", "plan"), ("--permission-mode=plan",)])
    def test_what_the_step_says_stands_in_the_place_of_an_option(self, args: tuple[str, ...]) -> None:
        found = words(agent("claude"), *args)

        assert "acceptEdits" not in found
        assert found[-len(args) :] == list(args)


class TestDeclared:
    def test_the_words_are_taken_as_they_are(self) -> None:
        assert words(agent("mine", "mine", "--do", "a b")) == ["mine", "--do", "a b"]

    def test_places_are_filled(self) -> None:
        mine = agent("mine", "mine", "--m={model}", "{args}", "--from={prompt_file}", "x{prompt}y", prompt="argument")

        found = words(mine, "-a", "-b", prompt="{model} {args}", model="m1")

        assert found == ["mine", "--m=m1", "-a", "-b", f"--from={FILE}", "x{model} {args}y"]

    def test_a_prompt_does_not_become_an_option(self) -> None:
        mine = agent("mine", "mine", "{prompt}", prompt="argument")

        assert words(mine, prompt="--yolo") == ["mine", " --yolo"]
        assert words(mine, prompt="a --yolo") == ["mine", "a --yolo"]

    def test_a_known_agent_with_a_command_of_its_own_is_read_as_ever(self) -> None:
        own = agent("claude", "npx", "claude", "-p")

        assert words(own) == ["npx", "claude", "-p"]
        assert own.reader == PROFILES["claude"].reader
        assert own.declared

    def test_a_known_agent_with_settings_alone_keeps_its_words(self) -> None:
        found = agent_of("codex", AgentSpec("codex", timeout_ms=5))

        assert found is not None
        assert words(found)[:2] == ["codex", "exec"]
        assert found.prompt_by == "stdin"

    def test_without_a_command_there_is_none(self) -> None:
        assert agent_of("mine") is None
        assert agent_of("mine", AgentSpec("mine")) is None
