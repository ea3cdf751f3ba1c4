"""The paths that a sentence names. Only what looks like one is taken; whether it is there, the caller tells."""

import re
from collections.abc import Callable, Iterator

from nofx_cli.domain.record import record
from nofx_cli.planning.prompt_wish import Target
from nofx_cli.planning.report import quoted

Look = Callable[[str], str]
"""What is at a path below the project: `file`, `folder`, or nothing: an empty text."""

_QUOTED = re.compile(
    r"`([^`\n]+)`|\"([^\"\n]+)\"|(?<![\w])'([^'\n]+)'(?![\w])|“([^”\n]+)”|„([^“”\n]+)[“”]|«\s*([^»\n]+?)\s*»"
)
_TOKEN = re.compile(r"[^\s,;:!?\"'`“”„«»<>|]+")
_ENDINGS = frozenset(
    {
        *("adoc", "astro", "bash", "bat", "c", "cc", "cfg", "cjs", "clj", "cmake", "conf", "cpp", "cs", "css", "csv"),
        *(
            "cu",
            "cxx",
            "dart",
            "diff",
            "dockerfile",
            "el",
            "env",
            "erl",
            "ex",
            "exs",
            "fish",
            "go",
            "gradle",
            "graphql",
        ),
        *("h", "hcl", "hh", "hpp", "hs", "htm", "html", "ini", "ipynb", "java", "jl", "js", "json", "json5", "jsonc"),
        *("jsx", "kt", "kts", "less", "lock", "lua", "m", "md", "mdx", "mjs", "ml", "mm", "nim", "nix", "patch", "php"),
        *(
            "pl",
            "proto",
            "ps1",
            "pxd",
            "py",
            "pyi",
            "pyx",
            "r",
            "rb",
            "rs",
            "rst",
            "sass",
            "scala",
            "scss",
            "sh",
            "sql",
        ),
        *("svelte", "svg", "swift", "tex", "tf", "toml", "ts", "tsv", "tsx", "txt", "vb", "vue", "xml", "xsd", "yaml"),
        *("yml", "zig", "zsh"),
    }
)
"""The endings of names by which a word without a `/` is taken for a file."""
_NAMES = frozenset(("Makefile", "Dockerfile", "LICENSE", "CHANGELOG", "README", "Pipfile", "Jenkinsfile", "Procfile"))
# Bounded, for a word of 100,000 letters would be searched from each of them.
_WEB = re.compile(r"(?:[A-Za-z][\w+.-]{0,31}://|www\.|[\w.+-]{1,64}@[\w-]{1,64}\.)[^\s\"'`<>]*")
_OUTSIDE = "it does not lie in the project"


@record
class Named:
    """What was found. `rest` is the sentence without its paths and quoted parts; a blank stands for each."""

    targets: tuple[Target, ...]
    refused: tuple[str, ...]
    rest: str


def find_paths(sentence: str, look: Look) -> Named:
    """The paths of a sentence, in its order, each once.

    A word is one where something is at it, or where it ends like a file of code or text. A name with blanks stands in
    quotes or backticks.
    """
    targets: dict[str, Target] = {}
    refused: dict[str, str] = {}
    rest, end = [], 0
    for start, stop, text, in_quotes in _candidates(sentence):
        path = text if in_quotes else _trimmed(text)
        if not in_quotes and not _is_path(path, look):
            continue
        rest += [sentence[end:start], " "]
        end = start + len(path) if not in_quotes else stop
        if in_quotes and not _is_path(path, look):
            continue
        target = target_of(path, look)
        if target is None:
            refused.setdefault(path, f"{quoted(path)}: {_OUTSIDE}")
        else:
            targets.setdefault(target.path, target)
    return Named(tuple(targets.values()), tuple(refused.values()), "".join([*rest, sentence[end:]]))


def target_of(path: str, look: Look) -> Target | None:
    """A path as plans write it: relative, with `/`, a folder with one at its end; None where it leaves the project."""
    if path.startswith(("/", "~", "\\")) or re.match(r"[A-Za-z]:[\\/]", path) or ".." in path.split("/"):
        return None
    name = "/".join(part for part in path.split("/") if part not in ("", "."))
    if not name or ".git" in name.split("/") or any(not (char.isprintable()) for char in name):
        return None
    if is_glob(name) and not look(name):
        return Target(name)
    kind = look(name)
    folder = kind == "folder" or (not kind and path.endswith("/"))
    return Target(f"{name}/" if folder else name, bool(kind))


def is_glob(path: str) -> bool:
    return "*" in path


def _candidates(sentence: str) -> Iterator[tuple[int, int, str, bool]]:
    """Quoted parts and words: where each begins and ends, its text, whether it stood in quotes."""
    sentence = _WEB.sub(lambda found: " " * len(found[0]), sentence)
    end = 0
    for found in _QUOTED.finditer(sentence):
        yield from _tokens(sentence, end, found.start())
        yield found.start(), found.end(), next(text for text in found.groups() if text is not None).strip(), True
        end = found.end()
    yield from _tokens(sentence, end, len(sentence))


def _tokens(sentence: str, start: int, stop: int) -> Iterator[tuple[int, int, str, bool]]:
    for found in _TOKEN.finditer(sentence, start, stop):
        opened = len(found[0]) - len(found[0].lstrip("("))
        yield found.start() + opened, found.end(), found[0][opened:], False


def _trimmed(word: str) -> str:
    """Without what ends a sentence or closes a bracket that was opened before the word."""
    while word and (word[-1] in ".…" or (word[-1] == ")" and word.count(")") > word.count("("))):
        word = word[:-1]
    return word


def _is_path(text: str, look: Look) -> bool:
    if not text or len(text) > 400 or "\n" in text:
        return False
    target = target_of(text, look)
    if text in _NAMES or (target is not None and _exists(text, target)):
        return True
    if " " in text and "/" not in text and not re.fullmatch(r"[\w ().-]+\.\w+", text):
        return False
    last = text.rstrip("/").rpartition("/")[2]
    if text.endswith("/") and re.fullmatch(r"[\w.@~-]+(?:/[\w.@ -]+)*/", text):
        return True
    stem, dot, ending = last.rpartition(".")
    if "*" in text:
        return ("/" in text or bool(dot)) and bool(re.search(r"[\w/]", text.replace("*", "")))
    if not dot or ending.lower() not in _ENDINGS or not (stem or text.startswith(("/", "."))):
        return False
    # `Node.js` and its kin are names of programs, and `foo.bar` of code; a path with a `/` is one all the same.
    return "/" in text or not (ending == "js" and stem[:1].isupper())


def _exists(text: str, target: Target) -> bool:
    """A word such as `tests` is that of a folder only where it is written like one."""
    return target.there and not is_glob(text) and ("/" in text or "." in text.strip("."))
