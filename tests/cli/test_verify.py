"""`nofx verify`: what was touched is found, and where."""

from collections.abc import Callable

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import digest_of_bytes
from tests.cli.console import EVIL, RUN, STARTED, TWO_STEPS, Console, Records, harmless, success

OTHER = "20260102-120000-bbbbbb"


def _whole(records: Records) -> None:
    shown = '{"step":"build"}'
    records.add(TWO_STEPS, [STARTED])
    path = records.artifacts.put_shown(RUN, digest_of_bytes(shown.encode()), shown)
    begun, started, done = success("build")
    asked = ev.ApprovalRequested(digest_of_bytes(shown.encode()), "Build?", path=path)
    kept = records.artifact("notes.md", b"what is new", step="build")
    records.append(RUN, begun, (asked, "build"), ev.RunWaiting(("build",)), seconds=1)
    records.append(RUN, (ev.ApprovalGranted(asked.digest), "build"), started, (kept, "build", 1), done, seconds=2)
    records.append(RUN, *success("check"), ev.RunSucceeded(), seconds=3)


def _faults(cli: Console, *words: str) -> list[tuple[int, str]]:
    import json

    result = cli("verify", *words, "--json")
    assert result.exit_code == 1
    (found,) = json.loads(result.stdout)["runs"]
    return [(fault["seq"], fault["code"]) for fault in found["faults"]]


def _edit(records: Records, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the journal's lines, as somebody would who can write to the store."""
    path = records.journal()
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"".join(line + b"\n" for line in change(lines)))


def test_an_untouched_run(cli: Console, records: Records) -> None:
    _whole(records)
    head = records.store.head(RUN)
    assert cli.ok("verify") == f"ok    {RUN}  13 events, 2 files  13:{head.digest}\n"


def test_the_fields_are_pinned(cli: Console, records: Records) -> None:
    _whole(records)
    assert cli.json("verify") == {
        "ok": True,
        "runs": [
            {
                "run": RUN,
                "ok": True,
                "events": 13,
                "files": 2,
                "head": {"seq": 13, "digest": records.store.head(RUN).digest},
                "torn": False,
                "faults": [],
            }
        ],
    }


def test_a_changed_event(cli: Console, records: Records) -> None:
    _whole(records)
    _edit(records, lambda lines: [line.replace(b"1500", b"1501") if b'"seq":9,' in line else line for line in lines])
    assert _faults(cli) == [(9, "changed")]
    assert "event 9: changed: event 9 was changed" in cli("verify").stdout


def test_a_dropped_a_swapped_and_an_inserted_event(cli: Console, records: Records) -> None:
    _whole(records)
    before = records.journal().read_bytes()
    changes: list[Callable[[list[bytes]], list[bytes]]] = [
        lambda lines: [*lines[:4], *lines[5:]],
        lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]],
        lambda lines: [*lines[:5], lines[2], *lines[5:]],
    ]
    for change, first in zip(changes, (5, 5, 6), strict=True):
        records.journal().write_bytes(before)
        _edit(records, change)
        assert min(_faults(cli)) == (first, "sequence")


def test_a_tail_that_was_cut_off_shows_against_the_head_beside_the_journal(cli: Console, records: Records) -> None:
    _whole(records)
    _edit(records, lambda lines: lines[:-4])
    assert (10, "tail-cut") in _faults(cli)


def test_a_tail_that_was_cut_off_with_its_head_shows_against_one_noted_elsewhere(
    cli: Console, records: Records
) -> None:
    _whole(records)
    (noted,) = cli.json("verify")["runs"]
    expected = f"{noted['head']['seq']}:{noted['head']['digest']}"
    assert cli("verify", RUN, "--expect-head", expected).exit_code == 0
    _edit(records, lambda lines: lines[:-4])
    (records.layout.run(RUN) / "head").unlink()
    assert cli("verify").exit_code == 0
    assert _faults(cli, "--expect-head", expected) == [(10, "tail-cut")]
    assert _faults(cli, "--expect-head", noted["head"]["digest"]) == [(9, "head-differs")]


def test_a_head_that_is_none(cli: Console, records: Records) -> None:
    _whole(records)
    assert cli("verify", "--expect-head", "12").exit_code == 2
    assert cli("verify", "--expect-head", "x:" + "0" * 64).exit_code == 2
    records.add(TWO_STEPS, run=OTHER)
    assert cli("verify", "--all", "--expect-head", "0" * 64).exit_code == 2


def test_a_plan_that_was_changed_or_taken_away(cli: Console, records: Records) -> None:
    _whole(records)
    plan = records.layout.run(RUN) / "plan.yaml"
    plan.write_text(TWO_STEPS + "# and more\n")
    assert _faults(cli) == [(1, "plan-changed")]
    plan.unlink()
    assert _faults(cli) == [(1, "plan-gone")]


def test_files_that_were_changed_or_taken_away(cli: Console, records: Records) -> None:
    _whole(records)
    folder = records.layout.run(RUN)
    (shown,) = folder.glob("approvals/*")
    shown.write_text("{}")
    (kept,) = folder.glob("artifacts/**/notes.md")
    kept.unlink()
    assert _faults(cli) == [(4, "file-changed"), (8, "file-gone")]


def test_the_journal_of_another_run(cli: Console, records: Records) -> None:
    _whole(records)
    records.add(TWO_STEPS, run=OTHER)
    for name in ("journal.jsonl", "head"):
        (records.layout.run(RUN) / name).write_bytes((records.journal(OTHER).parent / name).read_bytes())
    assert _faults(cli, RUN) == [(1, "foreign")]


def test_a_torn_tail_is_told_and_is_no_fault(cli: Console, records: Records) -> None:
    _whole(records)
    with open(records.journal(), "ab") as journal:
        journal.write(b'{"v":1,"seq":14,"at":"2026-')
    result = cli("verify")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"ok    {RUN}  13 events")
    assert "ends in a torn batch, behind event 13" in result.stderr
    assert f"nofx resume {RUN}" in result.stderr
    assert cli.json("verify")["runs"][0]["torn"] is True


def test_damage_in_the_middle(cli: Console, records: Records) -> None:
    _whole(records)
    _edit(records, lambda lines: [b"\x00" * len(line) if number == 4 else line for number, line in enumerate(lines)])
    assert (5, "damaged") in _faults(cli)


def test_several_runs_and_all(cli: Console, records: Records) -> None:
    _whole(records)
    records.add(TWO_STEPS, run=OTHER)
    assert len(cli.ok("verify", RUN, OTHER, RUN).splitlines()) == 2
    _edit(records, lambda lines: lines[1:])
    result = cli("verify", "--all")
    assert result.exit_code == 1
    assert [line.split()[0] for line in result.stdout.splitlines() if not line.startswith(" ")] == ["ok", "fault"]
    assert cli("verify", "--all", RUN).exit_code == 2


def test_no_run(cli: Console) -> None:
    assert cli("verify").exit_code == 4
    assert cli("verify", "--all").exit_code == 0


@pytest.mark.parametrize("place", ["run", "path"])
def test_foreign_text_is_harmless(cli: Console, records: Records, place: str) -> None:
    kept = ev.ArtifactCreated(EVIL, "artifacts/" + EVIL, "0" * 64)
    records.add(TWO_STEPS, [STARTED, (kept, "build", 1)])
    if place == "run":
        evil = EVIL.encode("unicode_escape").replace(b"\\x", b"\\u00")
        _edit(records, lambda lines: [lines[0].replace(RUN.encode(), evil), *lines[1:]])
    shown = cli("verify").stdout
    assert harmless(shown)
    assert "gpj.exe" in shown
