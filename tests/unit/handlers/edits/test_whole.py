"""Whole files, in all the ways in which models write them."""

import pytest

from nofx_cli.domain.models import EditFormat
from nofx_cli.handlers.edits.api import Refused, parse
from nofx_cli.handlers.edits.new_text import fault_of_lines
from tests.unit.handlers.edits.conftest import Work

WHOLE = EditFormat.WHOLE
BODY = "```python\nx = 1\n```\n"


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        (f"`src/a.py`\n{BODY}", "src/a.py"),
        (f"Sure, here it is!\n\n### `src/a.py`\n\n{BODY}\nThat is all.", "src/a.py"),
        (f"**src/a.py**\n{BODY}", "src/a.py"),
        (f"**`src/a.py`** (new file)\n{BODY}", "src/a.py"),
        (f"## 2. src/a.py:\n{BODY}", "src/a.py"),
        (f"File: src/a.py\n{BODY}", "src/a.py"),
        (f"**Filename:** `src/a.py`\n{BODY}", "src/a.py"),
        (f"Datei: src/a.py\n{BODY}", "src/a.py"),
        (f"文件\uff1asrc/a.py\n{BODY}", "src/a.py"),
        (f"- src/a.py\n{BODY}", "src/a.py"),
        (f"The whole of `src/a.py` with the fix:\n{BODY}", "src/a.py"),
        (f"Here is src/a.py:\n{BODY}", "src/a.py"),
        (f"`src/a.py`\n\nIt adds a name.\n\n{BODY}", "src/a.py"),
        (f'<file path="src/a.py">\n{BODY}</file>\n', "src/a.py"),
        ("```python src/a.py\nx = 1\n```\n", "src/a.py"),
        ("```python:src/a.py\nx = 1\n```\n", "src/a.py"),
        ("```src/a.py\nx = 1\n```\n", "src/a.py"),
        ('```python title="src/a.py"\nx = 1\n```\n', "src/a.py"),
        ("```python\n# src/a.py\nx = 1\n```\n", "src/a.py"),
        ("```js\n// File: src/a.js\nx = 1\n```\n", "src/a.js"),
        ("```\nsrc/a.py\nx = 1\n```\n", "src/a.py"),
        (f"src\\a.py\n{BODY}", "src\\a.py"),
        (f"./src/a.py\n{BODY}", "./src/a.py"),
        (f"__init__.py\n{BODY}", "__init__.py"),
        (f"Makefile\n{BODY}", "Makefile"),
        (f"`my notes.py`\n{BODY}", "my notes.py"),
        (f'"it\'s.py"\n{BODY}', "it's.py"),
        (f"src/größe.py\n{BODY}", "src/größe.py"),
        ("`src/a.py`\n~~~~\nx = 1\n~~~~\n", "src/a.py"),
        ("1. `src/a.py`\n   ```python\n   x = 1\n   ```\n", "src/a.py"),
        ("`src/a.py`\n```python\nx = 1\n", "src/a.py"),
        (f"`src/a.py`\n{BODY}\nThen run it:\n\n```bash\npython src/a.py\n```\n", "src/a.py"),
        (f"`src/a.py`\r\n{BODY}".replace("\n", "\r\n").replace("\r\r", "\r"), "src/a.py"),
    ],
)
def test_a_file_is_found_by_its_path(answer: str, path: str) -> None:
    (edit,) = parse(answer, WHOLE)
    assert edit.path == path
    assert edit.text.replace("\r\n", "\n") == "x = 1\n"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("````markdown\n# A\n```sh\nls\n```\nend\n````\n", "# A\n```sh\nls\n```\nend\n"),
        ("~~~~\n# A\n```\nls\n```\n~~~\n~~~~\n", "# A\n```\nls\n```\n~~~\n"),
        ("```markdown\n# A\n```sh\nls\n```\nend\n```\n", "# A\n```sh\nls\n```\nend\n"),
        ("```markdown\n# A\n    ```\n    ls\n    ```\n```\n", "# A\n    ```\n    ls\n    ```\n"),
    ],
    ids=["longer", "tildes", "named inside", "indented inside"],
)
def test_fences_in_a_file_stay_in_it(answer: str, text: str) -> None:
    (edit,) = parse(f"`a.md`\n{answer}", WHOLE)
    assert edit.text == text


def test_several_files_deletions_and_renames_are_taken_in_their_order(work: Work) -> None:
    for name in ("a.py", "b.py", "c.py"):
        work.put(name, f"{name}\n")
    answer = f"`a.py`\n{BODY}\nDELETE: `b.py`\nRENAME: c.py -> sub/d.py\n\n`new/e.py`\n{BODY}"
    changes = work.take(answer, WHOLE)
    assert [change.path for change in changes.changes] == ["a.py", "b.py", "c.py", "new/e.py", "sub/d.py"]
    assert sorted(name for name in work.files() if name.endswith(".py")) == ["a.py", "new/e.py", "sub/d.py"]
    assert work.bytes_of("sub/d.py") == b"c.py\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"a\r\nb\r\n", b"a\r\nc\r\n"),
        (b"a\nb\n", b"a\nc\n"),
        (b"a\nb", b"a\nc"),
        (b"\xef\xbb\xbfa\nb\n", b"\xef\xbb\xbfa\nc\n"),
        (b"a\r\nb\nz\n", b"a\r\nc\n"),
    ],
    ids=["CRLF", "LF", "no final newline", "BOM", "mixed"],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_a_file_is_like_stays(work: Work, old: bytes, new: bytes, end: str) -> None:
    work.put("a.txt", old, mode=0o751)
    work.take("`a.txt`\n```\na\nc\n```\n".replace("\n", end), WHOLE)
    assert work.bytes_of("a.txt") == new
    assert (work.workspace / "a.txt").stat().st_mode & 0o777 == 0o751


def test_a_comment_that_tells_the_path_is_kept_where_the_file_has_it(work: Work) -> None:
    work.put("src/a.py", "# src/a.py\nx = 0\n")
    work.put("src/b.py", "x = 0\n")
    work.take("```python\n# src/a.py\nx = 1\n```\n\n```python\n# src/b.py\nx = 1\n```\n", WHOLE)
    assert work.bytes_of("src/a.py") == b"# src/a.py\nx = 1\n"
    assert work.bytes_of("src/b.py") == b"x = 1\n"


def test_the_same_file_twice_with_one_text_is_taken_once(work: Work) -> None:
    assert len(work.take(f"`a.py`\n{BODY}\n`a.py`\n{BODY}", WHOLE).changes) == 1


def test_what_is_there_already_is_a_success_without_a_change(work: Work) -> None:
    work.put("a.py", "x = 1\n")
    before = (work.workspace / "a.py").stat()
    changes = work.take(f"`a.py`\n{BODY}\nDELETE: gone.py\n", WHOLE)
    assert (changes.is_empty, changes.diff()) == (True, "")
    assert changes.notes == ("a.py: is as it is to be already", "gone.py: is not there any more")
    assert (work.workspace / "a.py").stat().st_ino == before.st_ino


def test_dots_and_comments_that_leave_nothing_out_are_no_placeholders(work: Work) -> None:
    text = (
        "class A(Protocol):\n    def f(self) -> None: ...\n    x: tuple[int, ...] = ()\n# The rest is in b.py.\n"
        'print("... existing code ...")\nargs = [*rest, ...]\n# see the existing tests for more\n...\n# other cases:\n'
    )
    work.take(f"`a.py`\n```python\n{text}```\n", WHOLE)
    assert work.bytes_of("a.py").decode() == text


def test_a_placeholder_that_the_file_has_already_may_stay(work: Work) -> None:
    work.put("a.md", "# ... existing code ...\nold\n")
    work.take("`a.md`\n```\n# ... existing code ...\nnew\n```\n", WHOLE)
    assert work.bytes_of("a.md") == b"# ... existing code ...\nnew\n"


def test_every_reason_is_told_at_once(work: Work) -> None:
    work.put("b.py", "x = 2\n")
    answer = f"`../a.py`\n{BODY}\n`b.py`\n```\n# rest unchanged\n```\n\n`/c.py`\n{BODY}"
    with pytest.raises(Refused) as refused:
        work.take(answer, WHOLE)
    assert [reason.split(":")[0][:20] for reason in refused.value.reasons] == [
        "the path '../a.py' h",
        "the path '/c.py' is ",
        "b.py",
    ]


MASKED = [
    ('PASSWORD = "***"', True),
    ("  url: https://me:***@host/***", True),
    ('print("***")', False),
    ("char ***p;", False),
    ("***", False),
]


@pytest.mark.parametrize(("line", "is_refused"), MASKED)
def test_the_mask_of_a_secret_is_not_written_in_the_place_of_the_secret(line: str, is_refused: bool) -> None:
    old = 'PASSWORD = "correct-horse"\n  url: https://me:battery@host/staple\nprint("***")\n'
    fault = fault_of_lines([f"{line}\n"], old)
    told = f'the line "{line.strip()}" has *** in the place of a secret; leave that line as it is'
    assert fault == (told if is_refused else "")
