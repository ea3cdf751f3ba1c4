"""Rules about commands, and whether a command fits one.

A rule is words as a shell splits them. Each is a glob over one argument; a last `*` (or `**`) stands for any further
arguments, or none. What is allowed must fit surely: word for word, and what is not known fits only `*`. What is denied
must only possibly fit: the words of a rule that are no options are looked for in their order, with only options (and
an argument of each) between them; options are looked for anywhere, also in a cluster or cut short; more words may
follow.
"""

import os
import shlex
from collections.abc import Mapping, Sequence

from nofx_cli.domain.policy import Rule, Rules
from nofx_cli.domain.record import record
from nofx_cli.safety.command_programs import Program
from nofx_cli.safety.globs import SIGNS, matches
from nofx_cli.safety.shell_words import Word

_REST = frozenset(("*", "**"))
_LONGEST_CLUSTER = 3
VALUE_OPTIONS: Mapping[str, frozenset[str]] = {
    "git": frozenset(
        ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix", "--config-env", "--attr-source")
    ),
    "docker": frozenset(("-H", "--host", "-c", "--context", "--config", "-l", "--log-level")),
}
"""Options with an argument of programs whose other options have none, so that a subcommand is told from it."""


@record
class CommandRule:
    """A rule that was read."""

    rule: Rule
    words: tuple[str, ...]

    @property
    def program(self) -> str:
        return self.words[0]

    @property
    def names_program(self) -> bool:
        """Whether it says which program, not just any."""
        return bool(set(self.program) - set("*?"))

    @property
    def open_ended(self) -> bool:
        return self.words[-1] in _REST


@record
class CommandRules:
    """What one level says, read."""

    rules: Rules
    allow: tuple[CommandRule, ...] | None
    deny: tuple[CommandRule, ...]


def read_rules(rules: Rules) -> CommandRules:
    """Split the words of every rule.

    Raises:
        ValueError: one of them has no word, or a quote that is not closed; the argument is that `Rule`.
    """
    allow = None if rules.allow is None else tuple(_read(rule) for rule in rules.allow)
    return CommandRules(rules, allow, tuple(_read(rule) for rule in rules.deny))


def _read(rule: Rule) -> CommandRule:
    try:
        words = tuple(shlex.split(rule.pattern))
    except ValueError as exc:
        raise ValueError(rule) from exc
    if not words or not words[0]:
        raise ValueError(rule)
    return CommandRule(rule, words)


def surely_fits(rule: CommandRule, program: Program, arguments: Sequence[Word]) -> bool:
    """Whether the command is one that the rule allows."""
    return _is_program(rule.program, program) and _arguments_fit(rule, arguments)


def _is_program(pattern: str, program: Program) -> bool:
    if pattern in _REST:
        return True
    if "/" in pattern:
        return _is_at(pattern, program)
    if program.name != pattern and not matches(program.name, pattern):
        return False
    return not program.by_path or program.is_named_on_path()


def _is_at(pattern: str, program: Program) -> bool:
    """A rule with a path means that file; one with a glob too, and then links do not lead out of it."""
    if not program.by_path:
        return False
    wanted = os.path.normpath(os.path.join(program.place.workspace, pattern))
    written = os.path.normpath(os.path.join(program.place.cwd, program.word))
    if SIGNS.isdisjoint(pattern):
        return written == wanted
    real_wanted = os.path.normpath(os.path.join(program.place.workspace.resolve(), pattern))
    return matches(written, wanted) and (not program.real or matches(program.real, real_wanted))


def _arguments_fit(rule: CommandRule, arguments: Sequence[Word]) -> bool:
    patterns = rule.words[1:]
    if rule.open_ended:
        patterns = rule.words[1:-1]
    elif len(arguments) != len(patterns):
        return False
    fixed = arguments[: len(patterns)]
    return len(fixed) == len(patterns) and all(map(_surely, fixed, patterns))


def _surely(word: Word, pattern: str) -> bool:
    if word.many:
        return False
    return matches(word.text, pattern) if word.known else pattern in _REST


def possibly_fits(rule: CommandRule, program: Program, arguments: Sequence[Word]) -> bool:
    """Whether the command may be one that the rule denies."""
    if not _may_be_program(rule.program, program):
        return False
    patterns = rule.words[1:-1] if rule.open_ended else rule.words[1:]
    options = [pattern for pattern in patterns if pattern.startswith("-") and len(pattern) > 1]
    others = [pattern for pattern in patterns if pattern not in options]
    return all(_may_have(option, arguments) for option in options) and _may_follow(others, program.name, arguments)


def _may_be_program(pattern: str, program: Program) -> bool:
    if pattern in _REST:
        return True
    if "/" in pattern:
        return _is_at(pattern, program) or _is_file(pattern, program)
    return any(matches(name, pattern) for name in program.names) or program.same_as(pattern)


def _is_file(pattern: str, program: Program) -> bool:
    wanted = os.path.join(program.place.workspace, pattern)
    return bool(program.real) and matches(program.real, os.path.realpath(wanted))


def _may_have(option: str, arguments: Sequence[Word]) -> bool:
    """Whether an option is, or may be, among the arguments before `--`."""
    letters: set[str] = set()
    for word in arguments:
        if word.known and word.text == "--":
            break
        if _may_be(word, option) or (option.startswith("--") and _is_cut_short(word, option)):
            return True
        if word.text.startswith("-") and not word.text.startswith("--"):
            letters.update(word.text[1:])
            if not word.known:
                return True
    return not option.startswith("--") and len(option) <= _LONGEST_CLUSTER + 1 and set(option[1:]) <= letters


def _is_cut_short(word: Word, option: str) -> bool:
    """`--forc`, `--force=yes`."""
    name = word.text.partition("=")[0]
    return len(name) > 2 and name.startswith("--") and (option.startswith(name) or matches(name, option))


def _may_follow(patterns: Sequence[str], name: str, arguments: Sequence[Word]) -> bool:
    reached = {0}
    for pattern in patterns:
        reached = _behind_options(reached, name, arguments)
        reached = {
            end
            for start in reached
            if start < len(arguments) and _may_be(arguments[start], pattern)
            for end in ((start, start + 1) if arguments[start].many else (start + 1,))
        }
    return bool(reached)


def _behind_options(reached: set[int], name: str, arguments: Sequence[Word]) -> set[int]:
    found, left = set(reached), list(reached)
    valued = VALUE_OPTIONS.get(name)
    while left:
        at = left.pop()
        if at < len(arguments) and arguments[at].maybe_option:
            has_value = valued is not None and arguments[at].text in valued
            steps = (2,) if has_value else (1,) if valued is not None and arguments[at].known else (1, 2)
            new = {at + step for step in steps} - found
            found |= new
            left += new
    return found


def _may_be(word: Word, pattern: str) -> bool:
    if word.known:
        return matches(word.text, pattern)
    place = next((at for at, char in enumerate(pattern) if char in SIGNS), len(pattern))
    head = pattern[:place]
    return head.startswith(word.text) or (place < len(pattern) and word.text.startswith(head))
