"""What nofx writes down for its launcher, the launcher reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nofx_cli.safety.sandbox_order import decode, encode

_texts = st.binary(max_size=8).map(lambda text: text.replace(b"\0", b""))


@given(st.lists(st.lists(_texts, max_size=4), min_size=1, max_size=6))
def test_lists_come_back_as_they_were(lists: list[list[bytes]]) -> None:
    assert decode(encode(lists)) == lists


def test_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="null byte"):
        encode([[b"a"], [b"b\0c"]])
