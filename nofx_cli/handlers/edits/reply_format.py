"""What models are told: how to write changes of files, and why an answer was not taken."""

from nofx_cli.domain.models import EditFormat
from nofx_cli.handlers.edits.edit import Refused

_PATHS = """\
Paths are relative to the top of the project, with `/`, without `..`. Do not write below `.git`, `nofx_handlers` or
`local_data`, nor `nofx.yaml`. All of the answer is applied, or, if any part of it is in doubt, nothing.
To delete a file, write a line `DELETE: path`. To rename one, write a line `RENAME: old -> new`; what else changes of it
goes under its new path. Both stand outside of fences."""

_WHOLE = f"""\
Write each file that changes, or is new, whole: its path in backticks on a line of its own, then its text in a fence:

`src/example.py`
```python
the whole text of the file
```

Write every line of the file. Never leave lines out, and never write a comment in their place. If the text has fences
in it, make the fence around it longer than all of them. Give no other fences. Do not write files that stay.
{_PATHS}"""

_SEARCH_REPLACE = f"""\
Write changes as blocks. Before each stands the path of its file, on a line of its own:

src/example.py
<<<<<<< SEARCH
lines as they are in the file now
=======
lines that come in their place
>>>>>>> REPLACE

The searched lines must be whole lines, in the file exactly so, every blank included, and only once: take in as many
lines around them as that needs, and no more. All blocks are of the file as it is now; no two may touch the same lines.
For a new file, leave the searched part empty. Where the text has a line `=======`, write all three markers longer.
{_PATHS}"""

_UNIFIED_DIFF = """\
Write changes as one unified diff, as `git diff` does:

--- a/src/example.py
+++ b/src/example.py
@@ -1,3 +1,3 @@
 a line that stays
-a line that goes
+a line that comes
 a line that stays

Every line of a hunk begins with a blank, `-` or `+`, empty lines too. Give three lines that stay before and after each
change, exactly as they are in the file. For a new file write `--- /dev/null`, to delete one `+++ /dev/null`, to rename
one git's `rename from` and `rename to`. Paths are relative to the top of the project, without `..`. Do not write below
`.git`, `nofx_handlers` or `local_data`, nor `nofx.yaml`. All of it is applied, or, if any part is in doubt, nothing.
"""

_INSTRUCTIONS = {
    EditFormat.WHOLE: _WHOLE,
    EditFormat.SEARCH_REPLACE: _SEARCH_REPLACE,
    EditFormat.UNIFIED_DIFF: _UNIFIED_DIFF,
}


def instructions(form: EditFormat) -> str:
    """For the system prompt: how changes of files are written in a format."""
    return _INSTRUCTIONS[form]


def refusal_message(refused: Refused) -> str:
    """For the next question: why the answer was not taken. Every reason is told, and that no file was changed."""
    reasons = "\n".join(f"- {reason}" for reason in refused.reasons)
    return f"No file was changed, because your answer cannot be applied:\n{reasons}\nAnswer again, with all changes."
