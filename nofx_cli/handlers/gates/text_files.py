"""Whether files are text that programs read, or text that they do not."""

import codecs
from pathlib import Path

_HEAD = 8192
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def is_text(path: Path) -> bool:
    """Whether a file is text in UTF-8. What cannot be read is none."""
    try:
        path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return False
    return True


def is_text_of_another_encoding(path: Path) -> bool:
    """Whether a file that is no text in UTF-8 seems to be text: it says so at its start, or has no control characters.

    Programs, pictures and archives have zeros near their start.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    return head.startswith(_MARKS) or not control
