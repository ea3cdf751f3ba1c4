"""Archives that earlier versions wrote must be readable for ever. The files here are never written anew."""

from decimal import Decimal
from pathlib import Path

from nofx_cli.domain.exchanges import decode_entry, encode_entry
from nofx_cli.domain.ids import digest_of_bytes
from nofx_cli.domain.models import Usage
from nofx_cli.engine.archive_file import Contents, check_archive_file, entries_of

V1 = Path(__file__).resolve().parents[2] / "fixtures" / "archive" / "v1"
REQUEST = "a9b5c20d798d649992d8523c828c3aaeb8dfbffb7abf1e098a258f0975c29645"


def test_an_entry_of_version_1_is_read_as_it_was_written() -> None:
    data = (V1 / f"{REQUEST}.json").read_bytes()
    assert digest_of_bytes(data) == "802cbc81c2d3ec022de440454187b0445080e77b15ed1cbab53f15ec42d75fb7"
    entry = decode_entry(data, request=REQUEST)
    assert entry.canonical["models"] == ["openai/gpt-5", "local/smollm2"]
    first, second = entry.exchanges
    assert (first.answer[:8], first.run, first.step, first.at, first.shared) == (
        "adc58b45", "20261122-091530-7k3f9q", "notes", "2026-11-22T09:15:30.000123Z", True,
    )  # fmt: skip
    reply = first.reply
    assert (reply.text, reply.data, reply.finish) == ('{"a": 1.5}', {"a": 1.5, "b": [None, True]}, "stop")
    assert (reply.usage, reply.cost_usd, reply.duration_ms) == (Usage(120, 7, 100, 5), Decimal("0.0012340"), 842)
    assert (second.shared, second.reply.cost_usd, second.reply.usage, second.reply.finish) == (
        False, None, Usage(), "refused",
    )  # fmt: skip
    assert encode_entry(entry) == data


def test_an_export_of_version_1_is_read_whatever_zlib_packs_now() -> None:
    data = (V1 / "export.gz").read_bytes()
    assert check_archive_file(data) == Contents(1, 2)
    assert list(entries_of(data)) == [decode_entry((V1 / f"{REQUEST}.json").read_bytes(), request=REQUEST)]
