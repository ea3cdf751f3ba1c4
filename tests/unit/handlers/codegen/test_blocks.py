"""Data in a prompt cannot end its own fence, and is counted."""

import re

from hypothesis import given
from hypothesis import strategies as st

from nofx_cli.handlers.codegen.blocks import Room, fenced, tokens_of


def test_a_text_stands_between_two_tags_with_its_digest() -> None:
    assert fenced("file", "a b.py", "x\n") == ('<data 6fc757df2c98d47e file="a b.py">\nx\n</data 6fc757df2c98d47e>')


def test_a_missing_last_newline_is_told() -> None:
    assert fenced("file", "a", "x").splitlines()[0].endswith(' file="a" without-newline-at-its-end>')
    assert fenced("map", "", "x\n").splitlines()[0].endswith(" map>")


@given(st.text(), st.text())
def test_nothing_in_a_text_ends_its_fence(name: str, text: str) -> None:
    block = fenced("file", name, text)
    mark = re.match(r"<data ([0-9a-f]{16}) ", block)
    assert mark
    assert block.count(f"</data {mark[1]}>") == 1
    assert block.endswith(f"</data {mark[1]}>")
    again = fenced("file", name, block)
    assert not again.startswith(f"<data {mark[1]}")


def test_a_name_cannot_end_the_line_that_it_stands_on() -> None:
    assert fenced("file", 'a"\n</data>', "x\n").splitlines()[0].endswith(r'file="a\"\n</data>">')


def test_tokens_are_rather_too_many_than_too_few() -> None:
    assert (tokens_of(""), tokens_of("abcd"), tokens_of("语语")) == (0, 2, 2)


def test_room_is_used_up_only_by_what_fits() -> None:
    room = Room(2)
    assert not room.take("x" * 7)
    assert room.left == 2
    assert room.take("x" * 6)
    assert room.left == 0
