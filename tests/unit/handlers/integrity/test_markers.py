"""Comments and calls that silence a tool, counted."""

import pytest

from nofx_cli.handlers.gates.integrity.markers import EVERYTHING, MARKERS, count_allowed_secrets, count_markers

PYTHON_EXAMPLES = {
    "# noqa": ["x  # noqa", "x  # NOQA: E501", "# RUFF: noqa", "# ruff: noqa", "# flake8: noqa", "x #noqa:F401"],
    "# pylint: disable": ["x  # pylint: disable=all"],
    "# type: ignore": ["x  # type: ignore", "x  # type:ignore[arg-type]"],
    "# pyright: ignore": ["x  # pyright: ignore"],
    "# mypy: or # pyright:": ["# mypy: ignore-errors", "# pyright: basic"],
    "@no_type_check": ["@typing.no_type_check", "@no_type_check"],
    "# pragma: no cover": ["x  # pragma: no cover", "x  # pragma: no branch"],
    "# nosec": ["x  # nosec", "x  # nosec B101"],
    "pragma: allowlist secret": ["x  # pragma: allowlist secret", "# pragma: allowlist nextline secret"],
    "# fmt: off": ["# fmt: off", "x  # fmt: skip", "# isort: skip_file"],
    "skip or xfail mark": ["@pytest.mark.skip", "@pytest.mark.skipif(True)", "@mark.xfail", "x = pytest.mark.skip"],
    "pytest.skip": ["pytest.skip('x')", "pytest.importorskip('y')", "pytest.skip('x', allow_module_level=True)"],
    "unittest skip": ["@unittest.skip('x')", "@skipIf(x, '')", "SkipTest()", "self.skipTest(x)", "@expectedFailure"],
    "__test__ = False": ["    __test__ = False"],
    "assert True": ["assert True", "assert  True", "assert\t1", "assert 1, 'x'"],
}  # fmt: skip
SCRIPT_EXAMPLES = {
    "pragma: allowlist secret": ["// pragma: allowlist secret"],
    "expect(true)": ["expect(true).toBe(true)"],
    "eslint-disable": ["/* eslint-disable */", "// eslint-disable-line", "// eslint-disable-next-line no-eval"],
    "eslint comment": ['/* eslint no-eval: "off" */'],
    "@ts-ignore": ["// @ts-ignore", "// @ts-nocheck", "/* @ts-expect-error */"],
    "coverage ignore": ["/* istanbul ignore next */", "/* c8 ignore start */", "/* v8 ignore next */"],
    "prettier-ignore": ["// prettier-ignore"],
    "biome-ignore": ["// biome-ignore lint: x"],
    "skipped or focused test": ["it.skip('x')", "describe.only('x')", "test.todo('x')", "test.concurrent.skip('x')"],
    "xit or fit": ["xit('x')", "xdescribe('x')", "fit('x')"],
}


def cases(examples: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(label, text) for label, texts in examples.items() for text in texts]


@pytest.mark.parametrize(("label", "text"), cases(PYTHON_EXAMPLES))
def test_in_python(label: str, text: str) -> None:
    assert {name: count for name, (count, _) in count_markers(text.encode(), is_script=False).items()} == {label: 1}


@pytest.mark.parametrize(("label", "text"), cases(SCRIPT_EXAMPLES))
def test_in_javascript(label: str, text: str) -> None:
    assert {name: count for name, (count, _) in count_markers(text.encode(), is_script=True).items()} == {label: 1}


def test_every_marker_has_an_example() -> None:
    assert {*PYTHON_EXAMPLES, *SCRIPT_EXAMPLES} == {marker.label for marker in MARKERS}


@pytest.mark.parametrize(
    "text",
    ["noqa", "x = skip", "fit(model)", "assert True == x", "assert 10", "def test_skipping(): ...", "mark.skipping"],
)
def test_what_only_looks_like_one(text: str) -> None:
    assert count_markers(text.encode(), is_script=False) == {}


@pytest.mark.parametrize(
    ("text", "reach"),
    [
        ("# noqa: E501, F401\n", 2),
        ("# noqa\n", EVERYTHING),
        ("# noqa because\n", EVERYTHING),
        ("# noqa: E501\nx # noqa: F401\n", 2),
        ("# type: ignore[arg-type,misc]\n", 2),
        ("# nosec B101 B102\n", 2),
        ("# nosec\n", EVERYTHING),
    ],
)
def test_how_far_it_reaches(text: str, reach: int) -> None:
    (found,) = count_markers(text.encode(), is_script=False).values()
    assert found[1] == reach


def test_how_far_eslint_comments_reach() -> None:
    assert count_markers(b"// eslint-disable-line a, @x/b -- why\n", is_script=True) == {"eslint-disable": [1, 2]}
    assert count_markers(b"/* eslint-disable */\n", is_script=True) == {"eslint-disable": [1, EVERYTHING]}


def test_allowed_secrets_count_in_any_file() -> None:
    assert count_allowed_secrets(b"key: x  # pragma: allowlist secret\n") == {"pragma: allowlist secret": [1, 1]}
    assert count_allowed_secrets(b"an allowlist\n") == {}


def test_it_takes_no_longer_on_a_file_of_one_line() -> None:
    """A file that was made small, with one comment after another: no pattern may look at all of it again each time."""
    text = b"a();/* eslint-disable x */" * 20_000
    assert count_markers(text, is_script=True)["eslint-disable"] == [20_000, 20_000]
