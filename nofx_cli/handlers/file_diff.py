"""The difference between two contents of a file, for people, bounded in time and size."""

from difflib import unified_diff

MAX_INPUT_BYTES = 256 * 1024
MAX_LINES = 2_000


def file_diff(name: str, old: bytes | None, new: bytes | None) -> str:
    """A unified diff; one sentence instead where a content is no UTF-8 text or too large to compare.

    None is no file, before or after.
    """
    if max(len(old or b""), len(new or b"")) > MAX_INPUT_BYTES:
        return f"too large to compare: {len(old or b'')} bytes before, {len(new or b'')} after"
    try:
        before, after = _lines(old or b""), _lines(new or b"")
    except UnicodeDecodeError:
        return f"no text: {len(old or b'')} bytes before, {len(new or b'')} after"
    source = "/dev/null" if old is None else f"a/{name}"
    target = "/dev/null" if new is None else f"b/{name}"
    lines = list(unified_diff(before, after, source, target))
    cut = len(lines) - MAX_LINES
    if cut > 0:
        lines[MAX_LINES:] = [f"… {cut} more lines\n"]
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(data: bytes) -> list[str]:
    """Split at newlines only; a form feed or a lone carriage return is not the end of a line."""
    *whole, rest = data.decode().split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])
