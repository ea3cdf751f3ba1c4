"""Unified diffs: as tools write them, and as models do."""

import pytest

from nofx_cli.domain.models import EditFormat
from nofx_cli.handlers.edits.api import parse
from nofx_cli.handlers.edits.edit import EditKind
from tests.unit.handlers.edits.conftest import Work
from tests.unit.handlers.edits.malformed import diff

DIFF = EditFormat.UNIFIED_DIFF
OLD = "one\ntwo\n\nfour\nfive\n"
NEW = "one\n2\n\nfour\nfive\n"
HUNK = "@@ -1,5 +1,5 @@\n one\n-two\n+2\n \n four\n five\n"
HEADERS = "--- a/a.py\n+++ b/a.py\n"


@pytest.mark.parametrize(
    "answer",
    [
        HEADERS + HUNK,
        f"diff --git a/a.py b/a.py\nindex 1..2 100644\n{HEADERS}{HUNK}",
        f"Sure!\n\n```diff\n{HEADERS}{HUNK}```\n\nThis makes two 2.\n",
        f"```diff\n{HEADERS}{HUNK}",
        f"--- a.py\n+++ a.py\n{HUNK}",
        f"--- a/a.py\n+++ a.py\n{HUNK}",
        f"--- a.py\n+++ b/a.py\n{HUNK}",
        f"--- a.py.orig\t2026-01-01 10:00\n+++ a.py\t2026-01-02 10:00\n{HUNK}",
        f'--- "a/a.py"\n+++ "b/a.py"\n{HUNK}',
        f"`a.py`\n```diff\n{HUNK}```\n",
        HEADERS + HUNK.replace("-1,5 +1,5", "-7,2 +9,44"),
        HEADERS + HUNK.replace("@@ -1,5 +1,5 @@", "@@ ... @@"),
        HEADERS + HUNK.replace("@@ -1,5 +1,5 @@", "@@"),
        HEADERS + HUNK.replace("@@ -1,5 +1,5 @@", "@@ -1,5 +1,5 @@ def f():"),
        HEADERS + HUNK.replace("\n \n", "\n\n"),
        HEADERS + HUNK.replace("\n \n", "\n\n").replace("-1,5 +1,5", "-1,9 +1,9") + "\nThat is all.\n",
        HEADERS + HUNK.replace("-1,5 +1,5", "-1,3 +1,3") + "\nThe old two was wrong.\n",
        (HEADERS + HUNK).replace("\n", "\r\n"),
    ],
)
def test_a_diff_is_read_whatever_is_wrong_with_its_numbers_and_headers(work: Work, answer: str) -> None:
    work.put("a.py", OLD)
    work.take(answer, DIFF)
    assert work.bytes_of("a.py").decode() == NEW


def test_lines_that_look_like_headers_are_lines_of_the_hunk(work: Work) -> None:
    work.put("a.sql", "-- old\nselect 1;\n")
    answer = diff("a.sql", "@@ -1,2 +1,2 @@", "--- old", "+++ new", " select 1;")
    work.take(answer, DIFF)
    assert work.bytes_of("a.sql") == b"++ new\nselect 1;\n"


@pytest.mark.parametrize(
    ("old", "new", "answer"),
    [
        (b"a\nb", b"a\nc", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"),
        (b"a\nb", b"a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"),
        (b"a\nb\n", b"a\nb", "@@ -1,2 +1,2 @@\n a\n-b\n+b\n\\ No newline at end of file\n"),
        (b"a\nb", b"a\nc", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n"),
        (b"a\r\nb\r\n", b"a\r\nc\r\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n"),
        (b"a\r\nb\r\n", b"a\nb\r\n", "@@ -1,2 +1,2 @@\n-a\r\n+a\n b\r\n"),
        (b"\xef\xbb\xbfa\nb\n", b"\xef\xbb\xbfa\nc\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n"),
        (b"\xef\xbb\xbfa\nb\n", b"\xef\xbb\xbfc\nb\n", "@@ -1,2 +1,2 @@\n-a\n+c\n b\n"),
    ],
)
def test_ends_of_lines_and_files_are_kept_or_changed_as_the_diff_says(
    work: Work, old: bytes, new: bytes, answer: str
) -> None:
    work.put("a.txt", old)
    work.take(f"--- a/a.txt\n+++ b/a.txt\n{answer}", DIFF)
    assert work.bytes_of("a.txt") == new


def test_a_hunk_that_fits_twice_belongs_to_its_line_or_behind_the_one_before(work: Work) -> None:
    work.put("a.py", "a\nx\nb\nx\nc\nx\n")
    changes = work.take(diff("a.py", "@@ -4,1 +4,1 @@", "-x", "+y"), DIFF)
    assert (work.bytes_of("a.py"), changes.notes) == (b"a\nx\nb\ny\nc\nx\n", ())
    work.take(diff("a.py", "@@ -9,2 +9,2 @@", " b", "-y", "+z", "@@ -20,1 +20,1 @@", "-x", "+w"), DIFF)
    assert work.bytes_of("a.py") == b"a\nx\nb\nz\nc\nw\n"


def test_files_are_made_deleted_renamed_and_made_programs(work: Work) -> None:
    work.put("gone.py", "x\n")
    work.put("was.py", "1\n2\n")
    work.put("run.sh", "echo\n")
    answer = (
        "--- /dev/null\n+++ b/dir with blanks/new.py\t\n@@ -0,0 +1 @@\n+x\n"
        "--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
        "diff --git a/was.py b/is.py\nsimilarity index 50%\nrename from was.py\nrename to is.py\n"
        "--- a/was.py\n+++ b/is.py\n@@ -1,2 +1,2 @@\n 1\n-2\n+3\n"
        "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n"
        "diff --git a/bin/x b/bin/x\nnew file mode 100755\n--- /dev/null\n+++ b/bin/x\n@@ -0,0 +1 @@\n+#!/bin/sh\n"
        "diff --git a/empty.py b/empty.py\nnew file mode 100644\nindex 0000000..e69de29\n"
        'diff --git "a/\\303\\244.py" "b/\\303\\244.py"\nnew file mode 100644\n'
        '--- /dev/null\n+++ "b/\\303\\244.py"\n@@ -0,0 +1 @@\n+x\n'
    )
    changes = work.take(answer, DIFF)
    files = {name: (data, mode & 0o111 != 0) for name, (data, mode) in work.files().items() if mode & 0o100000}
    assert files == {
        "dir with blanks/new.py": (b"x\n", False),
        "is.py": (b"1\n3\n", False),
        "run.sh": (b"echo\n", True),
        "bin/x": (b"#!/bin/sh\n", True),
        "empty.py": (b"", False),
        "ä.py": (b"x\n", False),
    }
    assert "run.sh: mode 0644 becomes 0755\n" in changes.diff()
    assert "--- a/gone.py\n+++ /dev/null\n" in changes.diff()
    again = work.plan(answer, DIFF)
    assert [change.path for change in again.changes] == []


def test_a_deletion_needs_no_hunk() -> None:
    (edit,) = parse("--- a/x.py\n+++ /dev/null\n", DIFF)
    assert (edit.kind, edit.path) == (EditKind.DELETE, "x.py")


def test_several_parts_of_one_file_are_taken_together(work: Work) -> None:
    work.put("a.py", "1\n2\n3\n4\n5\n6\n7\n8\n9\n")
    work.take(diff("a.py", "@@ -1 +1 @@", "-1", "+one") + diff("a.py", "@@ -9 +9 @@", "-9", "+nine"), DIFF)
    assert work.bytes_of("a.py") == b"one\n2\n3\n4\n5\n6\n7\n8\nnine\n"


def test_numbers_that_are_wrong_are_told(work: Work) -> None:
    work.put("a.py", OLD)
    changes = work.take(HEADERS + HUNK.replace("-1,5", "-3,5"), DIFF)
    assert changes.notes == ("a.py: the hunk at line 3 of the answer names line 3 and was found at line 1",)
