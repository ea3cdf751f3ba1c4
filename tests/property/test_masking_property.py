"""Masking a stream gives what masking the whole gives, however it is cut, and leaves no secret in it."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nofx_cli.safety.masking import Masker
from nofx_cli.safety.masking_forms import LONGEST
from nofx_cli.safety.masking_patterns import LONGEST as LONGEST_PATTERN

LETTERS = st.text("abé\n", min_size=6, max_size=12)
"""Few letters, so that secrets repeat, overlap and begin like one another."""

A, AWS, HEX = "aZ9" * 14, "AB2" * 6, "a1b2" * 10
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{A}\\n{A}\r\n  {A}=\n-----END RSA PRIVATE KEY-----"
TOKENS = (
    "gh" + "p_" + A, "github" + "_pat_" + A + "_" + A, "gl" + "pat-" + A, "AK" + "IA" + AWS, "AI" + "za" + A,
    "ya" + "29." + A, "xo" + "xb-" + A, "sk" + "_live_" + A, "sk" + "-" + A, "sk" + "-ant-" + A,
    "sk" + "-admin-" + A + A,
    "np" + "m_" + A, "py" + "pi-Ag" + A + A, "SG" + "." + A[:22] + "." + A, "SK" + HEX, "hf" + "_" + A,
    "eyJ" + A + ".eyJ" + A + "." + A, f"Authorization: Bearer {A}", f'"AUTHORIZATION" : \\"basic {A}=',
    f"http://me:{A}@host", f"DEK-Info: AES-128-CBC,{HEX}\n\n{A}\n", KEY, f"aws_secret_access_key='{A}",
    f"https://hooks.slack.com/services/T{A}/B",
)  # fmt: skip
JOINTS = st.sampled_from(
    ["", " ", "\n", "-", "_", ".", "\\", '\\"', "@", ":", "//", "x", "=", "swordfish", "é", "A" * 40]
)
PIECES = st.one_of(
    JOINTS,
    st.sampled_from(TOKENS),
    st.builds(lambda token, end: token[:end], st.sampled_from(TOKENS), st.integers(0, 70)),
    st.builds(lambda token, start: token[start:], st.sampled_from(TOKENS), st.integers(0, 30)),
)


def in_pieces(masker: Masker, whole: bytes, cuts: Iterable[int]) -> bytes:
    stream = masker.stream()
    places = [0, *sorted(cuts), len(whole)]
    return b"".join([stream.feed(whole[start:end]) for start, end in pairwise(places)]) + stream.flush()


@given(
    secrets=st.lists(LETTERS, max_size=4),
    text=st.text("abé\n", max_size=80),
    cuts=st.lists(st.integers(0, 120), max_size=12),
)
def test_any_cut_of_a_stream_gives_the_mask_of_the_whole(secrets: list[str], text: str, cuts: list[int]) -> None:
    masker = Masker(secrets)

    assert in_pieces(masker, text.encode(), cuts) == masker.text(text).encode()


@given(
    secrets=st.lists(
        st.one_of(st.sampled_from(["swordfish", A + "\n", "Bearer aZ9aZ", "zation: Bear", "KEY-----\na"]), LETTERS),
        max_size=3,
    ),
    pieces=st.lists(PIECES, max_size=8),
    cuts=st.lists(st.integers(0, 600), max_size=12),
)
@example(secrets=[], pieces=["sk" + "-" + A, ".", "eyJ" + A + ".eyJ" + A], cuts=[1, 2, 40])
def test_patterns_are_found_however_a_stream_is_cut(secrets: list[str], pieces: list[str], cuts: list[int]) -> None:
    masker = Masker(secrets)
    text = "".join(pieces)

    assert in_pieces(masker, text.encode(), cuts).decode() == masker.text(text)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("secrets", [(), ("swordfish", "trombone\nsecond line")])
def test_every_single_cut_and_single_bytes(token: str, secrets: tuple[str, ...]) -> None:
    masker = Masker(secrets)
    whole = f"1 {token} swordfish\n{token}\n{token}".encode()
    expected = masker.text(whole.decode()).encode()

    assert b"***" in expected
    assert in_pieces(masker, whole, range(len(whole))) == expected
    for cut in range(len(whole)):
        assert in_pieces(masker, whole, [cut]) == expected


@given(
    secrets=st.lists(LETTERS, min_size=1, max_size=4),
    parts=st.lists(st.text("abé\n", max_size=10), min_size=1, max_size=5),
)
def test_no_secret_is_left(secrets: list[str], parts: list[str]) -> None:
    masker = Masker(secrets)

    masked = masker.text(secrets[0].join(parts))

    assert not any(secret in masked for secret in secrets if len(secret.strip()) >= 6)


@given(st.lists(PIECES, max_size=30))
def test_what_a_stream_holds_back_is_bounded(pieces: list[str]) -> None:
    stream = Masker(["swordfish", "x" * 5000]).stream()
    for piece in pieces:
        stream.feed(piece.encode())

        assert len(stream._held) <= LONGEST + LONGEST_PATTERN


@given(st.text(max_size=200))
def test_text_without_secrets_comes_back_as_it_was(text: str) -> None:
    assert Masker(["swordfish-trombone"]).text(text) == text
