"""A session reads the text of a plan once, however many runs were made from it."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.plan import Plan
from nofx_cli.wiring import session as session_module
from nofx_cli.wiring.session import Session, open_session

PLAN = 'version: 1\nsteps:\n  - {{name: a, tool: "test:echo", inputs: {{x: {number}}}}}\n'


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return open_session(folder=tmp_path)


def load(session: Session, number: int) -> Plan:
    return session.services.load_plan(PLAN.format(number=number), "here")


def test_the_same_text_is_read_once(session: Session) -> None:
    assert load(session, 1) is load(session, 1)
    assert load(session, 1) != load(session, 2)


def test_only_so_many_are_kept_those_that_were_used_last(session: Session) -> None:
    used, first = load(session, 0), load(session, 1)
    for number in range(2, session_module._PLANS_KEPT + 2):
        load(session, number)
        assert load(session, 0) is used
    assert load(session, 1) is not first


def test_a_fault_names_the_source_each_time(session: Session) -> None:
    for source in ("one", "other"):
        with pytest.raises(errors.InvalidInput, match=f"^{source}:1"):
            session.services.load_plan("steps: 1\n", source)
