"""The ways in which a secret value is written: everything that `masking` looks for on behalf of one value.

A value is looked for as it is, line by line where it has several lines, and in the encodings that programs put values
into: JSON, base64, percent encoding, hexadecimal, markup, shell, string literals, UTF-16. Every form is also looked
for as JSON writes it, once and twice, because what programs print is kept in JSON, and is often JSON itself.
"""

import binascii
import json
from collections.abc import Iterable, Iterator

SHORTEST = 6
"""Values and forms with fewer characters are not looked for: they would tear ordinary words apart."""
LONGEST = 1024
"""A form that is longer is looked for in pieces of this length, so that a stream holds back no more than that."""

_SHORTEST_LINE = 12
_ESCAPES = "surrogateescape"
_BASE64_LINES = (76, 64)
_HEX_LINE = 60
_ALPHANUMERIC = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_UNRESERVED = _ALPHANUMERIC | frozenset(b"-._~")
_KEPT_BY_URLS = (b"", b"/", b"!'()*", b"!'()*;,/?:@&=+$#")
"""What is left as it is by those that percent-encode: everything, a path, a URI component, a whole URI."""
_NUMBERS = ("\\x{:02x}", "\\x{:02X}", "\\{:03o}")
_NEVER_ESCAPED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:=@%+,")
_MARKED = frozenset("&<>\"'")
_MARKUP: tuple[dict[str, str | int | None], ...] = (
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"},
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"},
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"},
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"},
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"},
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"},
)


def forms(value: str) -> set[bytes]:
    """All forms of a value, none shorter than `SHORTEST` and none longer than `LONGEST` bytes."""
    lines = _long_lines(value)
    written = set(_written(value) if len(value) <= LONGEST // 4 or not lines else _as_a_whole(value))
    for line in lines:
        written.update(_written(line))
    found = {form for each in written for form in _and_as_json(each)}
    return {piece for form in found if len(form) >= SHORTEST for piece in _pieces(form)}


def _long_lines(value: str) -> list[str]:
    if "\n" not in value:
        return []
    lines = (line.strip() for line in value.splitlines())
    return [line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith("-----")]


def _as_a_whole(value: str) -> Iterator[bytes]:
    """Of a value of many lines: inside of its other encodings, its lines are found."""
    raw = _bytes(value)
    yield raw
    yield from _base64(raw)


def _written(text: str) -> Iterator[bytes]:
    raw = _bytes(text)
    yield raw
    yield from _base64(raw)
    yield from _hexadecimal(raw)
    yield from _percent(raw)
    yield from _wide(text)
    yield from map(_bytes, _as_text(text))


def _as_text(text: str) -> Iterator[str]:
    for table in _MARKUP if not _MARKED.isdisjoint(text) else ():
        yield text.translate(str.maketrans(table))
    yield "".join(f"&#{ord(character)};" for character in text)
    yield "".join(f"&#x{ord(character):x};" for character in text)
    yield from _numbered(text)
    if not _NEVER_ESCAPED.issuperset(text):
        yield from _for_shells(text)
        yield from _literals(text)


def _for_shells(text: str) -> Iterator[str]:
    """Inside of single quotes, of double quotes, of `$'…'`, and bare."""
    yield text.replace("'", "'\"'\"'")
    yield text.replace("'", "'\\''")
    yield "".join(f"\\{character}" if character in '$`"\\' else character for character in text)
    yield "".join(one if one.isalnum() or one in _NEVER_ESCAPED else f"\\{one}" for one in text)


def _literals(text: str) -> Iterator[str]:
    """As the languages write strings, with other characters than ASCII as numbers."""
    raw = _bytes(text)
    yield from (repr(text)[1:-1], ascii(text)[1:-1], repr(raw)[2:-1], text.encode("unicode-escape").decode())
    yield text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    for style in _NUMBERS:
        yield "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else style.format(byte) for byte in raw)


def _numbered(text: str) -> Iterator[str]:
    """With every character as a number."""
    raw = _bytes(text)
    for style in _NUMBERS:
        yield "".join(style.format(byte) for byte in raw)
    wide = text.encode("utf-16-be", "surrogatepass")
    units = [wide[at : at + 2].hex() for at in range(0, len(wide), 2)]
    yield "".join(f"\\u{unit}" for unit in units)
    yield "".join(f"\\u{unit.upper()}" for unit in units)


def _base64(raw: bytes) -> Iterator[bytes]:
    """At each of the three places that a value may have inside of what is encoded, both alphabets, also in lines."""
    whole = binascii.b2a_base64(raw, newline=False)
    for form in (whole, *_inner_base64(raw), *_inner_base64(raw, skipped=(1, 2))):
        for written in (form, form.translate(bytes.maketrans(b"+/", b"-_"))):
            yield written
            yield written.replace(b"+", b"%2B").replace(b"/", b"%2F").replace(b"=", b"%3D")
            yield written.replace(b"+", b"%2b").replace(b"/", b"%2f").replace(b"=", b"%3d")
    for length in _BASE64_LINES:
        yield from _lines(whole, length)


def _inner_base64(raw: bytes, skipped: tuple[int, ...] = (0,)) -> Iterator[bytes]:
    """The characters that hold bits of the value alone; those at its edges also hold bits of the neighbours."""
    for before in skipped:
        padded = binascii.b2a_base64(bytes(before) + raw, newline=False)
        yield padded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]


def _hexadecimal(raw: bytes) -> Iterator[bytes]:
    for joint in ("", ":", " ", ", 0x", ",0x"):
        digits = joint.join(f"{byte:02x}" for byte in raw).encode()
        yield digits
        yield digits.upper().replace(b"0X", b"0x")
    yield from _lines(raw.hex().encode(), _HEX_LINE)


def _percent(raw: bytes) -> Iterator[bytes]:
    yield b"".join(b"%%%02X" % byte for byte in raw)
    yield b"".join(b"%%%02x" % byte for byte in raw)
    for style in (b"%%%02X", b"%%%02x"):
        yield b"".join(bytes((byte,)) if byte in _ALPHANUMERIC else style % byte for byte in raw)
    if _UNRESERVED.issuperset(raw):
        return
    for kept in _KEPT_BY_URLS:
        for style in (b"%%%02X", b"%%%02x"):
            encoded = b"".join(bytes((byte,)) if byte in _UNRESERVED or byte in kept else style % byte for byte in raw)
            yield encoded
            yield encoded.replace(b"%20", b"+")


def _wide(text: str) -> Iterator[bytes]:
    for order in ("utf-16-le", "utf-16-be"):
        wide = text.encode(order, "surrogatepass")
        yield wide
        yield from _inner_base64(wide, skipped=(0, 1, 2))


def _lines(form: bytes, length: int) -> Iterator[bytes]:
    """The lines that a long form is broken into, but for a short rest."""
    if len(form) > length:
        lines = (form[at : at + length] for at in range(0, len(form), length))
        yield from (line for line in lines if len(line) > _SHORTEST_LINE + 2)


def _and_as_json(form: bytes) -> set[bytes]:
    """Also as JSON, as JSON in JSON, and as that in the JSON of a journal."""
    if _UNRESERVED.issuperset(form):
        return {form}
    once = set(_json(form))
    twice = {written for one in once for written in _standard_json(one)}
    return {form, *once, *twice, *(written for one in twice for written in _standard_json(one))}


def _json(form: bytes) -> Iterable[bytes]:
    """As the libraries of several languages escape it."""
    text = form.decode("utf-8", _ESCAPES)
    for ascii_only in (True, False):
        escaped = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        marked = escaped.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        also_quotes = marked.replace("<", "\\u003C").replace("'", "\\u0027")
        yield from (_bytes(one) for one in (escaped, escaped.replace("/", "\\/"), marked, also_quotes))


def _standard_json(form: bytes) -> Iterator[bytes]:
    for ascii_only in (True, False):
        yield _bytes(json.dumps(form.decode("utf-8", _ESCAPES), ensure_ascii=ascii_only)[1:-1])


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", _ESCAPES)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _pieces(form: bytes) -> Iterator[bytes]:
    """A long form in pieces; the last one overlaps the one before, so that none is short."""
    if len(form) <= LONGEST:
        yield form
        return
    yield from (form[at : at + LONGEST] for at in range(0, len(form) - LONGEST, LONGEST))
    yield form[-LONGEST:]
