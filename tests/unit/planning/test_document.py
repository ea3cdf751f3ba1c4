"""Text that is hardly a plan: too large, too deep, not text at all."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.planning import document
from nofx_cli.planning.diagnostics import Diagnostic, PlanInvalid
from nofx_cli.planning.document import read_plan_text
from nofx_cli.planning.load import load_plan
from tests.unit.planning.fake_handlers import FakeHandlers


def told(text: str) -> Diagnostic:
    with pytest.raises(PlanInvalid) as caught:
        load_plan(text, source="x.yaml", handlers=FakeHandlers())
    (found,) = caught.value.diagnostics
    return found


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "? ", "[a,"])
def test_nesting_has_a_limit_that_is_met_before_the_stack_ends(opening: str) -> None:
    found = told(opening * 300_000)
    assert (found.code, found.message, found.line) == ("plan-syntax", "nested deeper than 64 levels", 1)
    assert len(str(PlanInvalid([found]))) < 1000


def test_what_nests_as_deep_as_allowed_is_read() -> None:
    depth = 58
    plan = load_plan(
        f"steps: [{{name: a, tool: shell, inputs: {{x: {'[' * depth}{']' * depth}}}}}]",
        source="x.yaml",
        handlers=FakeHandlers(),
    )
    assert str(plan.steps[0].inputs["x"]).count("[") == depth


def test_aliases_cannot_blow_a_small_file_up() -> None:
    lines = ["x0: &x0 [a, a, a, a, a, a, a, a, a, a]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 9)]
    found = told("\n".join(lines))
    assert (found.code, found.line, found.column) == ("plan-too-large", 7, 5)
    assert found.message == "with its aliases this is more than 2,000,000 values"


def test_an_alias_that_contains_itself_by_way_of_another_is_refused() -> None:
    assert told("a: &a [&b {x: *a}, *b]\nsteps: []").message == "an alias in here contains itself"


def test_a_text_beyond_the_limit_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 1024 * 1024)
    assert told("#" * 1024 * 1024 + "\n@").message == "the file is larger than 1 MiB"


@pytest.mark.parametrize(("char", "shown"), [("\x00", "\\x00"), ("\x1b", "\\x1b"), ("\ud800", "\\ud800")])
def test_a_character_that_yaml_does_not_have_is_named(char: str, shown: str) -> None:
    found = told(f"steps:\r\n  - größe{char}")
    assert found.message == f"the character `{shown}` cannot stand in YAML"
    assert (found.line, found.column) == (2, 10)


def test_without_the_parser_in_c_the_same_plans_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    monkeypatch.delattr(yaml, "CSafeLoader")
    document._loader.cache_clear()
    try:
        plan = load_plan("steps: [{name: a, tool: shell, inputs: {x: 1:30}}]", source="x", handlers=FakeHandlers())
        assert plan.steps[0].inputs == {"x": "1:30"}
        assert told("[" * 1000).message == "nested deeper than 64 levels"
        assert (told("a: b: c").code, told("a: b: c").column) == ("plan-syntax", 5)
    finally:
        document._loader.cache_clear()


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes("größe: 1\r\n".encode())
    assert read_plan_text(path) == "größe: 1\r\n"


def test_a_file_that_is_not_utf_8_is_told_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"goal: x\nname: gr\xf6\xdfe\n")
    with pytest.raises(PlanInvalid) as caught:
        read_plan_text(path)
    (found,) = caught.value.diagnostics
    assert (found.message, found.line, found.column) == ("the byte 0xf6 is not UTF-8", 2, 9)


def test_utf_16_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes("goal: größe".encode("utf-16"))
    with pytest.raises(PlanInvalid, match="it looks like UTF-16"):
        read_plan_text(path)


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 4 * 1024 * 1024)
    path = tmp_path / "x.yaml"
    with path.open("wb") as file:
        file.truncate(8 * 1024 * 1024 * 1024)
    with pytest.raises(PlanInvalid, match="larger than 4 MiB"):
        read_plan_text(path)


def test_a_file_that_cannot_be_read_is_told_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(errors.NotFound) as caught:
        read_plan_text(tmp_path / "none.yaml")
    assert caught.value.message == f"{tmp_path}/none.yaml: No such file or directory"
    with pytest.raises(errors.NotFound, match="Is a directory"):
        read_plan_text(tmp_path)
