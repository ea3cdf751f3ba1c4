"""Search/replace blocks: where they are found, how near is near enough, and what they leave as it was."""

import pytest

from nofx_cli.domain.models import EditFormat
from nofx_cli.handlers.edits.api import Refused, parse
from tests.unit.handlers.edits.conftest import Work
from tests.unit.handlers.edits.malformed import block

BLOCKS = EditFormat.SEARCH_REPLACE
MARKED = "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    "answer",
    [
        f"a.py\n{MARKED}",
        f"Sure!\n\n**a.py**\n```python\n{MARKED}```\nDone.",
        f"```python\na.py\n{MARKED}```\n",
        f"```python a.py\n{MARKED}```\n",
        f"a.py\n```\n{MARKED}",
        f"### `a.py`\n\n{MARKED}",
        f"a.py\n{MARKED.replace('<<<<<<<', '<<<<<').replace('=======', '=====').replace('>>>>>>>', '>>>>>')}",
        f"a.py\n{MARKED.replace('<<<<<<< SEARCH', '<<<<<<<< search')}",
        f"a.py\n{MARKED.replace(' REPLACE', '')}",
        f"a.py\n{MARKED}".replace("\n", "\r\n"),
        "a.py\n" + "".join(f"  {line}\n" for line in MARKED.splitlines()),
    ],
)
def test_a_block_is_found_whatever_is_around_it(work: Work, answer: str) -> None:
    work.put("a.py", "x\na\ny\n")
    work.take(answer, BLOCKS)
    assert work.bytes_of("a.py") == b"x\nb\ny\n"


def test_blocks_of_one_file_need_its_path_once_and_no_order(work: Work) -> None:
    work.put("a.py", "1\n2\n3\n4\n")
    work.put("b.py", "1\n")
    one = "<<<<<<< SEARCH\n4\n=======\nfour\n>>>>>>> REPLACE\n"
    work.take(f"a.py\n{one}\n{one.replace('4', '1').replace('four', 'one')}\n" + block("b.py", "1\n", "x\n"), BLOCKS)
    assert (work.bytes_of("a.py"), work.bytes_of("b.py")) == (b"one\n2\n3\nfour\n", b"x\n")


def test_a_block_without_a_search_makes_a_file(work: Work) -> None:
    work.take(block("new/a.py", "", "x = 1\n") + "DELETE: nothing.py\n", BLOCKS)
    assert work.bytes_of("new/a.py") == b"x = 1\n"
    assert work.take(block("new/a.py", "", "x = 1\n"), BLOCKS).is_empty


def test_longer_markers_let_dividers_be_in_the_text(work: Work) -> None:
    work.put("a.rst", "Title\n=======\n")
    work.take("a.rst\n<<<<<<<< SEARCH\nTitle\n=======\n========\nName\n=======\n>>>>>>>> REPLACE\n", BLOCKS)
    assert work.bytes_of("a.rst") == b"Name\n=======\n"


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (b"x\r\na\r\ny\r\n", b"x\r\nb\r\ny\r\n", "without regard to its line ends"),
        (b"x\na  \ny\t\n", b"x\nb\ny\t\n", "without regard to blanks at the ends of its lines"),
        (b"x\na", b"x\nb", "without regard to its line ends"),
        (b"\xef\xbb\xbfa\nx\n", b"\xef\xbb\xbfb\nx\n", "without regard to its line ends"),
        (b"x\r\na\r\ny\n", b"x\r\nb\r\ny\n", "without regard to its line ends"),
    ],
    ids=["CRLF", "blanks", "no final newline", "BOM", "mixed"],
)
def test_what_differs_in_ends_alone_is_found_and_told(work: Work, old: bytes, new: bytes, note: str) -> None:
    work.put("a.py", old)
    changes = work.take(block("a.py", "a\n", "b\n"), BLOCKS)
    assert work.bytes_of("a.py") == new
    assert changes.notes[0].startswith("a.py: the search block at line 2 of the answer was found at line ")
    assert changes.notes[0].endswith(note)


def test_an_exact_match_is_taken_before_one_that_is_near(work: Work) -> None:
    work.put("a.py", "a  \nx\na\n")
    assert work.take(block("a.py", "a\n", "b\n"), BLOCKS).notes == ()
    assert work.bytes_of("a.py") == b"a  \nx\nb\n"


def test_lines_that_the_block_keeps_keep_their_blanks(work: Work) -> None:
    work.put("a.py", "one  \r\ntwo\t\r\nthree\r\n")
    work.take(block("a.py", "one\ntwo\nthree\n", "one\n2\nthree\n"), BLOCKS)
    assert work.bytes_of("a.py") == b"one  \r\n2\r\nthree\r\n"


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("a = 2\nz\n", "a = 1\n", "a = 2\n"),
        ("import os\nimport re\n", "import os\n", "import os\nimport re\n"),
        ("import os\nimport re\n", "import re\n", "import os\nimport re\n"),
    ],
    ids=["replaced", "added behind", "added before"],
)
def test_what_was_applied_already_is_a_success(work: Work, text: str, old: str, new: str) -> None:
    work.put("a.py", text)
    changes = work.take(block("a.py", old, new), BLOCKS)
    assert changes.is_empty
    assert changes.notes[0] == "a.py: the search block at line 2 of the answer was applied already"


@pytest.mark.parametrize("new", ["", "}\n", "y\n"], ids=["removed", "a bracket", "what is there twice"])
def test_a_block_that_is_not_found_is_not_taken_for_applied(work: Work, new: str) -> None:
    work.put("a.py", "y\n}\ny\n")
    with pytest.raises(Refused, match='with "gone"'):
        work.take(block("a.py", "gone\n", new), BLOCKS)


def test_a_rename_and_blocks_under_the_new_name(work: Work) -> None:
    work.put("a.py", "a\n", mode=0o755)
    work.take("RENAME: a.py -> b.py\n\n" + block("b.py", "a\n", "b\n"), BLOCKS)
    assert work.files().keys() == {"b.py"}
    assert work.bytes_of("b.py") == b"b\n"
    assert (work.workspace / "b.py").stat().st_mode & 0o777 == 0o755


def test_snippets_in_prose_are_no_edits(work: Work) -> None:
    work.put("a.py", "a\n")
    work.take(f"Instead of\n```python\nfoo()\n```\nthere is now:\n\na.py\n{MARKED}", BLOCKS)
    assert work.bytes_of("a.py") == b"b\n"


def test_an_answer_of_megabytes_is_read_in_a_time_that_grows_with_it(work: Work) -> None:
    """Work that grew with the square would take hours, and the time limit of the tests would end it."""
    lines = 100_000
    work.put("a.txt", "same\n" * lines + "last\n" + "x" * 1_000_000 + "\n")
    changes = work.take(block("a.txt", "same\n" * 50 + "last\n", "same\n" * 50 + "end\n"), BLOCKS)
    assert len(changes.changes) == 1
    with pytest.raises(Refused, match="more than once"):
        work.take(block("a.txt", "same\n" * 1_000, "x\n"), BLOCKS)
    with pytest.raises(Refused, match="nearest lines"):
        work.take(block("a.txt", "same\n" * lines + "other\n", "x\n"), BLOCKS)
    for form in EditFormat:
        for piece in ("```\n", "`" * 20, "`a.py` ", "<<<<<<< SEARCH\n", "@@ -1 +1 @@\n", "# ... ", "-a\n", "a.py\n"):
            with pytest.raises(Refused):
                parse(piece * (600_000 // len(piece)), form)


def test_more_blocks_than_anybody_reads_are_refused(work: Work) -> None:
    work.put("a.py", "a\n")
    with pytest.raises(Refused) as refused:
        work.take(block("a.py", "z\n", "y\n") * 1_001, BLOCKS)
    assert refused.value.reasons == ("a.py: has 1001 parts to be replaced; more than 1000 are not taken",)
    with pytest.raises(Refused) as refused:
        work.take(block("a.py", "z\n", "y\n") * 30, BLOCKS)
    assert len(refused.value.reasons) == 21
    assert refused.value.reasons[-1] == "and 10 more"
