"""`nofx doctor --secrets`: which file, which line, which secret; never what it is."""

import base64
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.wiring.doctor.store_search import Place
from tests.cli.console import EVIL, RUN, TWO_STEPS, Console, Records, harmless

CANARY = "swordfish-Trombone/42"
TOKEN = "gh" + "p_" + "aZ9" * 12


@pytest.fixture(autouse=True)
def _canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_OF_MINE", CANARY)
    monkeypatch.delenv("NO_SUCH_VARIABLE", raising=False)


def told(cli: Console, *, code: int) -> list[dict[str, Any]]:
    result = cli("doctor", "--secrets", "--json")
    assert result.exit_code == code, result.output
    assert CANARY not in result.output
    found = json.loads(result.stdout)
    assert set(found) == {"ok", "repairs", "checks"}
    assert found["ok"] is (code == 0)
    checks: list[dict[str, Any]] = found["checks"]
    assert all(check["check"] == "secrets" for check in checks)
    return checks


def failures(cli: Console) -> list[str]:
    return [line for check in told(cli, code=1) if check["status"] == "fail" for line in check["message"].split("\n")]


def test_a_clean_store(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS)

    [check] = told(cli, code=0)

    assert check["status"] == "ok"
    assert check["remedy"] is None
    assert check["message"].startswith("none stands in ")
    assert "1 known value" in check["message"]


def test_no_store_at_all(cli: Console) -> None:
    [check] = told(cli, code=0)

    assert "searched no files" in check["message"]


@pytest.mark.parametrize(
    "place",
    [
        "runs/2026-01-01/20260101-120000-aaaaaa/journal.jsonl",
        "runs/2026-01-01/20260101-120000-aaaaaa/plan.yaml",
        "runs/2026-01-01/20260101-120000-aaaaaa/logs/build.1.log",
        "runs/2026-01-01/20260101-120000-aaaaaa/artifacts/build/1/sub/report",
        "runs/2026-01-01/20260101-120000-aaaaaa/approvals/digest.json",
        "runs/2026-01-01/20260101-120000-aaaaaa/scratch/1-dead.0/output",
        "archive/ab/answer.json",
        "queue/log.jsonl",
        "workers/20260101-1.log",
        "backups/.hidden",
    ],
)
def test_every_file_is_searched(cli: Console, records: Records, place: str) -> None:
    records.add(TWO_STEPS)
    path = records.layout.root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(b"\n\xff" + CANARY.encode() + b"\nend")
    line = path.read_bytes()[: path.read_bytes().index(b"\xff")].count(b"\n") + 1

    assert failures(cli) == [f"{os.path.relpath(path, cli.folder)}:{line}: the value of TOKEN_OF_MINE"]


@pytest.mark.parametrize(
    "written",
    [
        CANARY,
        base64.b64encode(f"x{CANARY}y".encode()).decode(),
        CANARY.encode().hex(),
        CANARY.replace("/", "%2F"),
        json.dumps(CANARY).replace("/", "\\/"),
    ],
)
@pytest.mark.parametrize("before", [0, 2**20 - 4099, 2**20 - 7, 2 * 2**20 - 20])
@pytest.mark.parametrize("packed", [False, True])
def test_in_every_form_and_at_every_place(
    cli: Console, records: Records, written: str, before: int, packed: bool
) -> None:
    data = b"." * before + b"\n\n" + written.encode() + b"\n" * 9000
    path = records.layout.root / "archive" / "answer"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(data) if packed else data)

    assert failures(cli) == [f"{os.path.relpath(path, cli.folder)}:3: the value of TOKEN_OF_MINE"]


def test_what_only_looks_like_a_secret_and_names_of_files(cli: Console, records: Records) -> None:
    folder = records.layout.root / "cache"
    folder.mkdir(parents=True)
    (folder / "a").write_text(f"\n\nkey: {TOKEN}")
    (folder / TOKEN).touch()
    shown = os.path.relpath(folder, cli.folder)

    assert failures(cli) == [f"{shown}/a:3: looks like a secret", f"{shown}/***, its name: looks like a secret"]


def test_of_many_lines_some_are_named(cli: Console, records: Records) -> None:
    records.layout.root.mkdir(parents=True)
    (records.layout.root / "log").write_text(f"{CANARY} {CANARY}\n" * 9)

    lines = failures(cli)

    assert [line.rpartition(":")[0].rpartition(":")[2] for line in lines[:5]] == ["1", "2", "3", "4", "5"]
    assert lines[5:] == ["… and 4 more"]


def test_for_people_control_characters_are_neutralised(cli: Console, records: Records) -> None:
    records.layout.root.mkdir(parents=True)
    (records.layout.root / EVIL.replace("/", "")).write_text(CANARY)

    result = cli("doctor", "--secrets")

    assert result.exit_code == 1
    assert harmless(result.stdout)
    assert result.stdout.startswith("fail  secrets")
    assert "→ change the secret where it comes from" in result.stdout


SETTINGS = """\
secrets:
  one:
    HERE: {env: ALSO_MINE}
    FILE: {file: token}
    SHORT: {env: SHORT_ONE}
  two:
    RAN: {command: [sh, -c, "echo ran-and-told"]}
    GONE: {env: NO_SUCH_VARIABLE}
"""


def test_declared_secrets_are_got_judged_and_looked_for(
    cli: Console, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cli.folder / "nofx.yaml").write_text(SETTINGS)
    (cli.folder / "token").write_text("of-a-file\n")
    (cli.folder / "token").chmod(0o644)
    monkeypatch.setenv("ALSO_MINE", "of-a-variable")
    monkeypatch.setenv("SHORT_ONE", "12345")
    records.layout.root.mkdir(parents=True)
    (records.layout.root / "log").write_text("of-a-file\nof-a-variable\nran-and-told\n12345\n")

    checks = told(cli, code=1)

    assert [check["message"] for check in checks if check["status"] == "warn"] == [
        f"one.FILE (file, nofx.yaml:4): others may read {cli.folder / 'token'}",
        "one.SHORT (env, nofx.yaml:5) has fewer than 6 characters, and so is not masked",
        "two.GONE (env, nofx.yaml:8) is not there: the variable NO_SUCH_VARIABLE is not set",
    ]
    assert [line.rpartition(": ")[2] for line in failures(cli)] == [
        "the value of one.FILE",
        "the value of one.HERE",
        "the value of two.RAN",
    ]


def test_what_cannot_be_read_is_told(cli: Console, records: Records) -> None:
    records.layout.root.mkdir(parents=True)
    (records.layout.root / "torn.gz").write_bytes(gzip.compress(b"x" * 5000)[:20])

    [warning, _] = told(cli, code=0)

    assert warning["status"] == "warn"
    assert "torn.gz cannot be searched" in warning["message"]


def test_a_link_is_not_followed(cli: Console, records: Records, tmp_path: Path) -> None:
    records.layout.root.mkdir(parents=True)
    (tmp_path / "elsewhere").write_text(CANARY)
    (records.layout.root / "link").symlink_to(tmp_path / "elsewhere")

    told(cli, code=0)


def test_broken_settings_are_a_failure(cli: Console) -> None:
    (cli.folder / "nofx.yaml").write_text("secrets: [")

    result = cli("doctor", "--secrets")

    assert result.exit_code == 1
    assert result.stdout.startswith("fail  settings")


def test_what_is_told_of_a_place_is_not_what_stands_there() -> None:
    assert CANARY not in repr(Place(1, True, CANARY.encode()))


def test_the_journal_of_a_run_has_none(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [(ev.StepStarted("key"), "build", 1)], run=RUN)

    told(cli, code=0)
