"""The page of exit codes, from the one table and the tree of errors."""

from nofx_cli import errors
from nofx_cli.errors import ExitCode

_HEAD = """\
# Exit codes

What every command of nofx ends with; a script can rely on them. With `--json` a command that fails prints
`{"error": {"code", "message", "hint", "context"}, "exit_code"}` on standard output.

| code | what it means |
|---|---|
"""

_ERRORS_HEAD = """
## Errors

Each error has a code of its own, such as `run-is-held`; it belongs to one of these kinds, which gives the exit code.

```text
"""


def exit_codes_page() -> str:
    """The table of exit codes and the tree of errors."""
    rows = [f"| {code.value} | {code.meaning} |" for code in ExitCode]
    tree = (errors.__doc__ or "").split("\n\n")[1]
    return _HEAD + "\n".join(rows) + "\n" + _ERRORS_HEAD + tree + "\n```\n"
