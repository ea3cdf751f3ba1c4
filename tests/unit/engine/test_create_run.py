"""Runs are made once for a key, and know what they were made from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from nofx_cli import __version__, errors
from nofx_cli.domain.ids import JsonObject, RunId, StepName, digest_of_bytes, is_run_id
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.state import RunStatus
from nofx_cli.engine.create_run import NewRun, create_run, repeat
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.testing.rig import Rig


class Keys:
    """An index in memory."""

    def __init__(self) -> None:
        self.noted: dict[str, RunId] = {}

    @contextmanager
    def claim(self, key: str, propose: Callable[[], RunId]) -> Iterator[RunId]:
        yield self.noted.setdefault(key, propose())


def new_run(rig: Rig, text: str = "text", *, key: str = "", params: JsonObject | None = None) -> NewRun:
    plan = Plan((Step(StepName("a"), "echo"),), digest_of_bytes(text.encode()), goal="Try it")
    rig.plans[text] = plan
    return NewRun(plan, text, "demo", params or {}, {"path": "/w"}, idempotency_key=key)


def test_the_first_event_tells_what_the_run_was_made_from(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    made = create_run(rig.services, new_run(rig, params={"since": "v1"}), keys=Keys())
    created = rig.reopen(made.run).state.created
    assert created is not None
    assert is_run_id(made.run)
    assert (created.plan_digest, created.plan_name, created.goal) == (digest_of_bytes(b"text"), "demo", "Try it")
    assert (created.params, created.steps, created.nofx) == ({"since": "v1"}, 1, __version__)
    assert (created.workspace, created.origin, created.idempotency_key) == ({"path": "/w"}, {"kind": "new"}, "")
    assert made.state.status is RunStatus.QUEUED


def test_without_a_key_every_run_is_a_new_one(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    first, second = (create_run(rig.services, new_run(rig), keys=Keys()).run for _ in range(2))
    assert first != second


def test_the_same_key_and_plan_give_the_same_run_also_when_it_has_ended(tmp_path: Path) -> None:
    rig, keys = Rig(tmp_path), Keys()
    first = create_run(rig.services, new_run(rig, key="k"), keys=keys)
    rig.execute(first)
    again = create_run(rig.services, new_run(rig, key="k"), keys=keys)
    assert again.run == first.run
    assert again.state.status is RunStatus.SUCCEEDED
    assert len(list(rig.services.store.runs())) == 1


@pytest.mark.parametrize(("text", "params"), [("another", {}), ("text", {"x": 1})])
def test_the_same_key_with_another_plan_or_other_parameters_is_a_conflict(
    tmp_path: Path, text: str, params: JsonObject
) -> None:
    rig, keys = Rig(tmp_path), Keys()
    first = create_run(rig.services, new_run(rig, key="k"), keys=keys)
    with pytest.raises(errors.Conflict, match=f"the idempotency key 'k' belongs to run {first.run}") as refused:
        create_run(rig.services, new_run(rig, text, key="k", params=params), keys=keys)
    assert (refused.value.code, refused.value.exit_code) == ("idempotency-conflict", 5)
    assert refused.value.context == {"run": first.run}
    assert list(rig.services.store.runs()) == [first.run]


def test_a_run_made_again_has_plan_and_parameters_of_the_old_one_and_names_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    old = create_run(rig.services, new_run(rig, key="k", params={"x": 1}), keys=Keys())
    new = repeat(old, workspace={"path": "/other"})
    assert new == replace(
        new_run(rig, params={"x": 1}), workspace={"path": "/other"}, origin={"kind": "rerun", "run": old.run}
    )


def test_a_plan_that_was_changed_in_the_store_is_not_used(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    made = create_run(rig.services, new_run(rig), keys=Keys())
    text = rig.services.store.plan_text(made.run)
    changed = replace(new_run(rig).plan, digest=digest_of_bytes(b"forged"))
    store = rig.services.store
    store._plans[made.run] = "forged"  # type: ignore[attr-defined]
    rig.plans["forged"] = changed
    with pytest.raises(errors.InvalidInput, match="was changed after the run was made") as refused:
        OpenRun.load(rig.services, made.run)
    assert (refused.value.code, text) == ("plan-changed", "text")
