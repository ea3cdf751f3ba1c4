"""Why an answer has no edit in it, told to the model that gave it."""

import re

from nofx_cli.domain.models import EditFormat
from nofx_cli.handlers.edits.answer_lines import first_words

_DECLINED = re.compile(
    r"\b(?:i['\u2019]?m sorry|i am sorry|i apologi[sz]e|i can['\u2019]?t|i cannot|i can not|i won['\u2019]?t|as an ai"
    r"|i(?:['\u2019]?m| am) (?:not able|unable)|es tut mir leid|ich kann (?:das )?nicht|d\u00e9sol\u00e9"
    r"|je ne peux pas|lo siento|no puedo|mi dispiace|не могу|申し訳|抱歉|对不起)",
    re.IGNORECASE,
)
SEARCH_MARKER = re.compile(r"^[ \t]{0,8}<{5,9}[ \t]*(?:SEARCH|ORIGINAL)\b", re.IGNORECASE | re.MULTILINE)
HUNK = re.compile(r"^@@(?:[ \t]|$)", re.MULTILINE)
FILE_HEADERS = re.compile(r"^--- [^\n]*\n\+\+\+ ", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]{0,8}(?:```|~~~)", re.MULTILINE)
_WANTED = {
    EditFormat.WHOLE: "whole files in fences, each with its path",
    EditFormat.SEARCH_REPLACE: "SEARCH/REPLACE blocks, each with its path",
    EditFormat.UNIFIED_DIFF: "a unified diff with `---`, `+++` and `@@` lines",
}


def nothing_found(text: str, wanted: EditFormat) -> str:
    """One sentence that says what is there instead."""
    if not text.strip():
        return "the answer is empty"
    for other, sign in _seen(text):
        if other is not wanted:
            return f"the answer has {sign}; asked for were {_WANTED[wanted]}"
    if _DECLINED.search(text[:2_000]):
        return f'the answer declines and changes no file: "{first_words(text)}"'
    return f'the answer has no change of a file, only: "{first_words(text)}"; asked for were {_WANTED[wanted]}'


def _seen(text: str) -> list[tuple[EditFormat, str]]:
    seen = []
    if SEARCH_MARKER.search(text):
        seen.append((EditFormat.SEARCH_REPLACE, "SEARCH/REPLACE blocks"))
    if FILE_HEADERS.search(text) or HUNK.search(text):
        seen.append((EditFormat.UNIFIED_DIFF, "a unified diff"))
    if not seen and _FENCE.search(text):
        seen.append((EditFormat.WHOLE, "fenced code"))
    return seen
