"""What holds of instants and their texts."""

from hypothesis import given
from hypothesis import strategies as st

from nofx_cli.clock import format_at, parse_at

_YEAR_9999_US = 253_402_300_799_999_999


@given(st.integers(0, _YEAR_9999_US))
def test_an_instant_survives_its_text(at_us: int) -> None:
    assert parse_at(format_at(at_us)) == at_us


@given(st.lists(st.integers(0, _YEAR_9999_US)))
def test_texts_sort_like_their_instants(instants: list[int]) -> None:
    assert sorted(map(format_at, instants)) == [format_at(at_us) for at_us in sorted(instants)]
