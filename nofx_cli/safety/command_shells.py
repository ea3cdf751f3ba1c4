"""Shells, and the builtins of theirs that a text uses.

Builtins that start no program need no rule. Those that run a text (`eval`, `trap`) or a program (`exec`, `command`)
are looked through; those that change what a name means (`alias`, `enable`, `hash -p`) are refused.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise

from nofx_cli.safety.command_lists import OTHER_SHELLS, names
from nofx_cli.safety.command_options import Grammar, Words, parse
from nofx_cli.safety.command_programs import Place
from nofx_cli.safety.command_seen import Invocation, Need, Seen, Text, hidden
from nofx_cli.safety.command_variables import steers_programs
from nofx_cli.safety.command_wrappers import outside_shell
from nofx_cli.safety.shell_words import Undecidable, Word

_SHELLS = {"sh": False, "dash": False, "ash": False, "bash": True, "rbash": True}
_SHELL = Grammar(flags="aefhnuvxCEmbsc", values="o", long_flags=("--noprofile", "--norc", "--posix"))
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FREE = names(
    """
    : true false exit return break continue shift echo pwd wait umask times type ulimit jobs cd pushd popd dirs
    caller
    """
)
_REFUSED = names(
    """
    alias unalias enable bind complete compgen compopt coproc fc history let suspend logout disown bg fg nameref
    source_dir
    """
)
_SET_LETTERS = frozenset("aefuvxnmbhCET")
_SET_NAMES = names(
    """
    allexport errexit noglob nounset verbose xtrace noexec monitor notify noclobber errtrace functrace pipefail
    hashall
    """
)
_SHOPT_NAMES = names("nullglob failglob globstar dotglob nocaseglob lastpipe inherit_errexit pipefail")
_NO_RULE = Seen(Need.NOTHING)


def look_at_shell(name: str, words: Words, place: Place) -> Seen | None:
    """What a shell of this name is given to run; None where the name is none of a shell."""
    if name in OTHER_SHELLS:
        return hidden(f"nofx does not read the language of `{name}`", *(word.text for word in words[1:2] if word.known))
    if name not in _SHELLS:
        return None
    if len(words) == 2 and words[1].text in ("--version", "--help"):
        return Seen()
    parsed = parse(_without_plus(words), _SHELL)
    options = {option for option, _ in parsed.options}
    if "-c" in options:
        if not parsed.rest or not parsed.rest[0].known:
            raise Undecidable(f"the text that `{name}` is given cannot be told beforehand")
        return Seen(Need.NOTHING, (Text(parsed.rest[0].text, outside_shell(place), bash=_SHELLS[name]),))
    if "-s" in options or not parsed.rest:
        return hidden(f"`{name}` runs what it reads from its input", exact=True)
    return _run_file(name, parsed.rest, place)


def _without_plus(words: Words) -> Words:
    return tuple(Word("-" + word.text[1:]) if word.text in ("+e", "+x", "+u") else word for word in words)


def _run_file(name: str, rest: Words, place: Place) -> Seen:
    """A file with commands: allowed where a rule names it, as an argument or as a program."""
    if not rest[0].known:
        raise Undecidable(f"the file that `{name}` runs cannot be told beforehand")
    path = rest[0].text
    named = Word(path if "/" in path else "./" + path)
    inner = Invocation((named, *rest[1:]), outside_shell(place), denied_only=True)
    return hidden(f"what is in `{path}` is not seen", path, inner=(inner,))


def look_at_builtin(name: str, words: Words, place: Place) -> Seen | None:
    """What a builtin of this name does; None where the shell looks for a program."""
    if name in _REFUSED:
        raise Undecidable(f"`{name}` changes what the words of a shell mean")
    if name in _FREE:
        return _NO_RULE
    found = _BUILTINS.get(name)
    return found(words, place) if found else None


def _eval(words: Words, place: Place) -> Seen:
    return Seen(Need.NOTHING, (_text(words[1:], place),))


def _text(words: Words, place: Place) -> Text:
    if not all(word.known for word in words):
        raise Undecidable("a text that the shell is to run cannot be told beforehand")
    return Text(" ".join(word.text for word in words), place, place.bash)


def _trap(words: Words, place: Place) -> Seen:
    rest = words[2:] if words[1:2] and words[1].text == "--" else words[1:]
    if len(rest) < 2 or rest[0].text in ("", "-", "-p", "-l"):
        return _NO_RULE if all(word.known for word in rest) else _cannot_tell("trap")
    return Seen(Need.NOTHING, (_text(rest[:1], place),))


def _cannot_tell(name: str) -> Seen:
    raise Undecidable(f"what `{name}` is given cannot be told beforehand")


def _exec(words: Words, place: Place) -> Seen:
    rest = parse(words, Grammar(flags="l")).rest
    return Seen(Need.NOTHING, (Invocation(rest, outside_shell(place)),) if rest else ())


def _command(words: Words, place: Place) -> Seen:
    parsed = parse(words, Grammar(flags="vV"))
    if parsed.options or not parsed.rest:
        return _NO_RULE
    return Seen(Need.NOTHING, (Invocation(parsed.rest, replace(place, functions=frozenset())),))


def _source(words: Words, place: Place) -> Seen:
    return _run_file(words[0].text, words[1:], place) if len(words) > 1 else _NO_RULE


def _declare(words: Words, place: Place) -> Seen:
    """`export`, `local`, `readonly`: only plain names, and none that steers programs."""
    name = words[0].text
    for word in words[1:]:
        if word.known and word.text.startswith("-"):
            if set(word.text) & set("nif"):
                raise Undecidable(f"`{name} {word}` changes what the words of a shell mean")
            continue
        if word.many and not (place.bash and word.assigns):
            raise Undecidable(f"what `{name}` is given cannot be told beforehand; quote it")
        _may_set(name, Word(word.text.partition("=")[0], known=word.known or "=" in word.text))
    return _NO_RULE


def _may_set(name: str, variable: Word) -> None:
    plain = variable.text.removesuffix("+")
    if not variable.known or not _NAME.fullmatch(plain):
        raise Undecidable(f"what `{name}` sets cannot be told beforehand")
    if steers_programs(plain):
        raise Undecidable(f"`{name}` sets the variable `{plain}`")


def _unset(words: Words, _place: Place) -> Seen:
    for word in words[1:]:
        if word.text != "-v":
            _may_set("unset", word)
    return _NO_RULE


def _read(words: Words, _place: Place) -> Seen:
    parsed = parse(words, Grammar(flags="ers", values="pdnNtua"))
    arrays = [value for option, value in parsed.options if option == "-a"]
    for word in (*arrays, *parsed.rest):
        _may_set("read", word)
    return _NO_RULE


def _mapfile(words: Words, _place: Place) -> Seen:
    for word in parse(words, Grammar(flags="t", values="dnOsu")).rest:
        _may_set(words[0].text, word)
    return _NO_RULE


def _getopts(words: Words, _place: Place) -> Seen:
    for word in words[2:3]:
        _may_set("getopts", word)
    return _NO_RULE


def _printf(words: Words, _place: Place) -> Seen:
    if words[1:] and words[1].maybe_option and not (words[1].known and words[1].text == "--"):
        if words[1].text != "-v" or len(words) < 3:
            _cannot_tell("printf")
        _may_set("printf", words[2])
    return _NO_RULE


def _test(words: Words, _place: Place) -> Seen:
    for operator, operand in pairwise(words[1:]):
        if operator.text in ("-v", "-R"):
            _may_set("test", operand)
    return _NO_RULE


def _set(words: Words, _place: Place) -> Seen:
    for before, word in pairwise(words):
        if word.known and word.text == "--":
            break
        is_name = before.text in ("-o", "+o") or (before.text[:1] in "-+" and before.text.endswith("o"))
        if not word.known or (is_name and word.text not in _SET_NAMES):
            _cannot_tell("set")
        if not is_name and word.text[:1] in ("-", "+") and not set(word.text[1:]) <= _SET_LETTERS | {"o"}:
            raise Undecidable(f"`set {word}` changes how the shell reads its text")
    return _NO_RULE


def _shopt(words: Words, _place: Place) -> Seen:
    for word in words[1:]:
        if word.text not in _SHOPT_NAMES and word.text not in ("-s", "-u", "-q", "-p", "-o"):
            raise Undecidable(f"`shopt {word}` changes how the shell reads its text")
    return _NO_RULE


def _hash(words: Words, _place: Place) -> Seen:
    if any(word.text != "-r" and word.maybe_option for word in words[1:]):
        raise Undecidable("`hash` changes which file a name means")
    return _NO_RULE


_BUILTINS: Mapping[str, Callable[[Words, Place], Seen]] = {
    "eval": _eval,
    "trap": _trap,
    "exec": _exec,
    "command": _command,
    "builtin": _command,
    ".": _source,
    "source": _source,
    "export": _declare,
    "readonly": _declare,
    "local": _declare,
    "declare": _declare,
    "typeset": _declare,
    "unset": _unset,
    "read": _read,
    "mapfile": _mapfile,
    "readarray": _mapfile,
    "getopts": _getopts,
    "printf": _printf,
    "test": _test,
    "[": _test,
    "set": _set,
    "shopt": _shopt,
    "hash": _hash,
}
BUILTINS = _FREE | _REFUSED | frozenset(_BUILTINS)
SETTERS = names("read mapfile readarray getopts printf export readonly local declare typeset")
"""Builtins that set variables named in their arguments."""
