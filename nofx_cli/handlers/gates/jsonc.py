"""JSON as people write settings in it: with comments, and with commas before a closing bracket."""

import json
import re
from typing import Any

_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*+")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_COMMA = re.compile(r'("(?:[^"\\]|\\.)*+")|,(?=\s*[\]}])', re.DOTALL)


def json_with_comments(text: str) -> Any:
    """Read it.

    Raises:
        ValueError: it is no such text.
        RecursionError: it is nested too deeply.
    """
    try:
        return json.loads(text)
    except ValueError:
        for left_out in (_COMMENT, _COMMA):
            text = left_out.sub(lambda found: found[1] or "", text)
        return json.loads(text)
