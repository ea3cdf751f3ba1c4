"""Lines that stand for code that a model left out, such as `// ... existing code ...` or `# rest unchanged`."""

import re
from collections.abc import Iterable

_LONGEST = 160
_COMMENT = re.compile(r"(?:#+|//+|/\*+|<!--|--+|;+|%+|\{/\*|\(\*|\"\"\"|\*|REM\b)\s*")
_BRACKETS = ("[]", "()", "<>")
_CLOSERS = ("*/}", "*/", "-->", "*)", '"""')
_DOTS = re.compile(r"\.{3,}|…")
_LEFT_OUT = re.compile(
    r"\b(?:existing|rest|remain|unchanged|omitted|same as|as before|previous|code here|your code|implementation|content"
    r"|other (?:code|methods|functions|imports|tests|lines|content)|more (?:code|lines|of the)|unverändert|bestehend"
    r"|übrig|inchangé|existant|sin cambios|resto|без изменений|остальн)|其余|不变|省略",
    re.IGNORECASE,
)
_SENTENCE = re.compile(
    r"(?:the )?(?:rest|remaind?er|remaining|everything else|(?:all )?other|existing)\b.*"
    r"\b(?:unchanged|same|as before|as is|omitted|stays?|remains?|here)\b.*"
    r"|(?:no changes?|unchanged|omitted)(?: code)?(?: here| below| above)?|same as before"
    r"|(?:the )?(?:rest|remainder) of (?:the )?(?:\w+ )?(?:code|file|class|function|method|module|document)"
    r"|keep (?:the )?(?:rest|remaining|existing|other)\b.*"
    r"|(?:der )?rest (?:ist |bleibt )?(?:unverändert|gleich)|(?:le )?reste (?:est )?inchangé|(?:el )?resto sin cambios",
    re.IGNORECASE,
)


def elided(lines: Iterable[str], *, there: Iterable[str]) -> str:
    """The first of new lines that stands for what was left out; empty where none does.

    Args:
        there: the lines of the file. One that has such a line already may keep it.
    """
    known: set[str] | None = None
    for line in lines:
        shown = line.strip()
        if 2 < len(shown) <= _LONGEST and _stands_for_more(shown):
            known = {one.strip() for one in there} if known is None else known
            if shown not in known:
                return shown
    return ""


def _stands_for_more(line: str) -> bool:
    """Whether it is a comment, or is in brackets or dots, and says that something is left out."""
    comment = _COMMENT.match(line)
    words = _inner(line[comment.end() :] if comment else line)
    dotted = _DOTS.match(words) is not None or words.endswith(("...", "…"))
    plain = _DOTS.sub(" ", words).strip(" .:;,-")
    if comment and dotted and not plain:
        return True
    if comment is None and not dotted and line[0] not in "[(":
        return False
    if comment is None and line[0].isalnum():
        return False  # a line of code or prose that has dots and such words in it
    return bool((dotted and _LEFT_OUT.search(plain)) or _SENTENCE.fullmatch(plain.removesuffix(" for brevity")))


def _inner(words: str) -> str:
    """Without the end of a comment, and without brackets around."""
    words = next((words.removesuffix(end) for end in _CLOSERS if words.endswith(end)), words).strip()
    if any(words.startswith(pair[0]) and words.endswith(pair[1]) for pair in _BRACKETS):
        words = words[1:-1].strip()
    return words
