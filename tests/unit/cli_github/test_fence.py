"""The fence: between its two lines the runner obeys nothing."""

import io

import pytest

from nofx_cli.cli.github.fence import fenced, new_token

ON = {"GITHUB_ACTIONS": "true"}


def test_what_is_printed_in_the_block_stands_in_the_fence() -> None:
    stream = io.StringIO()
    with fenced(ON, stream, token=lambda: "word"):
        stream.write("::error::foreign\n")
    assert stream.getvalue() == "::stop-commands::word\n::error::foreign\n::word::\n"


def test_it_is_closed_also_when_the_block_fails() -> None:
    stream = io.StringIO()
    with pytest.raises(ZeroDivisionError), fenced(ON, stream, token=lambda: "word"):
        raise ZeroDivisionError
    assert stream.getvalue().endswith("\n::word::\n")


@pytest.mark.parametrize("environ", [{}, {"GITHUB_ACTIONS": "false"}, {"GITHUB_ACTIONS": ""}])
def test_elsewhere_there_is_none(environ: dict[str, str]) -> None:
    stream = io.StringIO()
    with fenced(environ, stream):
        pass
    assert not stream.getvalue()


def test_a_token_is_long_and_never_the_same() -> None:
    assert new_token() != new_token()
    assert len(new_token()) >= 32


def test_nobody_who_reads_is_no_error() -> None:
    stream = io.StringIO()
    stream.close()
    with fenced(ON, stream):
        pass
