"""Every diagnostic with its exact text and position: `bad_plans.txt` has the plans, and what is told of them."""

from pathlib import Path

import pytest

from nofx_cli.planning.codes import CODES
from nofx_cli.planning.diagnostics import PlanInvalid
from nofx_cli.planning.load import load_plan
from tests.unit.planning.fake_handlers import FakeHandlers

_ELSEWHERE = {"plan-unknown-param", "plan-missing-param", "plan-too-large"}
"""Codes that no small plan can show: of given parameters (test_params), and of size (test_document)."""


def _cases() -> list[tuple[str, str, str]]:
    text = (Path(__file__).parent / "bad_plans.txt").read_text(encoding="utf-8")
    cases = []
    for case in text.split("### ")[1:]:
        title, _, rest = case.partition("\n")
        plan, _, told = rest.partition(">>>\n")
        cases.append((title, plan, told.rstrip("\n")))
    return cases


_CASES = _cases()


@pytest.mark.parametrize(("plan", "told"), [case[1:] for case in _CASES], ids=[case[0] for case in _CASES])
def test_a_bad_plan_is_told_with_text_and_position(plan: str, told: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(PlanInvalid) as caught:
        load_plan(plan, source="x.yaml", handlers=FakeHandlers())
    assert str(caught.value) == told
    assert caught.value.exit_code == 3
    assert sorted(tmp_path.rglob("*")) == before


def test_the_table_shows_every_diagnostic() -> None:
    shown = {code for code in CODES if any(f"error[{code}]" in told for _, _, told in _CASES)}
    assert shown == set(CODES) - _ELSEWHERE
    assert len(_CASES) >= 40


def test_no_diagnostic_has_a_code_that_is_not_in_the_reference() -> None:
    for _, plan, _ in _CASES:
        with pytest.raises(PlanInvalid) as caught:
            load_plan(plan, source="x.yaml", handlers=FakeHandlers())
        assert {found.code for found in caught.value.diagnostics} <= set(CODES)
