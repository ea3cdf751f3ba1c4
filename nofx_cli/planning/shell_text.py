"""Where in the text of a shell command a value may stand.

nofx quotes every value that it splices into a command, so that it is one word or a part of one. That protects only
where the shell reads quotes as quotes. It does not inside quotes, in a here-document, in arithmetic, in `${…}`, in
backticks, in a comment (a line break ends it), after a backslash or a `$`: there a value could break out, or come
out wrong. The scan knows POSIX `sh` and what bash adds to it. Where the two differ, or where it cannot follow, it
says no to all that comes after.
"""

import re

_UNSURE = "after quotes that nofx cannot follow"
_OBSTACLES = {
    "'": "inside single quotes",
    '"': "inside double quotes",
    "$'": "inside $'…' quotes",
    "`": "inside backticks",
    "${": "inside ${…}",
    "((": "inside arithmetic",
    "#": "in a comment",
    "<<": "in a here-document",
}
_PLAIN = {
    "$(": re.compile(r"[^\\'\"`$#()<\n]+"),
    '"': re.compile(r'[^\\"`$]+'),
    "`": re.compile(r"[^\\`]+"),
    "${": re.compile(r"[^\\}\"'`$]+"),
    "((": re.compile(r"[^\\()\"'`$]+"),
    "$'": re.compile(r"[^\\']+"),
}
_HERE_DOCUMENT = re.compile(r"<<(-?)[ \t]*((?:\\.|'[^'\n]*'|\"[^\"\n]*\"|[^\s;&|<>()'\"\\])*)")
_CASE = re.compile(r"\bcase\b")
_BEFORE_COMMENT = frozenset(" \t\n;&|()")


def _nests_unclosed(line: str) -> bool:
    """Whether something may begin in this line of a here-document that ends in another: shells do not agree on that."""
    for opening, closing in (("$(", ")"), ("${", "}")):
        if opening in line and line.count(opening[1]) != line.count(closing):
            return True
    return line.count("`") % 2 == 1


class ShellScan:
    """Takes the pieces of a command in order, and knows in which context the next one stands.

    `_open` is the stack of contexts; empty, or with `$(` on top, a command is read.
    """

    def __init__(self) -> None:
        self._open: list[str] = []
        self._parens: list[int] = [0]
        self._last = "\n"
        self._escaped = False
        self._unsure = False
        self._names_delimiter = False
        self._delimiters: list[tuple[bool, str, bool]] = []
        self._line = ""

    @property
    def obstacle(self) -> str:
        """Why a value may not stand here, in words; empty where it may."""
        if self._unsure:
            return _UNSURE
        if self._context != "$(":
            return _OBSTACLES[self._context]
        if self._escaped:
            return "after a backslash"
        if self._last == "$":
            return "after a `$`"
        return "in the name of a here-document" if self._names_delimiter else ""

    def value(self) -> None:
        """A quoted value stands here."""
        self._last = "'"
        self._escaped = self._names_delimiter = False

    def feed(self, text: str) -> None:
        """Literal text stands here."""
        place = 0
        while place < len(text):
            place += self._take(text, place)
            self._last = text[place - 1]

    @property
    def _context(self) -> str:
        return self._open[-1] if self._open else "$("

    def _take(self, text: str, place: int) -> int:
        """Take one token; how long it is."""
        context, char = self._context, text[place]
        self._names_delimiter = False
        if context == "<<":
            return self._take_here_document(text, place)
        if context == "#":
            return self._take_comment(text, place)
        if self._escaped:
            self._escaped = False
            self._unsure = self._unsure or (context == "$'" and char == "'")
            return 1
        if context == "'":
            return self._take_single_quotes(text, place)
        plain = _PLAIN[context].match(text, place)
        if plain:
            self._unsure = self._unsure or bool(self._open and context == "$(" and _CASE.search(plain[0]))
            return len(plain[0])
        if char == "\\":
            self._escaped = True
            return 1
        if text.startswith("$$", place):
            return 2
        if context == "$(":
            return self._take_command(text, place)
        return self._take_quoted(text, place, context)

    def _take_command(self, text: str, place: int) -> int:
        char = text[place]
        if char == "\n" and self._delimiters:
            return self._enter("<<", 1)
        if char == "#":
            return self._enter("#", 1) if self._last in _BEFORE_COMMENT else 1
        if char == "<":
            return self._take_less_than(text, place)
        for opening in ("$((", "((", "$(", "${", "$'"):
            if text.startswith(opening, place):
                return self._enter("((" if opening == "$((" else opening, len(opening))
        if char in "'\"`":
            return self._enter(char, 1)
        if char in "()":
            self._count_paren(char)
        return 1

    def _take_quoted(self, text: str, place: int, context: str) -> int:
        """In double quotes, backticks, `$'…'`, `${…}` or arithmetic: what ends it, and what begins inside it."""
        char = text[place]
        if char == {'"': '"', "`": "`", "$'": "'", "${": "}"}.get(context):
            self._open.pop()
            return 1
        if context == "((":
            return self._take_arithmetic(text, place)
        for opening in ("$((", "$(", "${"):
            if text.startswith(opening, place):
                return self._enter("((" if opening == "$((" else opening, len(opening))
        if context == "${" and char in "'\"":
            self._unsure = self._unsure or '"' in self._open
            return self._enter(char, 1)
        return self._enter(char, 1) if char == "`" else 1

    def _take_arithmetic(self, text: str, place: int) -> int:
        if text[place] in "()":
            self._count_paren(text[place])
        elif text[place] != "$" or text.startswith("$(", place):
            self._unsure = True
        return 1

    def _take_single_quotes(self, text: str, place: int) -> int:
        end = text.find("'", place)
        if end < 0:
            return len(text) - place
        self._open.pop()
        return end + 1 - place

    def _take_comment(self, text: str, place: int) -> int:
        end = text.find("\n", place)
        if end < 0:
            return len(text) - place
        self._open.pop()
        if self._delimiters:
            self._enter("<<", 1)
        return end + 1 - place

    def _take_less_than(self, text: str, place: int) -> int:
        if text.startswith("<<<", place):
            return 3
        found = _HERE_DOCUMENT.match(text, place)
        if not found:
            return 1
        delimiter = re.sub(r"\\(.)|['\"]", r"\1", found[2])
        self._delimiters.append((bool(found[1]), delimiter, delimiter == found[2]))
        self._names_delimiter = True
        return len(found[0])

    def _take_here_document(self, text: str, place: int) -> int:
        """A line of it; a piece may end in the middle of one."""
        end = text.find("\n", place)
        self._line += text[place:] if end < 0 else text[place:end]
        if end < 0:
            return len(text) - place
        strip_tabs, delimiter, expands = self._delimiters[0]
        if expands and _nests_unclosed(self._line):
            self._unsure = True
        if (self._line.lstrip("\t") if strip_tabs else self._line) == delimiter:
            del self._delimiters[0]
            if not self._delimiters:
                self._open.pop()
        self._line = ""
        return end + 1 - place

    def _enter(self, context: str, length: int) -> int:
        self._open.append(context)
        if context in ("$(", "(("):
            self._parens.append(1 if context == "((" else 0)
        return length

    def _count_paren(self, char: str) -> None:
        self._parens[-1] += 1 if char == "(" else -1
        if self._parens[-1] < 0 and self._open:
            self._open.pop()
            self._parens.pop()
        self._parens[-1] = max(self._parens[-1], 0)
