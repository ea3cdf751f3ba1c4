"""What answers that cannot be made changes of files are made of, and the workspace that they meet."""

from dataclasses import dataclass

from nofx_cli.domain.models import EditFormat

W, S, D = EditFormat.WHOLE, EditFormat.SEARCH_REPLACE, EditFormat.UNIFIED_DIFF

FILES = {
    "src/a.py": b"def f():\n    return 1\n\n\ndef g():\n    return 2\n\n\ndef h():\n    return 1\n",
    "src/b.py": b"import os\n",
    "docs/guide.md": b"# Guide\n\nHello.\n",
    "latin.txt": b"caf\xe9\n",
    "image.bin": b"\x00\x01\n",
    "nofx.yaml": b"policy: {}\n",
    "nofx_handlers/own.py": b"HANDLERS = []\n",
    "script.sh": b"#!/bin/sh\necho hi\n",
}
"""What the workspace has; beside it `away`, a link to a folder outside, and `near.py`, a link to `src/a.py`."""


@dataclass(frozen=True)
class Case:
    """An answer, and the reason that is told."""

    name: str
    form: EditFormat
    answer: str
    reason: str


def whole(path: str, text: str = "x = 1\n") -> str:
    return f"`{path}`\n```\n{text}```\n"


def block(path: str, old: str, new: str) -> str:
    return f"{path}\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"


def diff(path: str, *hunk: str) -> str:
    return "".join(f"{line}\n" for line in (f"--- a/{path}", f"+++ b/{path}", *hunk))
