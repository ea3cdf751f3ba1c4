"""Which changes of databases ask a person."""

import itertools

import pytest

from nofx_cli.domain.databases import AsksFor, DatabaseApproval, strictest

SAID = (None, *map(AsksFor, DatabaseApproval))
ORDER = list(DatabaseApproval)


@pytest.mark.parametrize(("project", "plan", "step"), list(itertools.product(SAID, repeat=3)))
def test_no_level_is_less_strict_than_the_ones_above_it(
    project: AsksFor | None, plan: AsksFor | None, step: AsksFor | None
) -> None:
    found = ORDER.index(strictest(project, plan, step).approval)
    assert found >= ORDER.index(project.approval if project else DatabaseApproval.DANGEROUS)
    for one in (plan, step):
        assert one is None or found >= ORDER.index(one.approval)
    assert strictest(project, plan, step) in (project, plan, step, AsksFor(DatabaseApproval.DANGEROUS))


def test_of_equal_ones_the_widest_is_told() -> None:
    said = [AsksFor(DatabaseApproval.ALL, source) for source in ("nofx.yaml:1", "plan.yaml:2", "plan.yaml:9")]
    assert strictest(*said).source == "nofx.yaml:1"
    assert strictest(None, *said[1:]).source == "plan.yaml:2"


def test_only_the_project_takes_the_question_away() -> None:
    nobody = AsksFor(DatabaseApproval.NONE)
    assert strictest(None, nobody, nobody).asks_for("delete")
    assert not strictest(nobody, None, None).asks_for("delete")


@pytest.mark.parametrize("operation", ["update", "upsert", "delete", "sql", "ddl", "whatever"])
def test_all_but_an_insert_is_dangerous(operation: str) -> None:
    assert AsksFor(DatabaseApproval.DANGEROUS).asks_for(operation)
    assert not AsksFor(DatabaseApproval.DANGEROUS).asks_for("insert")
    assert AsksFor(DatabaseApproval.ALL).asks_for("insert")
