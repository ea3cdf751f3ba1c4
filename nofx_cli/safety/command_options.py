"""Where in its arguments a program that starts another one has that other one."""

from nofx_cli.domain.record import record
from nofx_cli.safety.shell_words import Undecidable, Word

Words = tuple[Word, ...]


@record
class Grammar:
    """The options that a program takes before the command that it runs.

    Attributes:
        flags: letters of options without a value; `values` of those with one.
        long_flags: long options without a value, or with one behind `=`; `long_values` of those with one.
        operands: how many arguments stand before the command.
        numbers: whether `-5` is an option.
        attached: letters of options whose value can only stand in the same word.
    """

    flags: str = ""
    values: str = ""
    long_flags: tuple[str, ...] = ()
    long_values: tuple[str, ...] = ()
    operands: int = 0
    numbers: bool = False
    attached: str = ""


@record
class Parsed:
    """The options as they were met, `(name, value)`, and what is left behind them."""

    options: tuple[tuple[str, Word], ...]
    rest: Words


_NO_VALUE = Word("")


def parse(words: Words, grammar: Grammar) -> Parsed:
    """Take options and operands off the arguments of `words`.

    Raises:
        Undecidable: an option is not known to this grammar, or cannot be told.
    """
    found: list[tuple[str, Word]] = []
    at = 1
    while at < len(words):
        word = words[at]
        if not word.known and (word.maybe_option or word.many):
            raise Undecidable(f"what `{word}` is for `{words[0]}` cannot be told beforehand")
        if word.text == "--" or not word.text.startswith("-") or word.text == "-":
            at += word.text == "--"
            break
        at += 1
        needs_value = _take(word, grammar, found)
        if needs_value:
            found[-1] = (found[-1][0], words[at] if at < len(words) else _NO_VALUE)
            at += 1
    operands, rest = words[at : at + grammar.operands], words[at + grammar.operands :]
    if any(word.many for word in operands):
        raise Undecidable(f"where the command of `{words[0]}` begins cannot be told beforehand")
    return Parsed(tuple(found), rest)


def _take(word: Word, grammar: Grammar, found: list[tuple[str, Word]]) -> bool:
    """Note the options in one word; whether the next word is the value of the last of them."""
    if word.text.startswith("--"):
        name, equals, value = word.text.partition("=")
        if name in grammar.long_values or (name in grammar.long_flags and (equals or word.known)):
            found.append((name, Word(value, known=word.known)))
            return name in grammar.long_values and not equals
        raise _unknown(name)
    if not word.known:
        raise _unknown(str(word))
    if grammar.numbers and word.text[1:].isdigit():
        return False
    for place, letter in enumerate(word.text[1:], 2):
        if letter in grammar.flags:
            found.append(("-" + letter, _NO_VALUE))
        elif letter in grammar.values or letter in grammar.attached:
            found.append(("-" + letter, Word(word.text[place:])))
            return letter in grammar.values and place == len(word.text)
        else:
            raise _unknown("-" + letter)
    return False


def _unknown(name: str) -> Undecidable:
    return Undecidable(f"`{name}` is an option that nofx does not know there")
