"""`nofx archive`: what models answered is seen, taken elsewhere and back, and goes when nobody needs it."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.models import ChatMessage, ModelReply, ModelRequest, Usage
from nofx_cli.drivers.filesystem.archive import FileArchive
from nofx_cli.ports.archive import Exchange
from nofx_cli.wiring.session import open_session
from tests.cli.console import COMMAND, EVIL, RUN, STARTED, TWO_STEPS, Console, Records, harmless

AT = "2026-01-01T12:00:00.000000Z"
LATER = "2026-03-01T12:00:00.000000Z"
OTHER = "20260102-120000-bbbbbb"
GPT, LOCAL = "openai/gpt-5", "local/smollm2"


def asked(text: str = "What changed?") -> JsonObject:
    messages = (ChatMessage("system", "Be brief."), ChatMessage("user", text))
    return ModelRequest(messages, max_output_tokens=500, temperature=0.5).canonical((GPT, LOCAL))


@pytest.fixture
def kept(records: Records) -> FileArchive:
    """The archive that `nofx` uses."""
    return FileArchive(records.layout)


def put(kept: FileArchive, text: str = "Nothing.", *, question: str = "What changed?", **more: Any) -> Exchange:
    cost = more.pop("cost", "0.0123")
    reply = ModelReply(
        text,
        more.pop("model", GPT),
        usage=Usage(120, 7, 100),
        cost_usd=None if cost is None else Decimal(cost),
        duration_ms=842,
        finish=more.pop("finish", "stop"),
    )
    return kept.put(asked(question), reply, **{"run": RUN, "step": "notes", "at": AT, "shared": True, **more})


def taken(exchange: Exchange) -> tuple[ev.Payload, str, int]:
    """The event of a run that took an answer from the archive."""
    told = ev.LlmResponded(exchange.request, GPT, cost_usd=0.0, answer=exchange.answer, archived=True)
    return told, "check", 1


def test_an_empty_archive(cli: Console) -> None:
    result = cli("archive", "ls")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "the archive is empty\n")
    assert cli.json("archive", "ls") == []
    assert cli("archive", "prune", "--unused").stdout == "removed nothing\n"


class TestList:
    def test_the_fields_are_pinned(self, cli: Console, kept: FileArchive) -> None:
        one = put(kept)
        put(kept, "More.", at=LATER, model=LOCAL, cost="0.1")
        [told] = cli.json("archive", "ls")
        assert told.pop("bytes") > 500
        assert told == {
            "request": one.request, "answers": 2, "models": [GPT, LOCAL], "at": LATER, "usd": "0.1123", "fault": None,
        }  # fmt: skip

    def test_the_table_has_the_last_answered_first(self, cli: Console, kept: FileArchive) -> None:
        old, new = put(kept, question="old?"), put(kept, question="new?", at=LATER, cost=None)
        result = cli("archive", "ls")
        head, first, second = result.stdout.splitlines()
        assert head.split() == ["REQUEST", "ANSWERS", "NEWEST", "BYTES", "COST", "MODELS"]
        assert first.split()[:4] == [new.request[:12], "1", "2026-03-01", "12:00:00"]
        assert first.split()[5:] == ["?", GPT]
        assert second.startswith(old.request[:12])
        assert second.split()[5:] == ["$0.0123", GPT]
        assert result.stderr.startswith("2 requests, 2 answers, 1.")

    def test_by_model_and_time(self, cli: Console, kept: FileArchive) -> None:
        put(kept, question="old?")
        new = put(kept, question="new?", at=LATER, model=LOCAL)
        assert [line["request"] for line in cli.json("archive", "ls", "--model", LOCAL)] == [new.request]
        assert [line["request"] for line in cli.json("archive", "ls", "--model", "local/*")] == [new.request]
        assert [line["request"] for line in cli.json("archive", "ls", "--since", "2026-02-01")] == [new.request]
        result = cli("archive", "ls", "--model", "nobody/*")
        assert (result.stdout, result.stderr) == ("", "no request of the archive is of that model and time\n")
        assert cli("archive", "ls", "--since", "soon").exit_code == 2

    def test_what_is_damaged_is_told_and_hides_nothing(self, cli: Console, kept: FileArchive, records: Records) -> None:
        bad, sound = put(kept, question="bad?"), put(kept, question="sound?")
        spoil(records, bad)
        result = cli("archive", "ls")
        assert sound.request[:12] in result.stdout
        assert f"entry {bad.request} cannot be read: its content is not what its digest says\n" in result.stderr
        assert result.stderr.endswith("remove what is damaged: nofx archive prune --damaged\n")
        faults = {line["request"]: line["fault"] for line in cli.json("archive", "ls")}
        assert faults == {sound.request: None, bad.request: "its content is not what its digest says"}


class TestShow:
    def test_a_request_with_its_answers(self, cli: Console, kept: FileArchive) -> None:
        one = put(kept, "Nothing.\nAt all.")
        put(kept, "More.", at=LATER, model=LOCAL, cost=None, shared=False, finish="length")
        assert cli.ok("archive", "show", one.request[:9]).splitlines() == [
            f"request {one.request}",
            f"  models      {GPT}, {LOCAL}",
            "  max output  500",
            "  temperature 0.5",
            "",
            "system:",
            "  | Be brief.",
            "",
            "user:",
            "  | What changed?",
            "",
            f"answer 1 of {GPT}:",
            f"  digest      {one.answer}",
            f"  came        2026-01-01 12:00:00 for step notes of run {RUN}",
            "  cost        $0.0123",
            "  tokens      120 in (100 cached), 7 out",
            "  took        842ms",
            "  | Nothing.",
            "  | At all.",
            "",
            f"answer 2 of {LOCAL}:",
            f"  digest      {kept.show(one.request)[1][1].answer}",
            f"  came        2026-03-01 12:00:00 for step notes of run {RUN}",
            "  cost        not known",
            "  tokens      120 in (100 cached), 7 out",
            "  took        842ms",
            "  finish      length",
            "  shared      no: only that step takes it",
            "  | More.",
        ]

    def test_the_fields_are_pinned(self, cli: Console, kept: FileArchive) -> None:
        one = put(kept)
        told = cli.json("archive", "show", one.request)
        assert set(told) == {"request", "canonical", "answers"}
        assert told["canonical"] == json.loads(json.dumps(asked()))
        assert told["answers"] == [
            {
                "answer": one.answer, "model": GPT, "text": "Nothing.", "data": None, "finish": "stop",
                "usage": {"input": 120, "output": 7, "cached": 100}, "usd": "0.0123", "duration_ms": 842, "at": AT,
                "run": RUN, "step": "notes", "shared": True,
            }
        ]  # fmt: skip

    def test_foreign_text_is_harmless_and_stands_apart(self, cli: Console, kept: FileArchive) -> None:
        one = put(kept, f"{EVIL}\n{COMMAND}\nanswer 2 of openai/gpt-5:", question=f"{EVIL}\r\n{COMMAND}", step=EVIL)
        shown = cli.ok("archive", "show", one.request)
        assert harmless(shown)
        assert "gpj.exe" in shown
        assert "::error" not in shown.replace(": :error", "")
        assert [line for line in shown.splitlines() if line.startswith("answer")] == [f"answer 1 of {GPT}:"]

    def test_a_digest_that_names_none_or_several(self, cli: Console, kept: FileArchive) -> None:
        every = sorted(put(kept, question=str(number)).request for number in range(40))
        result = cli("archive", "show", "xyz")
        assert result.exit_code == 4
        assert result.stderr == (
            "error[not-in-archive]: no request of the archive has a digest that begins with 'xyz'\n"
            "  hint: nofx archive ls\n"
        )
        begin = next(every[at][0] for at in range(39) if every[at][0] == every[at + 1][0])
        several = [request for request in every if request.startswith(begin)]
        result = cli("archive", "show", begin)
        assert result.exit_code == 2
        assert f"error[digest-ambiguous]: '{begin}' begins the digests of {len(several)} requests\n" in result.stderr
        assert f"hint: one of {several[0][:16]}" in result.stderr
        assert cli("archive", "show", "").exit_code == 4
        assert cli("archive", "show", "../../x").exit_code == 4

    def test_a_damaged_entry(self, cli: Console, kept: FileArchive, records: Records) -> None:
        one = put(kept)
        spoil(records, one)
        result = cli("archive", "show", one.request[:8])
        assert result.exit_code == 5
        assert f"error[archive-damaged]: entry {one.request} of the archive is damaged: its content" in result.stderr


class TestExportAndImport:
    def test_all_of_it_goes_to_another_store_and_back(
        self, cli: Console, kept: FileArchive, project: Path, tmp_path: Path
    ) -> None:
        one, two = put(kept, question="one?"), put(kept, "Grüße 🙂", question="two?", shared=False)
        told = cli.json("archive", "export", "all.gz")
        size = (project / "all.gz").stat().st_size
        assert told == {"path": "all.gz", "requests": 2, "answers": 2, "bytes": size, "missing": 0, "damaged": 0}
        there = {"NOFX_HOME": str(tmp_path / "elsewhere")}
        result = cli("archive", "import", "all.gz", env=there)
        assert (result.exit_code, result.stdout) == (0, "2 new answers taken from all.gz\n")
        other = FileArchive(type(kept._layout)(tmp_path / "elsewhere", sync=False))
        assert other.newest(one.request) == one
        assert other.answer_to(two.request, run=RUN, step="notes") == two
        assert (
            cli("archive", "import", "all.gz", env=there).stdout == "no new answers taken from all.gz; 2 were there\n"
        )
        again = cli("archive", "export", "again.gz", env=there)
        assert again.stdout == f"2 answers to 2 requests written to again.gz, {size} bytes\n"
        assert (project / "again.gz").read_bytes() == (project / "all.gz").read_bytes()

    def test_answers_are_merged(self, cli: Console, kept: FileArchive, tmp_path: Path) -> None:
        mine, theirs = put(kept, "mine"), put(kept, "theirs", at=LATER, run=OTHER)
        cli.ok("archive", "export", "all.gz")
        kept.remove(theirs.request, [theirs])
        put(kept, "mine again")
        told = cli.json("archive", "import", "all.gz")
        assert told == {"path": "all.gz", "requests": 1, "answers": 2, "new": 1}
        texts = [exchange.reply.text for exchange in kept.show(mine.request)[1]]
        assert texts == ["mine", "mine again", "theirs"]

    def test_nothing_is_taken_from_a_file_with_one_other_byte(
        self, cli: Console, kept: FileArchive, project: Path
    ) -> None:
        one = put(kept)
        cli.ok("archive", "export", "all.gz")
        kept.remove(one.request, [one])
        data = (project / "all.gz").read_bytes()
        for place in (0, 5, 20, 90, len(data) // 2, len(data) - 1):
            changed = bytearray(data)
            changed[place] ^= 4
            (project / "bad.gz").write_bytes(changed)
            result = cli("archive", "import", "bad.gz")
            assert result.exit_code == 3
            assert result.stderr.startswith("error[archive-file-bad]: nothing was taken from bad.gz: it")
        assert cli.json("archive", "ls") == []

    def test_a_file_that_is_not_there_or_is_none(self, cli: Console, project: Path) -> None:
        assert cli("archive", "import", "no.gz").exit_code == 4
        result = cli("archive", "import", ".")
        assert result.exit_code == 3
        assert "nothing was taken from .: " in result.stderr

    def test_a_file_that_is_there_is_kept(self, cli: Console, kept: FileArchive, project: Path) -> None:
        put(kept)
        (project / "all.gz").write_text("mine")
        result = cli("archive", "export", "all.gz")
        assert result.exit_code == 5
        assert result.stderr == (
            "error[file-exists]: all.gz is there already\n  hint: write elsewhere, or give --force to replace it\n"
        )
        assert (project / "all.gz").read_text() == "mine"
        cli.ok("archive", "export", "all.gz", "--force")
        assert cli.json("archive", "import", "all.gz")["answers"] == 1
        assert cli("archive", "export", ".", "--force").exit_code == 5
        assert cli("archive", "export", "no/such/all.gz").exit_code == 2

    def test_what_one_run_needs(self, cli: Console, kept: FileArchive, records: Records) -> None:
        own = put(kept, "own", question="own?", run=OTHER)
        shared = put(kept, "shared", question="shared?")
        put(kept, "not mine", question="shared?", at=LATER)
        put(kept, question="of nobody?")
        records.add(TWO_STEPS, [STARTED, taken(shared)], run=OTHER)
        told = cli.json("archive", "export", "run.gz", "--run", "bbbbbb")
        assert (told["requests"], told["answers"], told["missing"]) == (2, 2, 0)
        for request in list(kept.requests()):
            kept.remove(request, kept.show(request)[1])
        cli.ok("archive", "import", "run.gz")
        found = [one for request in kept.requests() for one in kept.show(request)[1]]
        assert sorted(one.reply.text for one in found) == ["own", "shared"]
        assert {one.request for one in found} == {own.request, shared.request}

    def test_what_a_run_needs_and_is_not_there_is_told(self, cli: Console, kept: FileArchive, records: Records) -> None:
        gone = put(kept)
        kept.remove(gone.request, [gone])
        records.add(TWO_STEPS, [STARTED, taken(gone)])
        result = cli("archive", "export", "run.gz", "--run", RUN)
        assert result.exit_code == 0
        assert result.stderr == "the archive lacks 1 answer that the run needs\n"

    def test_what_is_damaged_is_left_out_and_told(self, cli: Console, kept: FileArchive, records: Records) -> None:
        spoil(records, put(kept, question="bad?"))
        put(kept, question="sound?")
        result = cli("archive", "export", "all.gz")
        assert result.stdout.startswith("1 answer to 1 request written to all.gz, ")
        assert result.stderr == "left out, for they cannot be read: 1 entry; see: nofx archive ls\n"


class TestPrune:
    def test_only_what_no_run_needs_goes(self, cli: Console, kept: FileArchive, records: Records) -> None:
        named = put(kept, "named", question="named?", run=OTHER)
        own = put(kept, "came for it, and a crash kept the journal from naming it", question="own?")
        gone = put(kept, "of a run that is gone", question="gone?", run=OTHER)
        half = put(kept, "half", question="named?", run=OTHER)
        records.add(TWO_STEPS, [STARTED, taken(named)])
        size = sum(line.bytes for line in kept.entries())
        looked = cli.json("archive", "prune", "--unused", "--dry-run")
        assert sum(line.bytes for line in kept.entries()) == size
        told = cli.json("archive", "prune", "--unused")
        assert told == {
            "dry_run": False, "answers": 2, "requests": 1, "bytes": size - sum(line.bytes for line in kept.entries()),
            "needed": 2, "damaged": 0, "damaged_left": 0,
        }  # fmt: skip
        assert looked == {**told, "dry_run": True}
        assert kept.exact(named.request, named.answer) == named
        assert kept.exact(own.request, own.answer) == own
        assert kept.exact(half.request, half.answer) is None
        assert kept.newest(gone.request) is None

    def test_only_what_is_old_enough_goes(
        self, cli: Console, kept: FileArchive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = open_session().services.clock.now_us()
        from nofx_cli.clock import format_at

        put(kept, "old", run=OTHER)
        put(kept, "new", run=OTHER, at=format_at(now))
        result = cli("archive", "prune", "--older-than", "1d")
        assert result.stdout.startswith("removed 1 answer, ")
        [left] = [one for request in kept.requests() for one in kept.show(request)[1]]
        assert left.reply.text == "new"

    def test_what_runs_need_goes_only_by_force(self, cli: Console, kept: FileArchive, records: Records) -> None:
        named = put(kept, run=OTHER)
        records.add(TWO_STEPS, [STARTED, taken(named)])
        result = cli("archive", "prune", "--older-than", "1d")
        assert (result.stdout, result.stderr) == (
            "removed nothing\n", "kept 1 answer that runs need\n"
        )  # fmt: skip
        result = cli("archive", "prune", "--older-than", "1d", "--force", "--dry-run")
        assert result.stdout.startswith("would remove 1 answer and with them 1 request, ")
        assert kept.newest(named.request) == named
        assert cli("archive", "prune", "--older-than", "1d", "--force").stdout.startswith("removed 1 answer and with")
        assert list(kept.requests()) == []

    def test_nothing_goes_where_a_journal_cannot_be_read(
        self, cli: Console, kept: FileArchive, records: Records
    ) -> None:
        named = put(kept, run=OTHER)
        records.add(TWO_STEPS, [STARTED, taken(named)])
        data = records.journal().read_bytes()
        records.journal().write_bytes(data.replace(b'"type":"llm.responded"', b'"type":"llm.responded', 1))
        result = cli("archive", "prune", "--unused")
        assert result.exit_code == 5
        assert result.stderr == (
            f"error[journal-damaged]: the journal of run {RUN} cannot be read, so nobody knows which answers they need"
            f"; nothing was removed\n  hint: nofx verify {RUN}\n"
        )
        assert kept.newest(named.request) == named
        assert cli("archive", "export", "x.gz", "--run", RUN).exit_code == 5

    def test_what_is_damaged_goes_when_it_is_asked_for(self, cli: Console, kept: FileArchive, records: Records) -> None:
        bad, sound = put(kept, question="bad?", run=OTHER), put(kept, question="sound?", run=OTHER)
        spoil(records, bad)
        result = cli("archive", "prune", "--older-than", "999999w")
        assert result.stderr == "1 entry of the archive cannot be read: nofx archive ls\n"
        told = cli.json("archive", "prune", "--damaged")
        assert (told["answers"], told["damaged"], told["damaged_left"]) == (0, 1, 0)
        assert told["bytes"] > 100
        assert list(kept.requests()) == [sound.request]
        assert cli("archive", "prune", "--damaged").stdout == "removed nothing\n"

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ([], "nothing is said to be removed"),
            (["--force"], "nothing is said to be removed"),
            (["--unused", "--force"], "--force goes with --older-than, and not with --unused"),
            (["--damaged", "--force"], "--force goes with --older-than, and not with --unused"),
            (["--older-than", "soon"], "'soon' is no age; write it like 12h, 7d or 4w"),
        ],
    )
    def test_bad_options(self, cli: Console, words: list[str], message: str) -> None:
        result = cli("archive", "prune", *words)
        assert result.exit_code == 2
        assert message in result.stderr


def spoil(records: Records, exchange: Exchange) -> None:
    """Let one bit of an entry flip."""
    path = records.layout.root / "archive" / exchange.request[:2] / f"{exchange.request}.json"
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
