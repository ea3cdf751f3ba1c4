"""The words that an agent is started with. None of them goes through a shell.

The words of a known agent are nofx's own (`profile`); those that `nofx.yaml` declares are taken as they are, with
places for what differs:

    {prompt}        in a word: the prompt
    {prompt_file}   in a word: a file that holds the prompt, new at each attempt
    {model}         in a word: the `model` of the step
    {args}          as a word: the `args` of the step
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from nofx_cli.domain.project import AgentSpec
from nofx_cli.domain.record import record
from nofx_cli.handlers.agents.profile import ARGS, MODEL, PLAIN_READER, PROFILES, PROMPT, PROMPT_FILE, Profile

PROMPT_NAME = "prompt.md"


@record
class Agent:
    """An agent as this project has it: a known one, one of its own, or a known one with a command of its own."""

    name: str
    profile: Profile | None = None
    spec: AgentSpec | None = None

    @property
    def declared(self) -> tuple[str, ...]:
        """The words of the project's own; empty where those of nofx are taken."""
        return self.spec.command if self.spec else ()

    @property
    def program(self) -> str:
        return self.declared[0] if self.declared else self._known.command[0]

    @property
    def prompt_by(self) -> str:
        """`stdin`, `argument` or `file`."""
        return self.spec.prompt if self.spec and self.declared else self._known.prompt

    @property
    def own_files(self) -> tuple[str, ...]:
        return self.profile.own_files if self.profile else ()

    @property
    def reader(self) -> str:
        return self.profile.reader if self.profile else PLAIN_READER

    @property
    def source(self) -> str:
        return (self.spec.source if self.spec else "") or "nofx.yaml"

    @property
    def _known(self) -> Profile:
        assert self.profile is not None
        return self.profile

    def lacks(self, place: str) -> bool:
        """Whether its command has no place for something."""
        return bool(self.declared) and not any(place in word for word in self.declared)

    def words(self, *, prompt: str, file: Path, model: str, args: Sequence[str], in_git: bool) -> list[str]:
        """The whole command.

        Args:
            file: holds the prompt.
            in_git: whether the workspace is in a repository.
        """
        if not self.declared:
            return list(_known_words(self._known, file=file, model=model, args=args, in_git=in_git))
        return list(_declared_words(self.declared, prompt=prompt, file=file, model=model, args=args))


def agent_of(name: str, spec: AgentSpec | None = None) -> Agent | None:
    """The agent of a name; None where nothing says how it is started."""
    profile = PROFILES.get(name)
    return None if profile is None and not (spec and spec.command) else Agent(name, profile, spec)


def _known_words(profile: Profile, *, file: Path, model: str, args: Sequence[str], in_git: bool) -> Iterator[str]:
    yield from profile.command
    given = {arg.partition("=")[0] for arg in args}
    for option in profile.options:
        if option[0] not in given:
            yield from option
    if model:
        yield from (profile.model, model)
    if not in_git:
        yield from profile.without_git
    yield from args
    yield from (str(file) if word == PROMPT_FILE else word for word in profile.last)


def _declared_words(words: Sequence[str], *, prompt: str, file: Path, model: str, args: Sequence[str]) -> Iterator[str]:
    for word in words:
        if word == ARGS:
            yield from args
        else:
            yield _filled(word, prompt=prompt, file=file, model=model)


def _filled(word: str, *, prompt: str, file: Path, model: str) -> str:
    """The places of the word as it is written; what is put there is not looked through again."""
    if word == PROMPT:
        return no_option(prompt)
    values = {PROMPT: prompt, PROMPT_FILE: str(file), MODEL: model}
    rest, made = word, ""
    while found := min((place for place in values if place in rest), key=rest.index, default=""):
        before, _, rest = rest.partition(found)
        made += before + values[found]
    return made + rest


def no_option(prompt: str) -> str:
    """A prompt as a word of its own. A text of who knows whom does not become an option by its first character."""
    return f" {prompt}" if prompt.startswith("-") else prompt
