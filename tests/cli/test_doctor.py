"""`nofx doctor`: what is wrong with the machine, the project or the store, and what mends it."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.console import EVIL, RUN, STARTED, TWO_STEPS, Console, Records, harmless


@pytest.fixture(autouse=True)
def _quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No program is started to ask for its version, but where that is what is tested."""
    if "programs" not in request.node.name:
        monkeypatch.setattr("nofx_cli.wiring.doctor.machine.version_of", lambda argv: "git version 2")
        monkeypatch.setattr("nofx_cli.wiring.doctor.project.version_of", lambda argv: "1.0")


def _found(cli: Console, *, code: int = 0) -> dict[str, dict[str, Any]]:
    import json

    result = cli("doctor", "--json")
    assert result.exit_code == code, result.output
    told = json.loads(result.stdout)
    assert set(told) == {"ok", "checks"}
    assert told["ok"] is (code == 0)
    assert all(set(check) == {"check", "status", "message", "remedy"} for check in told["checks"])
    return {check["check"]: check for check in told["checks"]}


def test_what_is_examined(cli: Console) -> None:
    found = _found(cli)
    assert {
        "nofx", "python", "platform", "git", "limits", "completion", "settings", "store", "durability", "space",
        "file events", "gate:lint", "gate:unit", "plugins",
    } <= set(found)  # fmt: skip
    assert found["durability"]["status"] == "warn"
    assert found["durability"]["remedy"] == "unset NOFX_SYNC"


def test_each_line_says_how_it_is(cli: Console) -> None:
    lines = cli.ok("doctor").splitlines()
    assert {line.split()[0] for line in lines} <= {"ok", "warn", "→"}


def test_it_leaves_nothing_behind(cli: Console, records: Records) -> None:
    cli.ok("doctor")
    assert list(cli.folder.iterdir()) == [cli.folder / "nofx.yaml"]
    assert not records.layout.root.exists()
    records.add(TWO_STEPS)
    before = sorted(records.layout.root.rglob("*"))
    cli.ok("doctor")
    assert sorted(records.layout.root.rglob("*")) == before


def test_an_interrupted_run(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED])
    found = _found(cli)["interrupted"]
    assert (found["status"], found["remedy"]) == ("warn", f"nofx resume {RUN}")
    with records.liveness.hold(RUN):
        assert "interrupted" not in _found(cli)


def test_a_damaged_run(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS)
    records.journal().write_bytes(b"")
    assert _found(cli, code=1)["damaged"]["remedy"] == f"nofx verify {RUN}"


def test_a_run_whose_creation_was_cut_off(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS)
    left = records.layout.day(RUN) / ".new-20260101-120000-bbbbbb"
    left.mkdir()
    assert "leftover" not in _found(cli)
    os.utime(left, (1, 1))
    assert _found(cli)["leftover"]["remedy"] == f"rm -r {left}"


def test_a_store_that_cannot_be_made(cli: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    (cli.folder / "file").touch()
    monkeypatch.setenv("NOFX_HOME", "/proc/store")
    assert _found(cli, code=1)["store"]["status"] == "fail"


def test_a_store_of_a_newer_nofx(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS)
    (records.layout.root / "format").write_text("999\n")
    found = _found(cli, code=1)["store"]
    assert "this nofx knows up to" in found["message"]


def test_settings_that_are_wrong_do_not_hide_the_rest(cli: Console) -> None:
    (cli.folder / "nofx.yaml").write_text("grace: soon\n")
    found = _found(cli, code=1)
    assert found["settings"]["status"] == "fail"
    assert "nofx.yaml:1: grace" in found["settings"]["message"]
    assert found["git"]["status"] == "ok"


def test_a_plugin_that_cannot_be_loaded(cli: Console) -> None:
    (cli.folder / "nofx_handlers").mkdir()
    (cli.folder / "nofx_handlers" / "deploy.py").write_text("import nothing_of_that_name\n")
    found = _found(cli, code=1)["plugins"]
    assert found["message"].startswith("nofx_handlers/deploy.py:1: ModuleNotFoundError")


def test_programs_are_asked_for_their_version(cli: Console) -> None:
    found = _found(cli)
    assert found["git"]["message"].startswith("git version ")
    assert found["gate:lint"]["message"].startswith("ruff ")
    assert found["gate:unit"]["message"].startswith("pytest ")


def test_programs_that_are_not_there(cli: Console, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    found = _found(cli)
    assert [found[check]["status"] for check in ("git", "gate:lint", "gate:unit")] == ["warn"] * 3
    assert "pip install ruff" in found["gate:lint"]["remedy"]


def test_completion_that_is_installed(cli: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/bash")
    assert _found(cli)["completion"]["remedy"] == "nofx --install-completion"
    script = Path.home() / ".bash_completions" / "nofx.sh"
    script.parent.mkdir()
    script.touch()
    assert _found(cli)["completion"]["message"] == "installed for bash"


def test_foreign_text_is_harmless(cli: Console) -> None:
    (cli.folder / "nofx_handlers").mkdir()
    (cli.folder / "nofx_handlers" / "deploy.py").write_text(f"raise RuntimeError({EVIL!r})\n")
    shown = cli("doctor").stdout
    assert harmless(shown)
    assert "gpj.exe" in shown
