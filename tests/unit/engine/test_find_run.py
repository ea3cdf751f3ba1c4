"""A run is named by its id, a unique part of it, or `latest`."""

import pytest

from nofx_cli import errors
from nofx_cli.domain.events import Actor, Draft, RunCreated
from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.memory.run_store import MemoryRunStore
from nofx_cli.engine.find_run import find_run

RUNS = ("20260101-120000-aaaaaa", "20260101-120000-abaaaa", "20260102-130000-7k3f9q")


@pytest.fixture
def store() -> MemoryRunStore:
    made = MemoryRunStore()
    for run in RUNS:
        made.create(RunId(run), "", [Draft(RunCreated())], at="2026-01-01T12:00:00.000000Z", actor=Actor("user", "a"))
    return made


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("latest", RUNS[2]),
        (RUNS[0], RUNS[0]),
        ("20260102", RUNS[2]),
        ("7k3f9q", RUNS[2]),
        ("9q", RUNS[2]),
        ("20260101-120000-aaa", RUNS[0]),
        ("baaaa", RUNS[1]),
    ],
)
def test_found(store: MemoryRunStore, text: str, found: str) -> None:
    assert find_run(store, text) == found


def test_a_part_of_several_is_ambiguous_and_they_are_told(store: MemoryRunStore) -> None:
    with pytest.raises(errors.UsageError, match="'20260101' names 2 runs") as refused:
        find_run(store, "20260101")
    assert (refused.value.code, refused.value.exit_code) == ("run-ambiguous", 2)
    assert refused.value.hint == f"one of {RUNS[1]}, {RUNS[0]}"


@pytest.mark.parametrize("text", ["x", "", "120000", "LATEST", RUNS[0] + "x"])
def test_none(store: MemoryRunStore, text: str) -> None:
    with pytest.raises(errors.NotFound) as refused:
        find_run(store, text)
    assert (refused.value.code, refused.value.exit_code) == ("run-not-found", 4)


def test_latest_of_none() -> None:
    with pytest.raises(errors.NotFound, match="there is no run yet") as refused:
        find_run(MemoryRunStore(), "latest")
    assert refused.value.hint == "make one: nofx run PLAN"
