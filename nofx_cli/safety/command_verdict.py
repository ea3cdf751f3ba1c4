"""The verdict on one command: everything that it starts is held against the rules of all levels."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

from nofx_cli.domain.wording import shortened
from nofx_cli.safety import command_escapes, command_git, command_shells, command_wrappers
from nofx_cli.safety.command_programs import Place, Program, find, hides_in_relative_folder
from nofx_cli.safety.command_rules import CommandRule, CommandRules, possibly_fits, surely_fits
from nofx_cli.safety.command_seen import Inner, Invocation, Need, Seen, Text, opaque
from nofx_cli.safety.command_variables import steers_programs
from nofx_cli.safety.shell_grammar import Script, SimpleCommand, read_script
from nofx_cli.safety.shell_words import Undecidable, Word

_DEEPEST = 20
_SHELL_OF_STEPS = {("/bin/sh", "-ec"): False, ("bash", "-eo", "pipefail", "-c"): True}
"""How the text of a step is given to its shell. Who wrote the text did not choose that shell, so no rule is on it."""
_MOVERS = frozenset(("cd", "pushd", "popd"))
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INTEGER = re.compile(r"-?[0-9]+")


class Refused(Exception):
    """The command may not run."""

    def __init__(self, rule: str, source: str, why: str) -> None:
        super().__init__(why)
        self.rule, self.source, self.why = rule, source, why


class Verdict:
    """Holds commands against rules. `check` raises `Refused`, or returns."""

    def __init__(self, levels: Sequence[CommandRules]) -> None:
        self._levels = levels
        self._denies = any(level.deny for level in levels)
        self._depth = 0

    def check(self, argv: Sequence[str], place: Place, base_env: Mapping[str, str]) -> None:
        """Hold a whole command against the rules, with the environment that it would get."""
        if self._lets_all_through():
            return
        try:
            self._environment(place.env, base_env)
            self._inner(_first(argv, place))
        except Undecidable as exc:
            self._refuse(str(exc))

    def check_environment(self, env: Mapping[str, str], base_env: Mapping[str, str]) -> None:
        """Hold only that against the rules, for a command that they are not about."""
        if self._lets_all_through():
            return
        try:
            self._environment(env, base_env)
        except Undecidable as exc:
            self._refuse(str(exc))

    def _lets_all_through(self) -> bool:
        return not self._denies and all(_allows_all(level) for level in self._levels)

    def _environment(self, env: Mapping[str, str], base_env: Mapping[str, str]) -> None:
        for name in sorted({*env, *base_env}):
            if steers_programs(name) and env.get(name) != base_env.get(name):
                raise Undecidable(f"its environment sets `{name}`, which decides what programs run")

    def _inner(self, inner: Inner) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Undecidable("commands are nested too deeply in it")
        if isinstance(inner, Text):
            self._text(inner)
        else:
            self._invocation(inner)
        self._depth -= 1

    def _text(self, text: Text) -> None:
        script = read_script(text.text, bash=text.bash)
        for name, _ in script.sets:
            if steers_programs(name):
                raise Undecidable(f"it sets the variable `{name}`, which decides what programs run")
        place = text.place
        self._functions(script, place)
        _check_arithmetic(script, place.env)
        inside = replace(
            place,
            in_shell=True,
            bash=text.bash,
            moved=place.moved or any(_mentions(command, _MOVERS) for command in script.commands),
            functions=place.functions | script.functions,
        )
        for command in script.commands:
            if command.words:
                self._invocation(Invocation(command.words, inside))

    def _functions(self, script: Script, place: Place) -> None:
        """A function has a name that means nothing else, or it would hide what a rule is on."""
        for name in script.functions:
            program = find(name, place)
            is_taken = name in command_shells.BUILTINS or program.is_found() or name in place.functions
            if not _IDENTIFIER.fullmatch(name) or is_taken or self._is_in_rules(program):
                raise Undecidable(f"its function `{name}` hides a command of that name")

    def _is_in_rules(self, program: Program) -> bool:
        rules = [rule for level in self._levels for rule in (*(level.allow or ()), *level.deny) if rule.names_program]
        return any(possibly_fits(CommandRule(rule.rule, rule.words[:1]), program, ()) for rule in rules)

    def _invocation(self, invocation: Invocation) -> None:
        words, place = invocation.words, invocation.place
        first = words[0] if words else Word("")
        if not first.known or not first.text:
            raise Undecidable(f"which program `{_shown(words)}` starts cannot be told beforehand")
        if first.text in place.functions:
            return
        program = find(first.text, place)
        self._check_place(program)
        self._check_denied(program, words)
        seen = _look(program, words)
        self._check_need(program, words, seen, denied_only=invocation.denied_only)
        for inner in seen.inner:
            self._inner(inner)

    def _check_place(self, program: Program) -> None:
        word, place = program.word, program.place
        if program.by_path and not word.startswith("/") and place.moved:
            raise Undecidable(f"`{word}` is relative to a folder that is not known beforehand")
        if hides_in_relative_folder(word, place):
            raise Undecidable(f"`{word}` is looked for in the working folder, since PATH has a relative folder")

    def _check_denied(self, program: Program, words: Sequence[Word]) -> None:
        for level in self._levels:
            for rule in level.deny:
                if any(possibly_fits(rule, *meaning) for meaning in _meanings(program, words)):
                    source = rule.rule.source or level.rules.source
                    raise Refused(f"deny: {rule.rule}", source, f"`{_shown(words)}` is denied by `{rule.rule}`")

    def _check_need(self, program: Program, words: Sequence[Word], seen: Seen, *, denied_only: bool) -> None:
        if seen.need is Need.NOTHING:
            return
        if not denied_only:
            self._check_listed(program, words)
        if seen.need is Need.NAMED or (seen.need is Need.NAMED_WHERE_DENIED and self._denies):
            self._check_named(program, words, seen)

    def _check_listed(self, program: Program, words: Sequence[Word]) -> None:
        for level in self._levels:
            allow = level.allow
            if allow is None or any(surely_fits(rule, program, words[1:]) for rule in allow):
                continue
            listed = ", ".join(f"`{rule.rule}`" for rule in allow) or "nothing"
            source = level.rules.source or next((rule.rule.source for rule in allow), "")
            raise Refused(f"allow: {listed}", source, f"`{_shown(words)}` is not among what is allowed: {listed}")

    def _check_named(self, program: Program, words: Sequence[Word], seen: Seen) -> None:
        for level in self._levels:
            if any(_names(rule, seen) and surely_fits(rule, program, words[1:]) for rule in level.allow or ()):
                return
        self._refuse(f"{seen.why}: where rules are on commands, one must allow just `{_shown(words)}`")

    def _refuse(self, why: str) -> NoReturn:
        """Refuse for no rule in particular: the narrowest level is told, as that which asks to see."""
        level = self._levels[-1]
        rules = level.deny or level.allow or ()
        kind = "deny" if level.deny else "allow"
        listed = ", ".join(f"`{rule.rule}`" for rule in rules) or "nothing"
        source = level.rules.source or next((rule.rule.source for rule in rules), "")
        raise Refused(f"{kind}: {listed}", source, why)


def _allows_all(level: CommandRules) -> bool:
    return level.allow is None or any(rule.words in (("*",), ("**",)) for rule in level.allow)


def _first(argv: Sequence[str], place: Place) -> Inner:
    *begin, text = argv or ("",)
    if tuple(begin) in _SHELL_OF_STEPS:
        return Text(text, place, bash=_SHELL_OF_STEPS[tuple(begin)])
    return Invocation(tuple(map(Word, argv)), place)


def _look(program: Program, words: Sequence[Word]) -> Seen:
    """What is known of such a program. One that lies elsewhere than programs do may be anything, whatever its name."""
    place, whole = program.place, tuple(words)
    if place.in_shell and not program.by_path:
        builtin = command_shells.look_at_builtin(program.name, whole, place)
        if builtin:
            return builtin
    if program.elsewhere and not program.is_named_on_path():
        return opaque(f"`{program.word}` lies where programs do not, so it may run anything")
    for name in program.names:
        found = (
            command_wrappers.look(name, whole, place)
            or command_shells.look_at_shell(name, whole, place)
            or command_git.look(name, whole)
            or command_escapes.look(name, whole, place)
        )
        if found:
            return found
    return Seen()


def _meanings(program: Program, words: Sequence[Word]) -> Iterator[tuple[Program, Sequence[Word]]]:
    """`git-push` is `git push` too."""
    yield program, words[1:]
    if program.name.startswith("git-"):
        yield find("git", program.place), (Word(program.name.removeprefix("git-")), *words[1:])


def _names(rule: CommandRule, seen: Seen) -> bool:
    if not rule.names_program or (seen.exact and rule.open_ended):
        return False
    return not seen.markers or any(marker in rule.words for marker in seen.markers)


def _mentions(command: SimpleCommand, names: frozenset[str]) -> bool:
    return any(word.text in names for word in command.words[:3])


def _check_arithmetic(script: Script, env: Mapping[str, str]) -> None:
    """bash runs `$(…)` that stands in the value of a variable which takes part in arithmetic."""
    for name in script.arithmetic:
        values = [word for variable, word in script.sets if variable == name]
        is_number = all(_INTEGER.fullmatch(word.text.partition("=")[2]) and word.known for word in values)
        is_set = any(
            _mentions(command, command_shells.SETTERS) and any(word.text.startswith(name) for word in command.words[1:])
            for command in script.commands
        )
        if steers_programs(name) or is_set or not is_number or not _INTEGER.fullmatch(env.get(name, "0")):
            raise Undecidable(f"the value of `{name}` is not known to be a number, and arithmetic can run commands")


def _shown(words: Sequence[Word]) -> str:
    return shortened(" ".join(str(word) for word in words), 80)
