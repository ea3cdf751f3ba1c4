"""Programs that run code, or other programs, that nobody sees in a rule: a list that is bounded, and told in the docs.

- Interpreters and runners of tasks (`python -c`, `make`, `npm run`) do so as is their business: where anything is
  denied, a rule must name just that.
- Options by which other programs start one (`tar --to-command`) must be named in any case, as must launchers whose
  arguments nofx does not read (`ssh`, `su`).
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from nofx_cli.domain.record import record
from nofx_cli.safety.command_lists import INTERPRETERS, LAUNCHERS, PYTHON_MODULES, RUNNERS
from nofx_cli.safety.command_options import Words
from nofx_cli.safety.command_programs import Place
from nofx_cli.safety.command_seen import Invocation, Seen, hidden, opaque
from nofx_cli.safety.command_wrappers import outside_shell
from nofx_cli.safety.shell_words import Undecidable, Word

_CODE_OPTION = re.compile(r"--(?:eval|print|require|import|execute|command|expr)|-[a-zA-Z]*[eEprcM]")
_ASKS_ONLY = frozenset(("--version", "-V", "--help", "-h", "-v", "-VV"))


@record
class Options:
    """Options by which a program runs another one: letters, also in a cluster, and long ones."""

    letters: str = ""
    long: tuple[str, ...] = ()
    bundled: bool = False
    """Whether the first argument is a cluster without a dash, as for `tar xf`."""


_OPTIONS: Mapping[str, Options] = {
    "tar": Options(
        "IF",
        (
            *("--to-command", "--checkpoint-action", "--use-compress-program", "--rsh-command", "--rmt-command"),
            *("--info-script", "--new-volume-script"),
        ),
        bundled=True,
    ),
    "zip": Options("T", ("--unzip-command", "--test")),
    "rsync": Options("e", ("--rsh", "--rsync-path")),
    "sort": Options(long=("--compress-program",)),
    "split": Options(long=("--filter",)),
    "wget": Options(long=("--use-askpass",)),
    "cpio": Options(long=("--rsh-command", "--rmt-command")),
    "sdiff": Options("o", ("--output", "--diff-program")),
    "diff3": Options(long=("--diff-program",)),
    "install": Options(long=("--strip-program",)),
    "pip": Options(long=("--python",)),
    "rg": Options(long=("--pre", "--hostname-bin")),
    "fd": Options("xX", ("--exec", "--exec-batch")),
    "fzf": Options(long=("--preview", "--bind")),
    "tcpdump": Options("z", ("--postrotate-command",)),
}


def look(name: str, words: Words, place: Place) -> Seen | None:
    """What a program of this name may run that nobody sees; None where nofx knows nothing of it."""
    if len(words) == 2 and words[1].text in _ASKS_ONLY:
        return None
    special = _SPECIAL.get(name)
    if special:
        return special(words, place)
    if name in LAUNCHERS or name.startswith("ld-linux"):
        return hidden(f"`{name}` runs what nofx cannot see")
    if name in RUNNERS:
        return _runner(name, words)
    if name in INTERPRETERS:
        return opaque(f"what `{name}` runs is not seen", *_code(words))
    return _options(name, words)


def _code(words: Words) -> tuple[str, ...]:
    """What a rule must name besides an interpreter: the option that brings code, else the file."""
    known = [word.text for word in words[1:] if word.known]
    options = [text for text in known if _CODE_OPTION.match(text)]
    return tuple(options or [text for text in known if not text.startswith("-")][:1])


def _runner(name: str, words: Words) -> Seen | None:
    commands = RUNNERS[name]
    if not commands:
        return opaque(f"`{name}` runs what its files say")
    if any(not word.known and word.maybe_option for word in words[1:2]):
        raise Undecidable(f"what `{name}` is to do cannot be told beforehand")
    found = next((word.text for word in words[1:] if word.known and word.text in commands), "")
    return opaque(f"`{name} {found}` runs what its files say", found) if found else None


def _options(name: str, words: Words) -> Seen | None:
    options = _OPTIONS.get(name)
    if options is None:
        return None
    for place, word in enumerate(words[1:]):
        if word.known and word.text == "--":
            break
        if not word.known and word.maybe_option:
            raise Undecidable(f"`{word}` may be an option by which `{name}` runs others; put `--` or `./` before it")
        if _runs(word.text, options, first=place == 0):
            return hidden(f"`{name} {word}` can run other programs", word.text)
    return None


def _runs(text: str, options: Options, *, first: bool) -> bool:
    if text.startswith("--"):
        name = text.partition("=")[0]
        return len(name) > 2 and any(option.startswith(name) for option in options.long)
    if text.startswith("-") or (options.bundled and first):
        return bool(set(text) & set(options.letters))
    return False


def _python(words: Words, place: Place) -> Seen | None:
    """`-m` is a program of its own name, but for modules of the working folder and those that run others."""
    at = 1
    while at < len(words) and words[at].known and words[at].text.startswith("-") and words[at].text != "-":
        option = words[at].text
        found = re.search(r"[cmWX]", option[1:]) if not option.startswith("--") else None
        if found and found[0] in "cm":
            attached = option[found.end() + 1 :]
            if found[0] == "c":
                return opaque("what is in the code is not seen", option)
            rest = (Word(attached), *words[at + 1 :]) if attached else words[at + 1 :]
            return _module(rest, place)
        at += 2 if found and found.end() == len(option) - 1 else 1
    if at >= len(words):
        return opaque("it runs what it reads from its input")
    return opaque(f"what is in `{words[at]}` is not seen", str(words[at]))


def _module(rest: Words, place: Place) -> Seen:
    if not rest or not rest[0].known:
        raise Undecidable("which module is run cannot be told beforehand")
    top = rest[0].text.partition(".")[0]
    here = Path(place.cwd)
    if place.moved or top in PYTHON_MODULES or (here / top).is_dir() or (here / f"{top}.py").exists():
        return opaque(f"what the module `{rest[0]}` runs is not seen", rest[0].text)
    return Seen(inner=(Invocation(rest, outside_shell(place), denied_only=True),))


def _awk(words: Words, _place: Place) -> Seen | None:
    """Transparent where its text has nothing by which awk starts a program or loads a file."""
    at = 1
    while at < len(words) and words[at].known and words[at].text[:1] == "-" and words[at].text != "--":
        option = words[at].text
        if option[:2] not in ("-F", "-v"):
            return opaque(f"`awk {option}` runs what is not seen", option)
        at += 2 if len(option) == 2 else 1
    at += at < len(words) and words[at].text == "--"
    if at >= len(words) or not words[at].known:
        return opaque("what awk is to do is not known beforehand")
    text = words[at].text.replace("||", "")
    if "system" in text or set(text) & set("|@"):
        return opaque("this text of awk can run other programs", words[at].text)
    return None


_SED_COMMAND = re.compile(
    r"\s*(?:(?:\d+|\$|/(?:[^/\\\n\[]|\\.)*/)(?:,(?:\d+|\$|/(?:[^/\\\n\[]|\\.)*/))?!?)?\s*"
    r"(?:[pdqDPhHgGxnN=]|s([/|,#])(?:(?!\1)[^\\\n]|\\.)*\1(?:(?!\1)[^\\\n]|\\.)*\1[gpiI0-9]*)\s*(?:;|\Z)"
)
_SED_FLAGS = frozenset("nErsuzi")


def _sed(words: Words, _place: Place) -> Seen | None:
    """Transparent where every command in it is known to run nothing, or where it is told to (`--sandbox`)."""
    texts: list[Word] = []
    at, operands = 1, 0
    known = [word.text for word in words[1:] if word.known]
    if "--sandbox" in known or (known and known[0] in _ASKS_ONLY):
        return None
    while at < len(words):
        word = words[at]
        at += 1
        if not word.known and word.maybe_option and not texts:
            return hidden("what sed is to do is not known beforehand")
        if word.text in ("-e", "--expression"):
            texts.append(words[at] if at < len(words) else Word(""))
            at += 1
        elif word.text.startswith("-") and len(word.text) > 1:
            letters = word.text[1:].partition("i")[0]
            if word.text != "--" and not set(letters) <= _SED_FLAGS:
                return hidden(f"`sed {word}` can run other programs; add `--sandbox`", word.text)
        else:
            operands += 1
            texts += [word] if operands == 1 and not texts else []
    unsafe = next((text for text in texts if not text.known or not _is_safe_sed(text.text)), None)
    return None if unsafe is None else hidden(f"sed's text `{unsafe}` may run programs; add `--sandbox`", unsafe.text)


def _is_safe_sed(text: str) -> bool:
    at = 0
    while at < len(text):
        found = _SED_COMMAND.match(text, at)
        if not found or found.end() == at:
            return False
        if found[1] and re.search(rf"\[[^\]]*{re.escape(found[1])}", found[0]):
            return False
        at = found.end()
    return True


_SPECIAL: Mapping[str, Callable[[Words, Place], Seen | None]] = {
    "python": _python,
    "pypy": _python,
    "awk": _awk,
    "gawk": _awk,
    "mawk": _awk,
    "nawk": _awk,
    "original-awk": _awk,
    "sed": _sed,
    "gsed": _sed,
}
