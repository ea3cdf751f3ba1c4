"""Which tests a file has, and how many assertions each makes."""

import pytest

from nofx_cli.handlers.gates.integrity.tests_found import is_collected, is_test_file, read_tests

PYTHON = "tests/test_a.py"
SCRIPT = "a.test.ts"


def found(text: str, path: str = PYTHON) -> dict[str, int]:
    return read_tests(path, text.encode())


def test_functions_methods_and_their_assertions() -> None:
    text = """
import pytest

def helper(value):
    assert value

def test_total():
    def inner():
        assert 0
    assert 1
    with pytest.raises(ValueError):
        pass

async def test_later():
    pass

class TestCart:
    def test_total(self):
        self.assertEqual(1, 1)

    async def test_other(self): assert True; assert 1
"""
    assert found(text) == {
        "": 1, "test_total": 3, "test_later": 0, "TestCart::test_total": 1, "TestCart::test_other": 2
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        '"""\ndef test_a():\n    assert 1\n"""\n',
        "'''\ndef test_a():\n    assert 1\n",
        "x = 'def test_a(): assert 1'\n",
        "# def test_a(): assert 1\n",
        "def make():\n    def test_a():\n        pass\n",
        "class Thing:\n    def check(self): ...\n",
    ],
)
def test_what_is_no_test(text: str) -> None:
    assert [name for name in found(text) if name] == []


def test_a_test_that_a_condition_was_put_above_is_another_one() -> None:
    assert found("if False:\n    def test_a():\n        assert 1\n") == {"test_a (under a condition)": 1}


def test_two_of_one_name_are_two() -> None:
    assert found("def test_a(): assert 1\ndef test_a(): pass\n") == {"test_a": 1, "test_a (2)": 0}


def test_javascript() -> None:
    text = """
    // it('is a comment', () => {})
    /* test("too") */
    const text = "it('is a text')"; pattern.test('no test');
    describe('cart', () => {
      it('adds', () => { expect(add(1)).toBe(2); expect(1).toBe(1) });
      test.each([1, 2])("takes %d", (n) => { assert.equal(n, 1) });
      it(`has ${x}`, async () => {});
    });
    """
    assert found(text, SCRIPT) == {"adds": 2, "takes %d": 1, "has ${x}": 0}


@pytest.mark.parametrize(
    ("path", "is_test", "collected"),
    [
        ("tests/test_a.py", True, True),
        ("src/pkg/a_test.py", True, True),
        ("app/tests.py", True, True),
        ("tests/a.py", True, False),
        ("src/a.py", False, False),
        ("src/attest.py", False, False),
        ("src/a.test.tsx", True, True),
        ("src/a.spec.mjs", True, True),
        ("src/__tests__/a.js", True, True),
        ("test/a.js", True, False),
        ("src/a.js", False, False),
        ("tests/data.json", False, False),
    ],
)
def test_which_files_hold_tests(path: str, is_test: bool, collected: bool) -> None:
    assert (is_test_file(path), is_test and is_collected(path)) == (is_test, collected)
