"""The parameters of a run."""

from pathlib import Path
from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.domain.plan import Plan
from nofx_cli.planning.diagnostics import PlanInvalid
from nofx_cli.planning.load import load_plan
from nofx_cli.planning.params import read_params_file, resolve_params
from tests.unit.planning.fake_handlers import FakeHandlers

DECLARED = """\
params:
  tag: {required: true, description: what is published}
  count: {type: integer, default: 3}
  ratio: {type: number}
  fast: {type: boolean, default: false}
  level: {choices: [low, high], default: low}
steps: [{name: a, tool: shell}]
"""


def plan(text: str = DECLARED) -> Plan:
    return load_plan(text, source="x.yaml", handlers=FakeHandlers())


def test_what_is_not_given_has_its_default_or_is_null() -> None:
    values = resolve_params(plan(), {"tag": "v1"})
    assert list(values.items()) == [("tag", "v1"), ("count", 3), ("ratio", None), ("fast", False), ("level", "low")]


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("count", "12", 12),
        ("count", "-1", -1),
        ("count", 7, 7),
        ("ratio", "1.5e3", 1500.0),
        ("ratio", "2", 2),
        ("ratio", 2, 2),
        ("fast", "true", True),
        ("fast", True, True),
        ("tag", "12", "12"),
        ("tag", "", ""),
        ("tag", "true", "true"),
        ("level", "high", "high"),
    ],
)
def test_text_is_read_as_the_type_that_is_declared(name: str, given: Any, value: Any) -> None:
    found = resolve_params(plan(), {"tag": "v1", name: given})[name]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("count", "3.5", "`3.5` is not a whole number"),
        ("count", True, "`true` is not a whole number"),
        ("count", "0x1F", "`0x1F` is not a whole number"),
        ("count", "9" * 5000, f"`{'9' * 59}…` cannot be read as a number"),
        ("ratio", "1e999", "`1e999` is not a number"),
        ("ratio", "nan", "`nan` is not a number"),
        ("fast", "yes", "`yes` is not true or false"),
        ("tag", 1.5, "`1.5` is not text; put it in quotes"),
        ("tag", None, "`null` is not text"),
        ("level", "middle", "`middle` is none of `low`, `high`"),
    ],
)
def test_what_does_not_fit_is_told(name: str, given: Any, message: str) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        resolve_params(plan(), {"tag": "v1", name: given})
    assert caught.value.message == f"-p {name}: error[plan-bad-param]: {message}"


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        resolve_params(plan(), {"tga": "v1", "count": "x"}, source="params.yaml")
    assert caught.value.message.split("\n") == [
        "params.yaml tga: error[plan-unknown-param]: the plan declares no parameter `tga`; did you mean `tag`?",
        "params.yaml tag: error[plan-missing-param]: parameter `tag` is required (what is published)",
        "params.yaml count: error[plan-bad-param]: `x` is not a whole number",
    ]
    assert caught.value.code == "params-invalid"
    assert caught.value.hint == (
        "the plan takes: tag (string), count (integer), ratio (number), fast (boolean), level (string)"
    )
    assert caught.value.exit_code == 3


def test_a_plan_without_parameters_takes_none() -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        resolve_params(plan("steps: [{name: a, tool: shell}]"), {"x": "1"})
    assert caught.value.message == "-p x: error[plan-unknown-param]: the plan declares no parameter `x`"
    assert caught.value.hint == "the plan takes no parameters"


def test_a_file_of_parameters_is_yaml_or_json(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("tag: v1\nfast: yes\ncount: 3\n")
    (tmp_path / "p.json").write_text('{\n\t"tag": "v1", "fast": true, "count": 3}')
    assert read_params_file(tmp_path / "p.yaml") == {"tag": "v1", "fast": "yes", "count": 3}
    assert read_params_file(tmp_path / "p.json") == {"tag": "v1", "fast": True, "count": 3}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("p.yaml", "- a\n", "1:1: error[plan-bad-type]: a file of parameters is a mapping, not a list"),
        ("p.yaml", "a: 1\na: 2\n", "2:1: error[plan-duplicate-key]: `a` is there twice"),
        ("p.yaml", "a: [\n", "2:1: error[plan-syntax]: a value is expected here"),
        ("p.json", "[]", "1:1: error[plan-bad-type]: a file of parameters is an object"),
        ("p.json", '{"a": 1,\n "a": 2}', "1:1: error[plan-syntax]: `a` is there twice"),
        ("p.json", '{"a": NaN}', "1:1: error[plan-syntax]: `NaN` is a number that JSON does not have"),
        ("p.json", '{"a": 1,\n}', "2:1: error[plan-syntax]: this is no JSON: Expecting property name"),
        ("p.json", "[" * 100_000, "1:1: error[plan-syntax]: "),
    ],
)
def test_a_bad_file_of_parameters_is_told_with_its_place(name: str, text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(PlanInvalid) as caught:
        read_params_file(path)
    assert str(caught.value).startswith(f"{path}:{told}")
