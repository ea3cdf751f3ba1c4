"""The file of an export: the same bytes for the same entries, and nothing out of a file in which one byte differs."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from nofx_cli.domain.exchanges import Entry, Exchange, answer_digest
from nofx_cli.domain.models import ChatMessage, ModelReply, ModelRequest, Usage
from nofx_cli.engine import archive_file
from nofx_cli.engine.archive_file import ArchiveWriter, BadArchiveFile, Contents, check_archive_file, entries_of


def entry(question: str, *answers: str) -> Entry:
    asked = Entry(ModelRequest((ChatMessage("user", question),)).canonical(("openai/gpt-5",)))
    for number, text in enumerate(answers):
        reply = ModelReply(text, "openai/gpt-5", usage=Usage(1, 2), cost_usd=Decimal("0.10"))
        exchange = Exchange(
            asked.request, answer_digest(asked.request, reply), reply, "run", "step", f"2026-01-0{number + 1}T00:00:00Z"
        )
        asked = asked.appending(exchange)
    return asked


def packed(*entries: Entry) -> bytes:
    writer = ArchiveWriter()
    for one in entries:
        writer.add(one)
    return writer.finish()


def signed(lines: bytes, *, trailer: bytes | None = None) -> bytes:
    """A file as somebody makes it who knows how, of any content."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(lines) + packer.flush()
    right = zlib.crc32(lines).to_bytes(4, "little") + (len(lines) % 2**32).to_bytes(4, "little")
    body += right if trailer is None else trailer
    return packed()[:10] + b"sha256:" + hashlib.sha256(body).hexdigest().encode() + b"\0" + body


ONE, TWO = entry("one?", "yes", "no"), entry("zwei?", "Grüße 🙂\n\x00\udc80")


def test_what_goes_in_comes_out() -> None:
    data = packed(ONE, TWO)
    assert check_archive_file(data) == Contents(2, 3)
    assert list(entries_of(data)) == [*entries_of(packed(ONE)), *entries_of(packed(TWO))]
    assert [found.request for found in entries_of(data)] == [ONE.request, TWO.request]
    assert [found.exchanges for found in entries_of(data)] == [ONE.exchanges, TWO.exchanges]


def test_an_archive_of_nothing() -> None:
    assert check_archive_file(packed()) == Contents()
    assert list(entries_of(packed())) == []


def test_the_same_entries_make_the_same_bytes() -> None:
    assert packed(ONE, TWO) == packed(ONE, TWO)
    assert packed(ONE) != packed(TWO)


def test_any_program_can_unpack_it_and_every_line_is_json() -> None:
    first, one, two, last = gzip.decompress(packed(ONE, entry("two?", "x"))).splitlines(keepends=True)
    assert json.loads(first) == {"nofx": "archive", "v": 1}
    assert json.loads(one)["name"] == ONE.request
    assert [answer["text"] for answer in json.loads(one)["entry"]["answers"]] == ["yes", "no"]
    manifest = json.loads(last)
    assert manifest == {"requests": 2, "answers": 3, "digest": hashlib.sha256(first + one + two).hexdigest()}


def test_one_changed_byte_anywhere_is_found() -> None:
    data = packed(ONE)
    for place in range(len(data)):
        for bit in (0, 3, 7):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            with pytest.raises(BadArchiveFile):
                check_archive_file(bytes(changed))


def test_a_file_that_is_cut_off_or_goes_on_is_found() -> None:
    data = packed(ONE)
    for length in range(len(data)):
        with pytest.raises(BadArchiveFile):
            check_archive_file(data[:length])
    with pytest.raises(BadArchiveFile):
        check_archive_file(data + b"\0")


def lines_of(*entries: Entry) -> list[bytes]:
    return gzip.decompress(packed(*entries)).splitlines(keepends=True)


def _other_answer(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b"yes", b"yep"), lines[2]]


def _manifest(lines: list[bytes], **told: Any) -> list[bytes]:
    right = {"requests": 1, "answers": 2, "digest": hashlib.sha256(b"".join(lines[:-1])).hexdigest()}
    return [*lines[:-1], json.dumps({**right, **told}, separators=(",", ":")).encode() + b"\n"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda lines: [], "its first line is not that of an archive of format 1"),
        (lambda lines: [b'{"nofx":"archive","v":2}\n', *lines[1:]], "its first line is not that of an archive of fo"),
        (_other_answer, "is damaged: its content is not what its digest says"),
        (lambda lines: [lines[0], lines[1].replace(ONE.request.encode(), b"0" * 64), lines[2]], "has the digest"),
        (lambda lines: [lines[0], lines[2]], "its last line does not fit what stands above it"),
        (lambda lines: lines[:2], "its last line does not fit"),
        (lambda lines: _manifest(lines, answers=3), "its last line does not fit"),
        (lambda lines: _manifest(lines, digest="0" * 64), "its last line does not fit"),
        (lambda lines: [*lines, lines[1]], "its last line does not fit"),
        (lambda lines: [*lines[:-1], lines[-1][:-1]], "its last line does not fit"),
        (lambda lines: [lines[0], b"../../etc/passwd\n", lines[2]], "its last line does not fit"),
    ],
)
def test_what_somebody_made_who_knows_how_is_refused(change: Callable[[list[bytes]], list[bytes]], why: str) -> None:
    lines = lines_of(ONE)
    assert check_archive_file(signed(b"".join(_manifest(lines)))) == Contents(1, 2)
    with pytest.raises(BadArchiveFile, match=why):
        check_archive_file(signed(b"".join(change(lines))))


def test_a_wrong_end_is_refused() -> None:
    with pytest.raises(BadArchiveFile, match="its end is not that of a whole file"):
        check_archive_file(signed(b"".join(lines_of(ONE)), trailer=b"\0" * 8))


def test_an_ordinary_gzip_file_is_refused() -> None:
    with pytest.raises(BadArchiveFile, match="it is no file that `nofx archive export` wrote"):
        check_archive_file(gzip.compress(b"".join(lines_of(ONE)), mtime=0))


def test_what_unpacks_to_far_more_than_it_is_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_file, "FREE_BYTES", 1_000_000)
    lines = b"".join([*lines_of()[:1], *[b"\n" * 1_000] * 20_000])
    with pytest.raises(
        BadArchiveFile, match=r"it unpacks to more than [0-9]+ bytes, which is far more than such files do"
    ):
        list(archive_file._lines(signed(lines)))
    data = signed(b"".join(lines_of(ONE)))
    assert check_archive_file(data) == Contents(1, 2)


def test_a_line_without_end_takes_no_memory_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_file, "MOST_LINE", 1_000_000)
    with pytest.raises(BadArchiveFile, match="an entry of it has more than 1000000 bytes"):
        check_archive_file(signed(lines_of()[0] + b"x" * 10_000_000))


def test_a_large_archive_comes_back_whole() -> None:
    import random

    words = random.Random(7)
    every = [entry(f"{number}?", words.randbytes(40_000).hex()) for number in range(40)]
    data = packed(*every)
    assert len(data) > 1_000_000
    assert [found.exchanges for found in entries_of(data)] == [one.exchanges for one in every]
    assert check_archive_file(data) == Contents(40, 40)
