"""Answers for search/replace blocks that are refused."""

from tests.unit.handlers.edits.malformed import Case, S, block, diff, whole

BLOCKS = (
    Case(
        "a refusal in German",
        S,
        "Es tut mir leid, das kann ich nicht tun.",
        'the answer declines and changes no file: "Es tut mir leid, das kann ich nicht tun."',
    ),
    Case(
        "prose in Chinese",
        S,
        "这个函数没有问题,不需要修改。",
        'the answer has no change of a file, only: "这个函数没有问题,不需要修改。"; asked for were SEARCH/REPLACE '
        "blocks, each with its path",
    ),
    Case(
        "a whole file for blocks",
        S,
        whole("src/a.py"),
        "the fence at line 2 of the answer, for src/a.py, has no SEARCH/REPLACE block",
    ),
    Case(
        "a whole file beside a block",
        S,
        block("src/a.py", "def f():\n", "def F():\n") + "\n" + whole("src/b.py"),
        "the fence at line 9 of the answer, for src/b.py, has no SEARCH/REPLACE block",
    ),
    Case(
        "a diff for blocks",
        S,
        diff("src/a.py", "@@ -1 +1 @@", "-def f():", "+def F():"),
        "the answer has a unified diff; asked for were SEARCH/REPLACE blocks, each with its path",
    ),
    Case(
        "a path that leads up in the middle",
        S,
        block("src/../../x.py", "", "x\n"),
        "the path 'src/../../x.py' has `..` in it; write a path relative to the workspace",
    ),
    Case(
        "a folder of git in other letters",
        S,
        block("src/.GIT/config", "", "x\n"),
        "the path 'src/.GIT/config' lies in a .git folder, which holds code that git runs",
    ),
    Case(
        "handlers",
        S,
        block("nofx_handlers/own.py", "HANDLERS = []\n", "HANDLERS = [1]\n"),
        "the path 'nofx_handlers/own.py' is not to be written: it tells nofx what to do",
    ),
    Case("a folder that is there", S, block("./src", "", "x\n"), "src is there and is no file"),
    Case(
        "code left out in a block",
        S,
        block("src/b.py", "import os\n", "import sys\n# ... other imports ...\n"),
        'src/b.py: the line "# ... other imports ..." stands for text that is left out; write all of it',
    ),
    Case(
        "a file that is renamed and written under its old name",
        S,
        "RENAME: src/a.py -> src/z.py\n" + block("src/a.py", "def f():\n", "def F():\n"),
        "src/a.py: is changed, and deleted or renamed, in the same answer",
    ),
    Case(
        "lines that are not there",
        S,
        block("src/a.py", "def f():\n    return 7\n", "def f():\n    return 8\n"),
        'src/a.py: the search block at line 2 of the answer, with "def f():", does not occur in the '
        "file; the nearest lines of the file are:\n  1| def f():\n  2|     return 1",
    ),
    Case(
        "lines that nothing resembles",
        S,
        block("src/a.py", "class Zebra(Animal):\n", "class Horse(Animal):\n"),
        'src/a.py: the search block at line 2 of the answer, with "class Zebra(Animal):", does not occur '
        "in the file; nothing in the file resembles it",
    ),
    Case(
        "lines in another indentation",
        S,
        block("src/a.py", "  return 2\n", "  return 3\n"),
        'src/a.py: the search block at line 2 of the answer, with "return 2", does not occur in the '
        "file; the nearest lines of the file are:\n  6|     return 2",
    ),
    Case(
        "part of a line",
        S,
        block("src/a.py", "return 2\n", "return 3\n"),
        'src/a.py: the search block at line 2 of the answer, with "return 2", does not occur in the '
        "file; the nearest lines of the file are:\n  6|     return 2",
    ),
    Case(
        "lines that are there twice",
        S,
        block("src/a.py", "    return 1\n", "    return 3\n"),
        "src/a.py: the search block at line 2 of the answer occurs more than once in the file, at lines "
        "2, 10; add lines around it",
    ),
    Case(
        "one good block and one bad",
        S,
        block("src/b.py", "import os\n", "import sys\n") + block("src/a.py", "nope\n", "x\n"),
        'src/a.py: the search block at line 8 of the answer, with "nope", does not occur in the file; '
        "nothing in the file resembles it",
    ),
    Case(
        "blocks that overlap",
        S,
        block("src/a.py", "def g():\n    return 2\n", "def g():\n    return 3\n")
        + block("src/a.py", "    return 2\n", "    return 4\n"),
        "src/a.py: the search block at line 2 of the answer and the one at line 10 overlap; make them one",
    ),
    Case(
        "a block on what another writes",
        S,
        block("src/b.py", "import os\n", "import sys\n") + block("src/b.py", "import sys\n", "import re\n"),
        'src/b.py: the search block at line 8 of the answer, with "import sys", does not occur in the '
        "file; the nearest lines of the file are:\n  1| import os",
    ),
    Case(
        "a block without a path",
        S,
        "<<<<<<< SEARCH\nimport os\n=======\nimport sys\n>>>>>>> REPLACE\n",
        "the block at line 1 of the answer has no path; write the path of its file on the line before it",
    ),
    Case(
        "a block without a divider",
        S,
        "src/b.py\n<<<<<<< SEARCH\nimport os\n>>>>>>> REPLACE\n",
        "the block at line 2 of the answer has no ======= between what is searched and what replaces it",
    ),
    Case(
        "a block with two dividers",
        S,
        block("src/b.py", "import os\n=======\n", "import sys\n"),
        "the block at line 2 of the answer has 2 lines of =======; where the text has such a line, write "
        "longer markers",
    ),
    Case(
        "a block without an end",
        S,
        "src/b.py\n<<<<<<< SEARCH\nimport os\n=======\nimport sys\n",
        "the block at line 2 of the answer is not closed by >>>>>>> REPLACE",
    ),
    Case(
        "a block in a block",
        S,
        "src/b.py\n<<<<<<< SEARCH\nimport os\n" + block("src/b.py", "import os\n", "import re\n"),
        "the block at line 2 of the answer is not closed when another begins at line 5",
    ),
    Case(
        "a block that changes nothing",
        S,
        block("src/b.py", "import os\n", "import os\n"),
        "the block at line 2 of the answer changes nothing: what is searched is what replaces it",
    ),
    Case(
        "a new file that is there",
        S,
        block("src/b.py", "", "import sys\n"),
        "src/b.py: is to be made, and is there already with another text",
    ),
    Case(
        "a file that is not there",
        S,
        block("src/bb.py", "import os\n", "import sys\n"),
        "src/bb.py: there is no such file; did you mean src/b.py?",
    ),
    Case(
        "entities in a search",
        S,
        block("docs/guide.md", "&#35; Guide\n", "# Guides\n"),
        'docs/guide.md: the search block at line 2 of the answer, with "&#35; Guide", does not occur in '
        "the file; it does without HTML entities: write the characters themselves, such as < for &lt;; "
        "the nearest lines of the file are:\n  1| # Guide",
    ),
)
