"""Masking a stream gives what masking the whole gives, however it is cut, and leaves no secret in it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nofx_cli.safety.masking import Masker

LETTERS = st.text("abé\n", min_size=6, max_size=12)
"""Few letters, so that secrets repeat, overlap and begin like one another."""


@given(
    secrets=st.lists(LETTERS, max_size=4),
    text=st.text("abé\n", max_size=80),
    cuts=st.lists(st.integers(0, 120), max_size=12),
)
def test_any_cut_of_a_stream_gives_the_mask_of_the_whole(secrets: list[str], text: str, cuts: list[int]) -> None:
    masker = Masker(secrets)
    whole = text.encode()
    places = [0, *sorted(cuts), len(whole)]
    stream = masker.stream()

    pieces = [stream.feed(whole[start:end]) for start, end in pairwise(places)]

    assert b"".join([*pieces, stream.flush()]) == masker.text(text).encode()


@given(
    secrets=st.lists(LETTERS, min_size=1, max_size=4),
    parts=st.lists(st.text("abé\n", max_size=10), min_size=1, max_size=5),
)
def test_no_secret_is_left(secrets: list[str], parts: list[str]) -> None:
    masker = Masker(secrets)

    masked = masker.text(secrets[0].join(parts))

    assert not any(secret in masked for secret in secrets if len(secret.strip()) >= 6)
