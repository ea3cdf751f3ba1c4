"""Text from files, models and tools is made harmless before a person sees it or a CI runner reads it.

A terminal obeys escape sequences, and bidirectional and invisible characters make a line read otherwise than it
is. Whole sequences (colours, cursor moves, titles, links) are taken out; whatever else could act or hide is shown
as an escape such as `\\u202e`. What is left has no ESC, no C1, no bidi control and no invisible character in it.
"""

import re
from functools import cache

_STRING_BODY = r"[^\n\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"
_STRINGS = rf"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]){_STRING_BODY}"
_CONTROL_SEQUENCES = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[ -/]+[0-~]"
_FORMAT = (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e007f"
)
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\U000e0100-\U000e01ef"
_UNSAFE = f"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{_FORMAT}{_INVISIBLE}]"


def neutralise(text: str, *, keep_newlines: bool = False) -> str:
    """The text as it may be shown: on one line, or with `keep_newlines` on the lines it has (CR LF becomes LF).

    A tab becomes a space. Sequences that no terminal would take for whole lose their ESC, shown as `␛`.
    """
    if text.isascii() and text.isprintable():
        return text
    if keep_newlines:
        return "\n".join(_unsafe().sub(_shown, line) for line in text.replace("\r\n", "\n").split("\n"))
    return _unsafe().sub(_shown, text)


def fence_workflow_commands(line: str) -> str:
    """Break up what a CI runner would obey (`::error::`, `##[…]`, `##vso[…]`), visibly: `: :error::`, `# #[…]`.

    To be applied after `neutralise`, which could otherwise join such a command together. Every line of a text
    with several is looked at.
    """
    if "::" not in line and "##" not in line:
        return line
    return _workflow_command().sub(lambda found: f"{found[0]} ", line)


@cache
def _unsafe() -> re.Pattern[str]:
    return re.compile(f"{_STRINGS}|{_CONTROL_SEQUENCES}|{_UNSAFE}")


@cache
def _workflow_command() -> re.Pattern[str]:
    return re.compile(r"^(\s*):(?=:)|#(?=#(?:vso|teamcity)?\[)", re.IGNORECASE | re.MULTILINE)


def _shown(found: re.Match[str]) -> str:
    text = found[0]
    if len(text) > 1:
        return ""
    code = ord(text)
    if text in _NAMED:
        return _NAMED[text]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_NAMED = {"\t": " ", "\x1b": "␛", "\n": "\\n", "\r": "\\r"}
