"""The rules of a project follow its file."""

import os
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.policy import Aspect
from nofx_cli.domain.project import ProjectRules
from nofx_cli.wiring.project_rules import RulesFile


def test_a_project_without_settings_has_no_rules(tmp_path: Path) -> None:
    assert RulesFile(tmp_path).check() == ProjectRules()


def test_a_change_is_seen_and_what_is_unchanged_is_not_read_again(tmp_path: Path) -> None:
    settings = tmp_path / "nofx.yaml"
    settings.write_text("policy: {tools: {deny: [a]}}")
    file = RulesFile(tmp_path)
    first = file.read()
    assert file.read() is first

    settings.write_text("policy: {tools: {deny: [b]}}")
    assert [rule.pattern for rule in file.read().policy[Aspect.TOOLS].deny] == ["b"]

    settings.unlink()
    assert file.read() == ProjectRules()


@pytest.mark.parametrize(
    "content", [b"policy: {tols: 1}", b"policy: [", b"policy: \xff", b"policy: {}\n---\npolicy: {}"]
)
def test_what_cannot_be_read_allows_nothing_and_says_why(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "nofx.yaml").write_bytes(content)
    file = RulesFile(tmp_path)

    assert file.read().fault
    with pytest.raises(errors.InvalidInput, match=r"nofx\.yaml"):
        file.check()


def test_a_file_that_may_not_be_read_allows_nothing(tmp_path: Path) -> None:
    os.symlink(tmp_path / "nofx.yaml", tmp_path / "nofx.yaml")  # a loop: it cannot be opened, whoever asks
    assert "cannot be read" in RulesFile(tmp_path).read().fault


@pytest.mark.parametrize(
    "text", ['{"policy": %s}', '"policy" : %s', "? policy\n: %s", '"pol\\x69cy": %s', "policy: &a %s"]
)
def test_rules_are_seen_however_their_key_is_written(tmp_path: Path, text: str) -> None:
    (tmp_path / "nofx.yaml").write_text(text % "{tools: {deny: [a]}}")
    assert [rule.pattern for rule in RulesFile(tmp_path).check().policy[Aspect.TOOLS].deny] == ["a"]


@pytest.mark.parametrize(
    "text",
    ["models: {attempts: 2}", "agents: {claude: {timeout: 1m}}", "budget: {usd: 1}", "approvals: {weakened: fail}"],
)
def test_every_part_that_has_a_structure_is_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "nofx.yaml").write_text(text)
    found = RulesFile(tmp_path).check()
    assert found.digest != ProjectRules().digest


@pytest.mark.parametrize("text", ["- policy\n", "policy\n", "polcy: {tools: {deny: [a]}}\n", "<<: {policy: {}}\n"])
def test_what_is_no_settings_any_more_allows_nothing_though_it_was_before(tmp_path: Path, text: str) -> None:
    (tmp_path / "nofx.yaml").write_text("grace: 1s\n")
    file = RulesFile(tmp_path)
    assert not file.check().fault
    (tmp_path / "nofx.yaml").write_text(text)
    assert file.read().fault


def test_a_link_that_leads_to_nothing_is_no_file_that_is_absent(tmp_path: Path) -> None:
    file = RulesFile(tmp_path)
    assert file.check() == ProjectRules()
    os.symlink("nowhere", tmp_path / "nofx.yaml")
    assert "leads to nothing" in file.read().fault
    assert "leads to nothing" in RulesFile(tmp_path).read().fault


def test_a_change_of_what_a_link_leads_to_is_seen(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("policy: {tools: {deny: [a]}}")
    os.symlink("real", tmp_path / "nofx.yaml")
    file = RulesFile(tmp_path)
    assert file.check().policy
    (tmp_path / "real").write_text("grace: 1s\n")
    assert not file.read().policy


def test_text_in_two_bytes_a_sign_is_not_taken_for_settings_without_rules(tmp_path: Path) -> None:
    (tmp_path / "nofx.yaml").write_bytes("policy: {tools: {deny: [a]}}".encode("utf-16-le"))
    assert RulesFile(tmp_path).read().fault


def test_handlers_of_the_project_are_rules_too(tmp_path: Path) -> None:
    file = RulesFile(tmp_path)
    without = file.check()
    (tmp_path / "nofx_handlers").mkdir()
    (tmp_path / "nofx_handlers" / "a.py").write_text("a = 1")
    first = file.check()
    assert first.digest != without.digest
    (tmp_path / "nofx_handlers" / "__pycache__").mkdir()
    (tmp_path / "nofx_handlers" / "__pycache__" / "a.pyc").touch()
    assert file.check() is first
    (tmp_path / "nofx_handlers" / "a.py").write_text("a = 2")
    assert file.check().digest not in (first.digest, without.digest)
