"""What processes may write to `$NOFX_OUTPUT`, and how mistakes are told."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.engine.output_file import MAX_BYTES, read_output_file


def read(folder: Path, text: str) -> dict[str, str]:
    path = folder / "output"
    path.write_bytes(text.encode())
    return read_output_file(path)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("a=1\n", {"a": "1"}),
        ("a=1", {"a": "1"}),
        ("a=x=y\n", {"a": "x=y"}),
        ("a=\n", {"a": ""}),
        ("a=1\r\nb=2\r\n", {"a": "1", "b": "2"}),
        ("a=1\na=2\n", {"a": "2"}),
        ("\n  \na=1\n", {"a": "1"}),
        ("a<<END\none\ntwo\nEND\nb=2\n", {"a": "one\ntwo", "b": "2"}),
        ("a<<END\nEND\n", {"a": ""}),
        ("a<<E\nb=1\nE\n", {"a": "b=1"}),
        ("a= spaced \n", {"a": " spaced "}),
        ("a=grün\n", {"a": "grün"}),
    ],
)
def test_values_are_read(tmp_path: Path, text: str, values: dict[str, str]) -> None:
    assert read(tmp_path, text) == values


def test_an_absent_file_has_no_values(tmp_path: Path) -> None:
    assert read_output_file(tmp_path / "nothing") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("just words\n", "line 1 of $NOFX_OUTPUT: 'just words' is neither `key=value` nor `key<<END`"),
        ("a=1\n=2\n", "line 2 of $NOFX_OUTPUT: '=2' is neither `key=value` nor `key<<END`"),
        ("1a=2\n", "line 1 of $NOFX_OUTPUT: '1a=2' is neither `key=value` nor `key<<END`"),
        ("a<<END\none\n", "line 1 of $NOFX_OUTPUT: the value of 'a' has no closing line 'END'"),
        ("a<<\none\n", "line 1 of $NOFX_OUTPUT: the value of 'a' has no closing line ''"),
    ],
)
def test_mistakes_name_the_line_and_the_remedy(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(errors.InvalidInput) as told:
        read(tmp_path, text)

    assert (told.value.code, told.value.message) == ("output-syntax", message)
    assert told.value.hint == 'append lines such as: echo "key=value" >> "$NOFX_OUTPUT"'


def test_too_much_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidInput) as told:
        read(tmp_path, "a=" + "x" * MAX_BYTES)

    assert told.value.code == "output-too-large"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.write_bytes(b"a=\xff\n")

    with pytest.raises(errors.InvalidInput, match="not UTF-8"):
        read_output_file(path)
