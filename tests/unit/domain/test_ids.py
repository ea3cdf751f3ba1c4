"""Names, identifiers and digests."""

import pytest

from nofx_cli.domain.ids import (
    JsonObject,
    RunId,
    StepName,
    canonical_json,
    digest_of,
    idempotency_key,
    is_run_id,
    new_run_id,
)  # fmt: skip

AT = "2026-11-22T09:15:30.000123Z"


@pytest.mark.parametrize(("inputs", "digits"), [({}, "44136fa355b3"), ({"x": 1}, "5041bf1f713d")])
def test_an_idempotency_key_ends_in_the_digest_of_the_inputs(inputs: JsonObject, digits: str) -> None:
    assert idempotency_key(RunId("r"), StepName("s"), inputs) == f"r:s:{digits}"


def test_the_order_of_keys_and_the_kind_of_sequence_do_not_matter_to_a_digest() -> None:
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": (1, 2), "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": "1"})
    assert canonical_json({"b": "ü", "a": None}) == '{"a":null,"b":"ü"}'


def test_a_digest_is_taken_of_file_names_that_are_no_text_too() -> None:
    assert digest_of("\udc80") != digest_of("\udc81")


def test_a_run_id_tells_its_second_and_sorts_by_its_instant() -> None:
    instants = [
        "2026-11-22T09:15:30.000000Z",
        "2026-11-22T09:15:30.000123Z",
        "2026-11-22T09:15:30.999999Z",
        "2026-11-22T09:15:31.000000Z",
        "2027-01-01T00:00:00.000000Z",
    ]
    ids = [new_run_id(at=at, randomness=2**31 - place) for place, at in enumerate(instants)]
    assert ids == sorted(ids)
    assert [run[:15] for run in ids[1:4]] == ["20261122-091530", "20261122-091530", "20261122-091531"]
    assert all(is_run_id(run) for run in ids)


def test_runs_of_the_same_instant_differ_by_chance() -> None:
    assert len({new_run_id(at=AT, randomness=number) for number in range(1_000)}) == 1_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "latest",
        "20261122-091530-7k3f9",
        "20261122-091530-7k3f9Q",
        "20261122_091530-7k3f9q",
        "2026112²-091530-7k3f9q",
        "../../../etc/passwd-12",
    ],
)
def test_no_ids_of_runs(text: str) -> None:
    assert not is_run_id(text)
