"""`nofx config show`: each value, and who said so."""

import pytest

from nofx_cli.config.settings import DECLARED
from tests.cli.console import EVIL, Console, harmless


def test_each_setting_says_where_it_comes_from(cli: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    (cli.folder / "nofx.yaml").write_text("actor: ada\ngrace: 5s\n")
    monkeypatch.setenv("NOFX_GRACE", "750ms")
    rows = {line.split()[0]: line.split()[1:3] for line in cli.ok("config", "show").splitlines()}
    assert rows["actor"] == ["ada", "nofx.yaml:1"]
    assert rows["grace_ms"] == ["750ms", "NOFX_GRACE"]
    assert rows["output_limit"] == ["64MB", "default"]
    assert rows["sync"] == ["off", "NOFX_SYNC"]


def test_the_fields_are_pinned(cli: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOFX_HOME")
    shown = cli.json("config", "show")
    assert set(shown) == {"project", "settings"}
    assert shown["project"] == str(cli.folder)
    assert set(shown["settings"]) == {declared.name for declared in DECLARED}
    assert shown["settings"]["store"] == {"value": str(cli.folder / "local_data"), "source": "default"}
    assert shown["settings"]["grace_ms"] == {"value": 700, "source": "default"}


def test_a_bad_value_is_told_with_its_place(cli: Console) -> None:
    (cli.folder / "nofx.yaml").write_text("\ngrace: soon\n")
    result = cli("config", "show")
    assert result.exit_code == 3
    assert "nofx.yaml:2: grace: 'soon' is not a duration" in result.stderr


def test_a_bad_value_is_an_object_for_programs(cli: Console) -> None:
    import json

    (cli.folder / "nofx.yaml").write_text("grace: soon\n")
    result = cli("config", "show", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["exit_code"], told["error"]["code"]) == (3, 3, "settings-bad-value")


def test_foreign_text_is_harmless(cli: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOFX_ACTOR", EVIL)
    shown = cli.ok("config", "show")
    assert harmless(shown)
    assert "gpj.exe" in shown
