"""The encodings here are made by the standard library, or written out by hand; the masker makes its own."""

import base64
import codecs
import html
import json
import quopri
import shlex
import urllib.parse
from collections.abc import Callable

import pytest

from nofx_cli.safety.masking import Masker
from nofx_cli.safety.masking_forms import LONGEST, SHORTEST, forms

SECRETS = ["swordfish-Trombone_42", "pa\"ss'w/ö&r<d> $+\\x`=é", "🗝 k€y 🗝", "two words", "a+b/c=d?e&f", "six.69"]
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": json.dumps,
    "json-utf8": lambda value: json.dumps(value, ensure_ascii=False),
    "json-in-json": lambda value: json.dumps(json.dumps({"key": value})),
    "json-of-go": lambda value: (
        json.dumps(value).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    ),
    "json-of-php": lambda value: json.dumps(value).replace("/", "\\/"),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64-url": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "base64-of-a-line": lambda value: base64.b64encode(f"{value}\n".encode()).decode(),
    "base64-in-url": lambda value: urllib.parse.quote(base64.b64encode(value.encode()).decode(), safe=""),
    "base64-utf16": lambda value: base64.b64encode(value.encode("utf-16-le")).decode(),
    "quote": urllib.parse.quote,
    "quote-all": lambda value: urllib.parse.quote(value, safe=""),
    "quote-plus": urllib.parse.quote_plus,
    "quote-all-but-letters": lambda value: "".join(
        chr(byte) if chr(byte).isascii() and chr(byte).isalnum() else f"%{byte:02X}" for byte in value.encode()
    ),
    "quote-lower": lambda value: "".join(f"%{byte:02x}" for byte in value.encode()),
    "quote-every-byte": lambda value: "".join(f"%{byte:02X}" for byte in value.encode()),
    "hex": lambda value: value.encode().hex(),
    "hex-upper": lambda value: value.encode().hex().upper(),
    "hex-colons": lambda value: value.encode().hex(":"),
    "hex-spaces": lambda value: value.encode().hex(" "),
    "hex-c": lambda value: ", ".join(f"0x{byte:02x}" for byte in value.encode()),
    "html": html.escape,
    "html-text": lambda value: html.escape(value, quote=False),
    "html-numbers": lambda value: "".join(f"&#{ord(one)};" for one in value),
    "shell": shlex.quote,
    "shell-double": lambda value: "".join(f"\\{one}" if one in '\\$`"' else one for one in value),
    "repr": repr,
    "ascii": ascii,
    "repr-of-bytes": lambda value: repr(value.encode()),
    "x-escapes": lambda value: "".join(f"\\x{byte:02x}" for byte in value.encode()),
    "octal": lambda value: "".join(f"\\{byte:03o}" for byte in value.encode()),
    "u-escapes": lambda value: "".join(f"\\u{ord(one):04x}" for one in value if ord(one) < 0x10000),
    "unicode-escape": lambda value: codecs.encode(value, "unicode-escape").decode(),
}


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_value_is_found_in_its_encodings(encoding: str, secret: str) -> None:
    if encoding == "u-escapes" and max(secret) > "\uffff":
        pytest.skip("written as two")
    written = ENCODINGS[encoding](secret)
    kept = json.dumps({"line": f"<{written}>"})
    masker = Masker([secret], patterns=False)

    for text in (f"before {written} after", kept):
        masked = masker.text(text)
        assert "***" in masked
        assert written.strip("'\"=") not in masked
        assert secret not in masked
    assert masker.data([written]) != [written]


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:"])
@pytest.mark.parametrize("after", ["", "z", "zy", " and more"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_value_inside_of_base64(encode: Callable[[bytes], bytes], before: str, after: str) -> None:
    secret = "sword??fish>>trombone"
    written = encode(f"{before}{secret}{after}".encode()).decode()

    masked = Masker([secret], patterns=False).text(written)

    assert "***" in masked
    for rest in masked.split("***"):
        assert len(rest) <= (len(before) + len(after)) * 4 / 3 + 5
        for start in range(len(rest) - 3):
            assert not any(three in secret.encode() for three in decoded(rest[start : start + 4]))


def decoded(four: str) -> list[bytes]:
    """Three bytes, if that is base64 of anything."""
    text = four.translate(str.maketrans("-_", "+/"))
    return [base64.b64decode(text)] if "=" not in text and len(text) == 4 else []


@pytest.mark.parametrize("width", [64, 76])
def test_base64_that_is_broken_into_lines(width: int) -> None:
    secret = "".join(f"{number:x}-" for number in range(100))
    whole = base64.b64encode(secret.encode()).decode()
    lines = "\n".join(whole[at : at + width] for at in range(0, len(whole), width))

    masked = Masker([secret], patterns=False).text(lines)

    assert all(line == "***" or len(line) <= 14 for line in masked.splitlines())


def test_utf_16_in_a_stream() -> None:
    stream = Masker(["swordfish"], patterns=False).stream()

    assert stream.feed("a swordfish".encode("utf-16-be")) + stream.flush() == "a ".encode("utf-16-be") + b"***"


def test_quoted_printable_of_ascii_is_the_value() -> None:
    assert quopri.encodestring(b"swordfish") == b"swordfish"


class TestLongValues:
    KEY = (
        "-----BEGIN KEY-----\n"
        + "\n".join(f"{line:02}{'MIIEvQIBADANBgkqhkiG9w0B' * 2}" for line in range(40))
        + "\n-----END KEY-----\n"
    )

    def test_each_line_is_found_in_each_encoding(self) -> None:
        line = self.KEY.splitlines()[7]
        masker = Masker([self.KEY], patterns=False)

        for written in (line, base64.b64encode(line.encode()).decode(), line.encode().hex(), line.replace("/", "%2F")):
            assert masker.text(f"<{written}>") == "<***>"

    @pytest.mark.parametrize(
        "encode", [str, lambda value: json.dumps(value)[1:-1], lambda value: base64.b64encode(value.encode()).decode()]
    )
    def test_the_whole_of_it_leaves_nothing(self, encode: Callable[[str], str]) -> None:
        masked = Masker([self.KEY.strip()], patterns=False).text(encode(self.KEY.strip()))

        assert set(masked) == {"*"}

    def test_no_form_is_longer_than_a_stream_may_hold_back(self) -> None:
        assert all(SHORTEST <= len(form) <= LONGEST for form in forms("x" * 5000) | forms(self.KEY))
