"""Answers that are not what was asked for: each reason is told, and no byte of the workspace changes."""

from collections import Counter

import pytest

from nofx_cli.handlers.edits.api import Refused, refusal_message
from tests.unit.handlers.edits.conftest import Work
from tests.unit.handlers.edits.malformed import FILES, Case
from tests.unit.handlers.edits.malformed_blocks import BLOCKS
from tests.unit.handlers.edits.malformed_diffs import DIFFS
from tests.unit.handlers.edits.malformed_whole import WHOLE

CASES = (*WHOLE, *BLOCKS, *DIFFS)


@pytest.fixture
def full(work: Work) -> Work:
    for name, data in FILES.items():
        work.put(name, data)
    outside = work.workspace.parent / "outside"
    outside.mkdir()
    (work.workspace / "away").symlink_to(outside)
    (work.workspace / "near.py").symlink_to("src/a.py")
    return work


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_it_is_refused_with_its_reason_and_nothing_changes(full: Work, case: Case) -> None:
    before = full.files()
    with pytest.raises(Refused) as refused:
        full.take(case.answer, case.form)
    assert refused.value.reasons == (case.reason,)
    assert f"\n- {case.reason}\n" in refusal_message(refused.value)
    assert full.files() == before
    assert list((full.workspace.parent / "outside").iterdir()) == []
    assert not full.store.exists()


def test_the_cases_are_many_and_each_is_another() -> None:
    assert len(CASES) >= 100
    assert max(Counter(case.name for case in CASES).values()) == 1
    assert max(Counter((case.answer, case.form) for case in CASES).values()) == 1
