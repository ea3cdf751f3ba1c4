"""The file `$NOFX_OUTPUT`: how a process hands values to later steps.

    key=value
    key<<END
    several
    lines
    END

Written like this: `echo "version=1.2" >> "$NOFX_OUTPUT"`. A later line for the same key wins.
"""

import re
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.wording import shortened

MAX_BYTES = 64 * 1024
_LINE = r"(?s)([A-Za-z_][A-Za-z0-9_-]*)(=|<<)(.*)"


def read_output_file(path: Path) -> dict[str, str]:
    """Read the values; an absent file has none.

    Raises:
        errors.InvalidInput: a line is no assignment, a heredoc has no end, the text is not UTF-8 (code
            `output-syntax`), or the file is larger than 64 KiB (code `output-too-large`).
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    if len(data) > MAX_BYTES:
        raise errors.InvalidInput(
            f"$NOFX_OUTPUT holds {len(data)} bytes; {MAX_BYTES} are allowed",
            code="output-too-large",
            hint='write large results to "$NOFX_ARTIFACTS" instead',
        )
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError as exc:
        raise errors.InvalidInput("$NOFX_OUTPUT is not UTF-8", code="output-syntax") from exc
    return _parse(lines)


def _parse(lines: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    number = 0
    while number < len(lines):
        line = lines[number].removesuffix("\r")
        number += 1
        if not line.strip():
            continue
        found = re.fullmatch(_LINE, line)
        if found is None:
            raise _syntax(number, f"{shortened(line, 60)!r} is neither `key=value` nor `key<<END`")
        key, sign, rest = found.groups()
        if sign == "=":
            values[key] = rest
            continue
        end = rest.strip()
        closing = next((at for at in range(number, len(lines)) if lines[at].removesuffix("\r") == end), None)
        if not end or closing is None:
            raise _syntax(number, f"the value of {key!r} has no closing line {end!r}")
        values[key] = "\n".join(lines[number:closing])
        number = closing + 1
    return values


def _syntax(number: int, what: str) -> errors.InvalidInput:
    return errors.InvalidInput(
        f"line {number} of $NOFX_OUTPUT: {what}",
        code="output-syntax",
        hint='append lines such as: echo "key=value" >> "$NOFX_OUTPUT"',
    )
