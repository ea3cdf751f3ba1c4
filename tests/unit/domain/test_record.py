"""Records: dataclasses in every respect that matters, only cheaper to declare."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, field, fields, is_dataclass, replace
from functools import partial

import pytest

from nofx_cli.domain.record import record


@record
class Point:
    """A place."""

    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list)


make_point: Callable[..., Point] = Point


@record
class Other:
    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list)


def test_fields_are_given_by_place_by_name_or_by_default() -> None:
    assert Point(1) == Point(x=1) == Point(1, 0) == Point(1, 0, [])
    assert (Point(1, y=2).x, Point(1, y=2).y) == (1, 2)
    assert Point(1, 2) != Point(2, 1)


def test_records_of_different_classes_are_not_equal() -> None:
    others: list[object] = [Other(1), (1, 0, [])]
    assert Point(1) not in others


def test_a_default_that_can_change_is_made_for_each() -> None:
    Point(1).tags.append("mine")
    assert Point(1).tags == []


def test_a_record_cannot_be_changed_and_takes_nothing_more() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError, match="cannot change 'x' of Point"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del point.y
    with pytest.raises(FrozenInstanceError):
        point.z = 3  # type: ignore[attr-defined]
    assert not hasattr(point, "__dict__")


def test_records_are_keys_where_their_fields_are() -> None:
    @record
    class Key:
        name: str

    assert {Key("a"): 1}[Key("a")] == 1
    with pytest.raises(TypeError):
        hash(Point(1))


def test_what_works_on_dataclasses_works_on_records() -> None:
    point = Point(1, 2, ["a"])
    assert is_dataclass(point)
    assert [item.name for item in fields(point)] == ["x", "y", "tags"]
    assert replace(point, x=7) == Point(7, 2, ["a"])
    assert asdict(point) == {"x": 1, "y": 2, "tags": ["a"]}
    assert repr(point) == "Point(x=1, y=2, tags=['a'])"
    match point:
        case Point(x, y):
            assert (x, y) == (1, 2)
        case _:
            pytest.fail("a record matches by place")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (partial(make_point), "needs 'x'"),
        (partial(make_point, 1, z=2), "has no 'z'"),
        (partial(make_point, 1, x=2), "has no 'x', or has it twice"),
        (partial(make_point, 1, 2, [], 4), "has only 3 fields"),
    ],
)
def test_a_record_is_not_made_of_what_does_not_fit(make: Callable[[], object], why: str) -> None:
    with pytest.raises(TypeError, match=why):
        make()
