"""Comments and calls in source that silence a tool or leave a test out: found and counted, never judged by sense.

A marker inside of a string counts too: only that there are more than before matters. A regular expression goes over a
file only where a plain search has found its word, which is a hundred times quicker. All words behind a `#`, and behind
an `@`, are sought at once: to go from one such character to the next is as quick as to seek one word.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from nofx_cli.handlers.gates.integrity.concerns import (
    COVERAGE,
    FORMAT,
    LINT,
    SAST,
    SECRETS,
    STYLE,
    TESTS,
    TYPES,
    Concerns,
)

EVERYTHING = 1000
"""The reach of a marker that names no rule: it silences all of them."""


class Marker(NamedTuple):
    """Attributes:
    label: how it is called in words, and in the snapshot.
    words: where none of them is in a file, the marker is not either. In those that begin with `#` or `@` small letters
        stand for large ones too, and there may be blanks behind the `#`.
    pattern: what it looks like.
    rules: what follows it where it names the rules that it silences; empty where it cannot.
    in_scripts: whether it means something in JavaScript and TypeScript, and not in Python; None: in both.
    """

    label: str
    words: tuple[str, ...]
    pattern: bytes
    concerns: Concerns
    rules: bytes = b""
    in_scripts: bool | None = False


_COLON = rb"[ \t]*:[ \t]*([\w,\-/@ \t]+)"
_BRACKETS = rb"[ \t]*\[([^\]\n]*)\]"
_BARE = rb"[ \t]*:?[ \t]*((?:\w++[, \t]*+)++)"
_LISTED = rb"[ \t]+([@\w][^\n*]{0,300}?)(?=[ \t]--|[ \t]*\*/|[ \t]*$)"

MARKERS = (
    Marker(
        "# noqa", ("#noqa", "#ruff", "#flake8"), rb"\#[ \t]*(?i:(?:ruff|flake8)[ \t]*:[ \t]*)?(?i:noqa)\b", LINT, _COLON
    ),
    Marker("# pylint: disable", ("#pylint",), rb"\#[ \t]*pylint:[ \t]*(?:disable|skip-file)", LINT),
    Marker("# type: ignore", ("#type",), rb"\#[ \t]*type:[ \t]*ignore\b", TYPES, _BRACKETS),
    Marker("# pyright: ignore", ("#pyright",), rb"\#[ \t]*pyright:[ \t]*ignore\b", TYPES, _BRACKETS),
    Marker("# mypy: or # pyright:", ("#mypy", "#pyright"), rb"\#[ \t]*(?:mypy:|pyright:(?![ \t]*ignore\b))", TYPES),
    Marker("@no_type_check", ("@no_type_check", "@typing.no_type_check"), rb"@(?:typing\.)?no_type_check\b", TYPES),
    Marker("# pragma: no cover", ("#pragma",), rb"\#[ \t]*pragma:?[ \t]*no[ \t]?(?:cover|branch)", COVERAGE),
    Marker("# nosec", ("#nosec",), rb"\#[ \t]*nosec\b", SAST, _BARE),
    Marker(
        "pragma: allowlist secret",
        ("pragma",),
        rb"pragma:[ \t]*(?:allowlist|whitelist)[ \t]*(?:nextline[ \t]+)?secret",
        SECRETS,
        in_scripts=None,
    ),
    Marker("# fmt: off", ("#fmt", "#yapf", "#isort"), rb"\#[ \t]*(?:fmt|yapf|isort):[ \t]*(?:off|skip|disable)", STYLE),
    Marker("skip or xfail mark", ("mark.",), rb"mark\.(?:skipif|skip|xfail)\b", TESTS),
    Marker(
        "pytest.skip",
        ("pytest.",),
        rb"pytest\.(?:skip|xfail|importorskip)\b",
        TESTS,
    ),
    Marker(
        "unittest skip",
        ("@skip", "@unittest.skip", "kipTest", "expectedFailure"),
        rb"@(?:unittest\.)?skip(?:If|Unless)?\b|SkipTest\b|skipTest\b|expectedFailure\b",
        TESTS,
    ),
    Marker("__test__ = False", ("__test__",), rb"__test__[ \t]*=[ \t]*False", TESTS),
    Marker("assert True", ("assert",), rb"assert[ \t]+(?:True|1)\b(?![ \t]*[=<>!+.])", TESTS),
    Marker(
        "expect(true)",
        ("expect(true)",),
        rb"expect\(true\)\.toBe",
        TESTS,
        in_scripts=True,
    ),
    Marker(
        "eslint-disable",
        ("eslint-disable",),
        rb"eslint-disable(?:-next-line|-line)?\b",
        LINT,
        _LISTED,
        in_scripts=True,
    ),
    Marker(
        "eslint comment",
        ("eslint",),
        rb"/\*[ \t]*eslint[ \t]+[@\w]",
        LINT,
        in_scripts=True,
    ),
    Marker(
        "@ts-ignore",
        ("@ts-",),
        rb"@ts-(?:ignore|nocheck|expect-error)\b",
        TYPES,
        in_scripts=True,
    ),
    Marker(
        "coverage ignore",
        ("istanbul", "c8", "v8"),
        rb"(?:istanbul|c8|v8)[ \t]+ignore\b",
        COVERAGE,
        in_scripts=True,
    ),
    Marker(
        "prettier-ignore",
        ("prettier-ignore",),
        rb"prettier-ignore\b",
        FORMAT,
        in_scripts=True,
    ),
    Marker(
        "biome-ignore",
        ("biome-ignore",),
        rb"biome-ignore\b",
        STYLE,
        in_scripts=True,
    ),
    Marker(
        "skipped or focused test",
        (".skip", ".runIf", ".todo", ".fail", ".only"),
        rb"\b(?:it|test|describe|suite|context)(?:\.\w+)*\.(?:skipIf|skip|runIf|todo|fails|failing|only)\b",
        TESTS,
        in_scripts=True,
    ),
    Marker(
        "xit or fit",
        ("xit", "xtest", "xdescribe", "xcontext", "fit", "fdescribe"),
        rb"\b(?:xit|xtest|xdescribe|xcontext|fit|fdescribe)(?:\.\w+)*[ \t]*\(",
        TESTS,
        in_scripts=True,
    ),
)
BY_LABEL = {marker.label: marker for marker in MARKERS}
_FOR = {kind: [marker for marker in MARKERS if marker.in_scripts in (kind, None)] for kind in (False, True)}
_BLANKS = {"#": rb"[ \t]*+", "@": b""}
_WORDS = {kind: sorted({word for marker in markers for word in marker.words}) for kind, markers in _FOR.items()}
_ALONE = {kind: [(word, word.encode()) for word in words if word[0] not in _BLANKS] for kind, words in _WORDS.items()}


def _behind(sign: str, words: Sequence[str]) -> re.Pattern[bytes]:
    behind = b"|".join(re.escape(word[1:].encode()) for word in words if word[0] == sign)
    return re.compile(re.escape(sign.encode()) + _BLANKS[sign] + b"((?i:" + behind + b"))")


_BEHIND = {kind: [(sign, _behind(sign, words)) for sign in _BLANKS if any(word[0] == sign for word in words)]
           for kind, words in _WORDS.items()}  # fmt: skip
_ALLOWLIST = BY_LABEL["pragma: allowlist secret"]


class _Compiled(NamedTuple):
    marker: re.Pattern[bytes]
    rules: re.Pattern[bytes] | None


_COMPILED: dict[str, _Compiled] = {}


def count_markers(data: bytes, *, is_script: bool) -> dict[str, list[int]]:
    """How often each marker stands in source, and its reach: the number of rules that it names in all."""
    there = {word for word, sought in _ALONE[is_script] if sought in data}
    for sign, behind in _BEHIND[is_script]:
        there.update(f"{sign}{word.decode().lower()}" for word in behind.findall(data))
    if not there:
        return {}
    return {
        marker.label: count
        for marker in _FOR[is_script]
        if not there.isdisjoint(marker.words) and (count := _count(marker, data))[0]
    }


def count_allowed_secrets(data: bytes) -> dict[str, list[int]]:
    """The one marker that counts in files of any kind."""
    if b"allowlist" not in data and b"whitelist" not in data:
        return {}
    count = _count(_ALLOWLIST, data)
    return {_ALLOWLIST.label: count} if count[0] else {}


def _count(marker: Marker, data: bytes) -> list[int]:
    compiled = _compiled(marker)
    count, reach = 0, 0
    for match in compiled.marker.finditer(data):
        count += 1
        reach += _reach(compiled.rules, data, match.end())
    return [count, reach]


def _reach(rules: re.Pattern[bytes] | None, data: bytes, end: int) -> int:
    if rules is None:
        return 1
    named = rules.match(data, end)
    return len(named[1].replace(b",", b" ").split()) if named else EVERYTHING


def _compiled(marker: Marker) -> _Compiled:
    known = _COMPILED.get(marker.label)
    if known is None:
        rules = re.compile(marker.rules, re.MULTILINE) if marker.rules else None
        known = _COMPILED[marker.label] = _Compiled(re.compile(marker.pattern), rules)
    return known
