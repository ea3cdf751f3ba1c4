"""How data stands in a prompt: fenced, so that nothing in it can end its fence, and within a bound of tokens.

The fence of a text carries a digest of that text. A text would have to hold its own digest to end it.
"""

import json

from nofx_cli.domain.ids import digest_of_bytes

_BYTES_A_TOKEN = 3
_MARK = 16


def tokens_of(text: str) -> int:
    """About how many tokens a text has; rather too many than too few, for code as for prose in any script."""
    return -(-len(text.encode("utf-8", "backslashreplace")) // _BYTES_A_TOKEN)


def bytes_of(tokens: int) -> int:
    """How many bytes that many tokens are."""
    return tokens * _BYTES_A_TOKEN


def fenced(kind: str, name: str, text: str) -> str:
    """A text as data.

    Args:
        kind: what it is, such as `file`.
        name: of whatever characters; it is quoted.
    """
    whole = f"{kind}\0{name}\0{text}".encode("utf-8", "backslashreplace")
    mark = digest_of_bytes(whole)[:_MARK]
    head = f"{kind}={json.dumps(name, ensure_ascii=not name.isprintable())}" if name else kind
    if text.endswith("\n") or not text:
        return f"<data {mark} {head}>\n{text}</data {mark}>"
    return f"<data {mark} {head} without-newline-at-its-end>\n{text}\n</data {mark}>"


class Room:
    """How many tokens of context are left."""

    def __init__(self, tokens: int) -> None:
        self.most = self.left = tokens

    def take(self, text: str) -> bool:
        """Use up what a text needs; False where it does not fit, and then nothing is used."""
        needed = tokens_of(text)
        if needed > self.left:
            return False
        self.left -= needed
        return True
