"""Answers for unified diffs that are refused."""

from tests.unit.handlers.edits.malformed import Case, D, block, diff, whole

DIFFS = (
    Case("only blanks", D, " \n\t\n", "the answer is empty"),
    Case(
        "a refusal in Russian",
        D,
        "Я не могу этого сделать.",
        'the answer declines and changes no file: "Я не могу этого сделать."',
    ),
    Case(
        "JSON",
        D,
        '{"path": "src/a.py", "text": "x"}',
        'the answer has no change of a file, only: "{"path": "src/a.py", "text": "x"}"; asked for were a '
        "unified diff with `---`, `+++` and `@@` lines",
    ),
    Case(
        "a whole file for a diff",
        D,
        whole("src/a.py"),
        "the answer has fenced code; asked for were a unified diff with `---`, `+++` and `@@` lines",
    ),
    Case(
        "blocks for a diff",
        D,
        block("src/a.py", "def f():\n", "def F():\n"),
        "the answer has SEARCH/REPLACE blocks; asked for were a unified diff with `---`, `+++` and `@@` lines",
    ),
    Case(
        "an absolute path in a diff",
        D,
        "--- /dev/null\n+++ /etc/x.conf\n@@ -0,0 +1 @@\n+x\n",
        "the path '/etc/x.conf' is absolute",
    ),
    Case(
        "a short name of the folder of git",
        D,
        "--- /dev/null\n+++ b/GIT~1/config\n@@ -0,0 +1 @@\n+x\n",
        "the path 'GIT~1/config' lies in a .git folder, which holds code that git runs",
    ),
    Case(
        "the store",
        D,
        "--- /dev/null\n+++ b/local_data/runs/x.txt\n@@ -0,0 +1 @@\n+x\n",
        "the path 'local_data/runs/x.txt' is not to be written: it tells nofx what to do",
    ),
    Case(
        "a NUL in a path",
        D,
        "--- a/src/a\0.py\n+++ b/src/a\0.py\n@@ -1 +1 @@\n-def f():\n+def F():\n",
        "the path 'src/a\\x00.py' holds a NUL character",
    ),
    Case(
        "code left out in a diff",
        D,
        diff("src/b.py", "@@ -1 +1,2 @@", " import os", "+/* ... implementation ... */"),
        'src/b.py: the line "/* ... implementation ... */" stands for text that is left out; write all of it',
    ),
    Case(
        "a hunk without a file",
        D,
        "@@ -1 +1 @@\n-import os\n+import sys\n",
        "the hunk at line 1 of the answer names no file; write `--- a/…` and `+++ b/…` before it",
    ),
    Case(
        "a part without a hunk",
        D,
        "--- a/src/a.py\n+++ b/src/a.py\n",
        "src/a.py: the part at line 1 of the answer has no hunk",
    ),
    Case(
        "a hunk that changes nothing",
        D,
        diff("src/b.py", "@@ -1 +1 @@", " import os"),
        "the hunk at line 3 of the answer adds and removes nothing",
    ),
    Case(
        "context that is not there",
        D,
        diff("src/b.py", "@@ -1,2 +1,2 @@", " import re", "-import os", "+import sys"),
        'src/b.py: the hunk at line 3 of the answer, with "import re", does not occur in the file; the '
        "nearest lines of the file are:\n  1| import os",
    ),
    Case(
        "a hunk that fits twice",
        D,
        diff("src/a.py", "@@ -5,1 +5,1 @@", "-    return 1", "+    return 5"),
        "src/a.py: the hunk at line 3 of the answer occurs more than once in the file, at lines 2, 10; "
        "add lines around it",
    ),
    Case(
        "a hunk without context in a file",
        D,
        diff("src/b.py", "@@ -9,0 +10 @@", "+import sys"),
        "src/b.py: the hunk at line 3 of the answer has no line of the file, so it is not clear where it belongs",
    ),
    Case(
        "a line without a mark",
        D,
        diff("src/a.py", "@@ -1,9 +1,9 @@", " def f():", "return 1", "-    return 2", "+    return 3"),
        "line 5 of the answer begins with neither a blank nor - nor +, and the hunk goes on behind it",
    ),
    Case(
        "a binary patch",
        D,
        "diff --git a/image.bin b/image.bin\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKcmZQz\n",
        "image.bin: a binary patch at line 1 of the answer; only text can be changed",
    ),
    Case(
        "binary files that differ",
        D,
        "diff --git a/image.bin b/image.bin\nBinary files a/image.bin and b/image.bin differ\n",
        "image.bin: a binary patch at line 1 of the answer; only text can be changed",
    ),
    Case(
        "a link in a diff",
        D,
        "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n",
        "l: is to become a link, a submodule or the like; only regular files can be changed",
    ),
    Case(
        "a submodule",
        D,
        "diff --git a/m b/m\nnew file mode 160000\n--- /dev/null\n+++ b/m\n@@ -0,0 +1 @@\n+Subproject commit 1\n",
        "m: is to become a link, a submodule or the like; only regular files can be changed",
    ),
    Case(
        "a copy",
        D,
        "diff --git a/src/a.py b/src/c.py\nsimilarity index 100%\ncopy from src/a.py\ncopy to src/c.py\n",
        "src/c.py: is a copy of src/a.py; write the new file whole",
    ),
    Case(
        "two names without a rename",
        D,
        "--- a/src/a.py\n+++ b/src/c.py\n@@ -1 +1 @@\n-def f():\n+def F():\n",
        "src/c.py: was src/a.py in the other header; a file is renamed by `rename from` and `rename to`",
    ),
    Case(
        "a deletion of another text",
        D,
        "--- a/src/b.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-import sys\n",
        "src/b.py: is to be deleted, and has another text than the answer shows",
    ),
    Case(
        "a new file with removed lines",
        D,
        "--- /dev/null\n+++ b/src/c.py\n@@ -1 +1 @@\n-x\n+y\n",
        "src/c.py: is said to be new, and lines of it are removed",
    ),
    Case(
        "one good hunk and one bad",
        D,
        diff(
            "src/a.py",
            "@@ -5,2 +5,2 @@",
            " def g():",
            "-    return 2",
            "+    return 3",
            "@@ -9,2 +9,2 @@",
            " def i():",
            "-    return 1",
            "+    return 3",
        ),
        'src/a.py: the hunk at line 7 of the answer, with "def i():", does not occur in the file; the '
        "nearest lines of the file are:\n  1| def f():\n  2|     return 1",
    ),
    Case(
        "another encoding in a diff",
        D,
        diff("latin.txt", "@@ -1 +1 @@", "-café", "+tea"),
        "latin.txt: is not UTF-8 (byte 4 is not); it is not changed in another encoding",
    ),
)
