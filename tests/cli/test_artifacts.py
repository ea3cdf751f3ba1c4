"""`nofx artifacts`: what a run has left, held against its digests."""

from pathlib import Path

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import digest_of_bytes
from tests.cli.console import COMMAND, EVIL, RUN, STARTED, TWO_STEPS, Console, Records, harmless, success
from tests.cli.terminals import pretend_terminal

TEXT = b"what is new\n"


def _left(records: Records, *, data: bytes = TEXT, name: str = "notes.md", attempt: int = 1) -> Path:
    if RUN not in set(records.store.runs()):
        records.add(TWO_STEPS, [STARTED])
    begun, started, done = success("build", attempt=attempt)
    kept = records.artifact(name, data, step="build", attempt=attempt)
    records.append(RUN, begun, started, (kept, "build", attempt), done)
    return records.layout.run(RUN) / kept.path


def test_the_list(cli: Console, records: Records) -> None:
    _left(records)
    head, row = cli.ok("artifacts").splitlines()
    assert head.split() == ["STEP", "TRY", "ARTIFACT", "BYTES", "TYPE", "SHA-256", "CHECK"]
    assert row.split()[:5] == ["build", "1", "notes.md", "12", "text/markdown"]
    assert row.split()[-1] == "ok"


def test_the_fields_are_pinned(cli: Console, records: Records) -> None:
    path = _left(records)
    (kept,) = cli.json("artifacts")
    assert kept == {
        "run": RUN,
        "step": "build",
        "attempt": 1,
        "at": "2026-01-01T12:01:00.000000Z",
        "name": "notes.md",
        "size": 12,
        "media_type": "text/markdown",
        "digest": digest_of_bytes(TEXT),
        "path": path.relative_to(records.layout.run(RUN)).as_posix(),
        "check": "ok",
        "rolled_back": False,
    }


def test_of_one_step(cli: Console, records: Records) -> None:
    _left(records)
    assert len(cli.json("artifacts", RUN, "build")) == 1
    assert cli.json("artifacts", RUN, "check") == []
    assert cli("artifacts", "check").stderr == "step check has left no artifacts\n"


def test_changed_and_gone_ones_are_told(cli: Console, records: Records) -> None:
    _left(records).write_bytes(b"forged")
    _left(records, name="gone.txt", attempt=2).unlink()
    assert [kept["check"] for kept in cli.json("artifacts")] == ["changed", "gone"]


def test_one_is_written_out(cli: Console, records: Records) -> None:
    data = b"\x00\xffnot text\x1b[2J"
    _left(records, data=data, name="out.bin")
    assert cli("artifacts", RUN, "build", "out.bin").stdout_bytes == data
    result = cli("artifacts", RUN, "build", "out.bin", "-o", "copy.bin")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (cli.folder / "copy.bin").read_bytes() == data
    assert [path.name for path in cli.folder.iterdir()].count("copy.bin") == len(list(cli.folder.glob("*copy*")))


def test_a_changed_one_is_not_written_out(cli: Console, records: Records) -> None:
    _left(records).write_bytes(b"forged")
    (cli.folder / "copy.md").write_bytes(b"before")
    for target in ("-", "copy.md"):
        result = cli("artifacts", RUN, "build", "notes.md", "-o", target)
        assert (result.exit_code, result.stdout_bytes) == (5, b"")
        assert "is not what was kept" in result.stderr
    assert (cli.folder / "copy.md").read_bytes() == b"before"


def test_one_that_is_gone_or_was_never_there(cli: Console, records: Records) -> None:
    _left(records).unlink()
    assert cli("artifacts", RUN, "build", "notes.md").exit_code == 4
    result = cli("artifacts", RUN, "build", "note.md")
    assert result.exit_code == 4
    assert "it left notes.md" in result.stderr


def test_the_last_attempt_counts_unless_another_is_named(cli: Console, records: Records) -> None:
    _left(records, data=b"first")
    _left(records, data=b"second", attempt=2)
    assert cli("artifacts", RUN, "build", "notes.md").stdout == "second"
    assert cli("artifacts", RUN, "build", "notes.md", "--attempt", "1").stdout == "first"


def test_a_folder_that_is_not_there(cli: Console, records: Records) -> None:
    _left(records)
    result = cli("artifacts", RUN, "build", "notes.md", "-o", "nowhere/copy.md")
    assert result.exit_code == 2
    assert "nowhere/copy.md cannot be written" in result.stderr


def test_foreign_names_are_harmless(cli: Console, records: Records) -> None:
    kept = ev.ArtifactCreated(EVIL, f"artifacts/{EVIL}", EVIL, 3, COMMAND)
    records.add(TWO_STEPS, [STARTED, (kept, COMMAND, 1)])
    shown = cli.ok("artifacts")
    assert harmless(shown)
    assert not any(line.startswith("::") for line in shown.splitlines())
    assert "gpj.exe" in shown


def test_text_on_a_terminal_is_harmless(cli: Console, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    _left(records, data=f"{EVIL}\n{COMMAND}\n".encode())
    pretend_terminal(monkeypatch)
    shown = cli.ok("artifacts", RUN, "build", "notes.md")
    assert harmless(shown)
    assert shown.splitlines()[1] == ": :error file=x::boom"


def test_what_is_no_text_is_refused_on_a_terminal(
    cli: Console, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    _left(records, data=b"\xff\x00", name="out.bin")
    pretend_terminal(monkeypatch)
    result = cli("artifacts", RUN, "build", "out.bin")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "-o FILE" in result.stderr
