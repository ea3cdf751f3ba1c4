"""Programs that start another one which stands in their arguments, and how that is found there.

A program that only changes how the other one runs (`nice`, `timeout`) is looked through and needs no rule; one that
gives it other rights or another root (`sudo`, `chroot`) must be named by a rule, and the other one be allowed too.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace

from nofx_cli.safety.command_options import Grammar, Words, parse
from nofx_cli.safety.command_programs import Place
from nofx_cli.safety.command_seen import Invocation, Need, Seen, Text, hidden
from nofx_cli.safety.command_variables import steers_programs
from nofx_cli.safety.shell_words import ANYTHING, Undecidable, Word

_PLAIN: Mapping[str, Grammar] = {
    "nice": Grammar(values="n", long_values=("--adjustment",), numbers=True),
    "nohup": Grammar(),
    "timeout": Grammar(
        flags="v",
        values="ks",
        long_flags=("--foreground", "--preserve-status", "--verbose"),
        long_values=("--kill-after", "--signal"),
        operands=1,
    ),
    "time": Grammar(
        flags="pavq",
        values="fo",
        long_flags=("--portability", "--append", "--verbose", "--quiet"),
        long_values=("--format", "--output"),
    ),
    "stdbuf": Grammar(values="ioe", long_values=("--input", "--output", "--error")),
    "setsid": Grammar(flags="cfw", long_flags=("--ctty", "--fork", "--wait")),
    "ionice": Grammar(flags="t", values="cn", long_flags=("--ignore",), long_values=("--class", "--classdata")),
    "taskset": Grammar(flags="a", long_flags=("--all-tasks",), operands=1),
    "chrt": Grammar(flags="abfimor", operands=1),
    "caffeinate": Grammar(flags="disum", values="t"),
}
_OTHER_RIGHTS: Mapping[str, Grammar] = {
    "sudo": Grammar(
        flags="AbEHknPS",
        values="Cgpu",
        long_flags=("--preserve-env", "--non-interactive", "--set-home", "--background"),
        long_values=("--user", "--group"),
    ),
    "doas": Grammar(flags="nL", values="u"),
    "chroot": Grammar(long_flags=("--skip-chdir",), long_values=("--userspec", "--groups"), operands=1),
    "unshare": Grammar(
        flags="mnpuUirfcCT",
        long_flags=(
            *("--mount", "--net", "--pid", "--uts", "--user", "--ipc", "--cgroup", "--time", "--fork"),
            *("--map-root-user", "--map-current-user", "--mount-proc", "--kill-child"),
        ),
    ),
}
_ENV = Grammar(
    flags="iv0",
    values="uC",
    long_flags=("--ignore-environment", "--null", "--debug", "--list-signal-handling"),
    long_values=("--unset", "--chdir"),
)
_XARGS = Grammar(
    flags="0rtpxo",
    values="adEILnPsJRS",
    attached="eil",
    long_flags=(
        *("--null", "--no-run-if-empty", "--verbose", "--interactive", "--exit", "--eof", "--replace"),
        "--open-tty",
    ),
    long_values=("--arg-file", "--delimiter", "--max-args", "--max-procs", "--max-chars", "--max-lines"),
)
_WATCH = Grammar(
    flags="bcdegtwpCqrx",
    values="n",
    long_flags=(
        *("--beep", "--color", "--differences", "--errexit", "--chgexit", "--no-title", "--no-wrap", "--precise"),
        "--exec",
    ),
    long_values=("--interval",),
)
_SCRIPT = Grammar(
    flags="aefqr",
    values="cEIOBTm",
    long_flags=("--append", "--return", "--flush", "--force", "--quiet"),
    long_values=("--command", "--log-in", "--log-out", "--log-io", "--log-timing"),
)
_ASK_ONLY = frozenset(("--help", "--version"))


def look(name: str, words: Words, place: Place) -> Seen | None:
    """What a wrapper of this name runs; None where the name is none of a wrapper."""
    if name not in _PLAIN and name not in _OTHER_RIGHTS and name not in _SPECIAL:
        return None
    if len(words) == 1 or (len(words) == 2 and words[1].text in _ASK_ONLY):
        return Seen()
    if name in _SPECIAL:
        return _SPECIAL[name](words, place)
    parsed = parse(words, _PLAIN.get(name) or _OTHER_RIGHTS[name])
    if name in _OTHER_RIGHTS:
        inner = _invoked(_behind_variables(name, parsed.rest), place)
        return hidden(f"`{name}` gives other rights to what it runs", inner=inner)
    inner = _invoked(parsed.rest, place)
    return Seen(Need.NOTHING if inner else Need.LISTED, inner)


def _invoked(words: Words, place: Place) -> tuple[Invocation, ...]:
    """What another program starts has neither builtins nor functions."""
    return (Invocation(words, outside_shell(place)),) if words else ()


def outside_shell(place: Place) -> Place:
    """The same place for what is no longer read by a shell."""
    return replace(place, in_shell=False, functions=frozenset())


def _env(words: Words, place: Place) -> Seen:
    split = _split_string(words)
    if split is not None:
        return _env((words[0], *split), place)
    parsed = parse(words, _ENV)
    for option, value in parsed.options:
        if option in ("-i", "--ignore-environment"):
            place = replace(place, env={})
        if option in ("-C", "--chdir"):
            place = replace(place, moved=True)
        if option in ("-u", "--unset") and (not value.known or steers_programs(value.text)):
            raise Undecidable(f"`env` takes the variable `{value}` away")
    rest = parsed.rest
    if rest and rest[0].text == "-":
        place, rest = replace(place, env={}), rest[1:]
    rest = _behind_variables("env", rest)
    return Seen(Need.NOTHING if rest else Need.LISTED, _invoked(rest, place))


def _behind_variables(name: str, words: Words) -> Words:
    """What is left behind `NAME=value …`."""
    while words and "=" in words[0].text:
        variable = words[0].text.partition("=")[0]
        if steers_programs(variable):
            raise Undecidable(f"`{name}` sets the variable `{variable}`")
        if words[0].many:
            raise Undecidable(f"what `{words[0]}` sets cannot be told beforehand")
        words = words[1:]
    return words


def _split_string(words: Words) -> Words | None:
    """The words behind the program where `-S` is the first of them, and split; elsewhere it is not known."""
    first, *more = words[1:] or (Word(""),)
    for option in ("-S", "--split-string"):
        if first.text == option and more:
            return (*_split(more[0]), *more[1:])
        value = first.text.removeprefix("--split-string=" if option != "-S" else option)
        if value != first.text and value:
            return (*_split(Word(value, known=first.known)), *more)
    return None


def _split(value: Word) -> Words:
    if not value.known or set(value.text) & set("$\\#"):
        raise Undecidable("what `env -S` splits cannot be told beforehand")
    try:
        return tuple(Word(text) for text in shlex.split(value.text))
    except ValueError as exc:
        raise Undecidable("what `env -S` splits cannot be read") from exc


def _xargs(words: Words, place: Place) -> Seen:
    parsed = parse(words, _XARGS)
    if not parsed.rest:
        return Seen(Need.NOTHING)
    markers = [_replaced(value) for option, value in parsed.options if option in ("-I", "-i", "--replace", "-J")]
    if not markers:
        return Seen(Need.NOTHING, _invoked((*parsed.rest, ANYTHING), place))
    filled = tuple(_filled(word, markers[-1]) for word in parsed.rest)
    return Seen(Need.NOTHING, _invoked(filled, place))


def _replaced(value: Word) -> str:
    if not value.known:
        raise Undecidable("what `xargs` replaces cannot be told beforehand")
    return value.text or "{}"


def _filled(word: Word, marker: str) -> Word:
    """The word with something that is not known in place of the marker."""
    before, found, _ = word.text.partition(marker)
    return Word(before, known=False) if found else word


_FIND_RUNS = frozenset(("-exec", "-execdir", "-ok", "-okdir"))


def _find(words: Words, place: Place) -> Seen:
    inner: list[Invocation] = []
    at = 1
    while at < len(words):
        word = words[at]
        at += 1
        if word.many or (not word.known and word.maybe_option):
            raise Undecidable(f"`{word}` may be `-exec` or `-delete` for `find`; begin it with `./`")
        if word.text == "-delete":
            inner.append(Invocation((Word("rm"), ANYTHING), outside_shell(place), denied_only=True))
        elif word.text in _FIND_RUNS:
            end = _end_of_exec(words, at)
            command = tuple(_filled(each, "{}") for each in words[at:end])
            inside = replace(place, moved=place.moved or "dir" in word.text)
            inner += _invoked(command, inside)
            at = end + 1
    return Seen(inner=tuple(inner))


def _end_of_exec(words: Words, at: int) -> int:
    for place in range(at, len(words)):
        ends = words[place].text == ";" or (words[place].text == "+" and words[place - 1].text == "{}")
        if words[place].known and ends:
            return place
    raise Undecidable("the command of `find -exec` does not end")


def _watch(words: Words, place: Place) -> Seen:
    parsed = parse(words, _WATCH)
    if any(option in ("-x", "--exec") for option, _ in parsed.options):
        return Seen(Need.NOTHING, _invoked(parsed.rest, place))
    return Seen(Need.NOTHING, (_text(parsed.rest, place),))


def _text(words: Words, place: Place) -> Text:
    if not all(word.known for word in words):
        raise Undecidable("the text that a shell is given cannot be told beforehand")
    return Text(" ".join(word.text for word in words), outside_shell(place), bash=False)


def _script(words: Words, place: Place) -> Seen:
    parsed = parse(words, _SCRIPT)
    texts = [value for option, value in parsed.options if option in ("-c", "--command")]
    if len(parsed.rest) > 1:
        raise Undecidable("what `script` runs cannot be told")
    if not texts:
        return hidden("`script` reads commands from its input", exact=True)
    return Seen(Need.NOTHING, tuple(_text((text,), place) for text in texts))


def _busybox(words: Words, place: Place) -> Seen:
    if words[1].known and words[1].text.startswith("-"):
        return hidden("`busybox` with options")
    applet = Invocation(words[1:], outside_shell(place), denied_only=True)
    return hidden("`busybox` is many programs", *_texts(words[1:2]), inner=(applet,))


def _texts(words: Words) -> tuple[str, ...]:
    return tuple(word.text for word in words if word.known)


_SPECIAL: Mapping[str, Callable[[Words, Place], Seen]] = {
    "env": _env,
    "xargs": _xargs,
    "find": _find,
    "watch": _watch,
    "script": _script,
    "busybox": _busybox,
    "toybox": _busybox,
    "coreutils": _busybox,
}
