"""Words of a shell: what is known of each before it runs, and what is not.

The reader goes through quotes and expansions as POSIX `sh` and bash do. Commands inside `$(…)`, backticks and
process substitutions are read too. What `sh` means differs between machines (dash, bash, ash): text that these read
differently is not decided but refused.
"""

import re
from abc import ABC, abstractmethod

from nofx_cli.domain.record import record

_ENDS = frozenset(" \t\n;&|<>()")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ARITHMETIC = re.compile(r"(?:[\w\s+\-*/%<>=!&|^~?:(),]|\$(?=[A-Za-z_#?]))*")
_SUBSCRIPT = re.compile(r"\[(?:[@*]|[0-9]+)\]")
_OFFSET = re.compile(r"[0-9: \-]*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "E": "\x1b"}
_ANSI = re.compile(r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|(.))", re.DOTALL)


class Undecidable(Exception):
    """What would run cannot be told beforehand; the message says why, as a part of a sentence."""


@record
class Word:
    """One argument, as far as it is known before the shell runs.

    Attributes:
        text: what it is; where it is not `known`, only how it begins.
        many: it may become several arguments, or none.
        quoted: a part of it was quoted, so it is no reserved word.
        assigns: the variable, where it reads `NAME=…`.
    """

    text: str
    known: bool = True
    many: bool = False
    quoted: bool = False
    assigns: str = ""

    @property
    def bare(self) -> str:
        """Its text where it is known and nothing of it is quoted: what may be a reserved word."""
        return self.text if self.known and not self.quoted else ""

    @property
    def maybe_option(self) -> bool:
        """Whether it is, or might turn out to be, an option."""
        return self.text.startswith("-") or not (self.known or self.text)

    def __str__(self) -> str:
        return self.text if self.known else f"{self.text}…"


ANYTHING = Word("", known=False, many=True)
"""Any number of arguments that nobody knows."""


class _Making:
    """A word while it is read."""

    def __init__(self) -> None:
        self.text, self.assigns = "", ""
        self.known, self.many, self.quoted = True, False, False
        self.bracket, self.braced = -1, False

    def add(self, text: str) -> None:
        if self.known:
            self.text += text

    def lose(self, *, many: bool) -> None:
        self.known = False
        self.many = self.many or many

    def word(self) -> Word:
        return Word(self.text, known=self.known, many=self.many, quoted=self.quoted, assigns=self.assigns)


class WordReader(ABC):
    """Reads words from `text` at `at`; the parser of commands is built on it."""

    def __init__(self, text: str, *, bash: bool) -> None:
        self.text, self.at, self.bash = text, 0, bash
        self.arithmetic: set[str] = set()
        self.sets: list[tuple[str, Word]] = []
        """Variables that the text sets, and to what."""

    @abstractmethod
    def substitution(self) -> None:
        """Read commands up to the `)` that closes them."""

    @abstractmethod
    def nested(self, text: str) -> None:
        """Read commands from another text, such as that between backticks."""

    def peek(self) -> str:
        """The next character, behind lines that are continued; empty at the end."""
        while self.text.startswith("\\\n", self.at):
            self.at += 2
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        char = self.peek()
        if not char:
            raise Undecidable("it ends in the middle of a quote or of an expansion")
        self.at += 1
        return char

    def escaped(self) -> str:
        """The character behind a backslash, as it stands: a line that is continued is none."""
        self.at += 1
        if self.at > len(self.text):
            raise Undecidable("it ends in a backslash")
        return self.text[self.at - 1]

    def ahead(self, expected: str) -> bool:
        """Take exactly these characters, or nothing."""
        start = self.at
        for char in expected:
            if self.peek() != char:
                self.at = start
                return False
            self.at += 1
        return True

    def only_bash(self, what: str) -> None:
        if not self.bash:
            raise Undecidable(f"not every `sh` reads {what} the same way; say `shell: bash`")

    def word(self) -> Word | None:
        """The word that begins here; None where none does."""
        making, start = _Making(), self.at
        while (char := self.peek()) and (char not in _ENDS or self._process_substitution(making)):
            if char not in _ENDS:
                self.at += 1
                self._part(making, char)
        if self.at == start:
            return None
        if making.braced and self.peek() in ("<", ">"):
            raise Undecidable("a redirection sets a variable")
        return making.word()

    def _process_substitution(self, making: _Making) -> bool:
        if self.text[self.at : self.at + 2] not in ("<(", ">("):
            return False
        self.only_bash("`<(…)`")
        self.at += 2
        self.substitution()
        making.lose(many=False)
        return True

    def _part(self, making: _Making, char: str) -> None:
        match char:
            case "'":
                self._single_quotes(making)
            case '"':
                self._double_quotes(making)
            case "\\":
                making.quoted = True
                making.add(self.escaped())
            case "$":
                self._dollar(making, quoted=False)
            case "`":
                self._backticks(making, quoted=False)
            case _:
                self._plain(making, char)

    def _plain(self, making: _Making, char: str) -> None:
        if char == "]" and making.bracket >= 0 and making.known:
            making.text = making.text[: making.bracket]
        if char in "*?" or (char == "]" and making.bracket >= 0):
            making.lose(many=True)
        elif char == "{" and self.peek() not in ("", "}", *_ENDS):
            making.braced = making.braced or not making.text
            making.lose(many=True)
        elif char == "~" and making.text[-1:] in ("", "=", ":"):
            making.lose(many=False)
        elif char == "=" and making.known and not making.quoted and not making.assigns:
            name = making.text.removesuffix("+")
            making.assigns = name if _NAME.fullmatch(name) else ""
        elif char == "[" and making.known and making.bracket < 0:
            making.bracket = len(making.text)
        making.add(char)

    def _single_quotes(self, making: _Making) -> None:
        end = self.text.find("'", self.at)
        if end < 0:
            raise Undecidable("a quote is not closed")
        making.quoted = True
        making.add(self.text[self.at : end])
        self.at = end + 1

    def _double_quotes(self, making: _Making) -> None:
        making.quoted = True
        while (char := self.take()) != '"':
            if char == "\\":
                following = self.escaped()
                making.add(following if following in '$`"\\' else char + following)
            elif char == "$":
                self._dollar(making, quoted=True)
            elif char == "`":
                self._backticks(making, quoted=True)
            else:
                making.add(char)

    def expansions(self) -> None:
        """Read all of the text as that of a here-document, for the commands inside it."""
        making = _Making()
        while self.peek():
            char = self.take()
            if char == "\\":
                self.escaped()
            elif char == "$":
                self._dollar(making, quoted=True)
            elif char == "`":
                self._backticks(making, quoted=True)

    def _dollar(self, making: _Making, *, quoted: bool) -> None:
        char = self.peek()
        if self.ahead("(("):
            self._arithmetic()
            making.lose(many=not quoted)
        elif self.ahead("("):
            self.substitution()
            making.lose(many=not quoted)
        elif self.ahead("{"):
            self._parameter(quoted=quoted)
            making.lose(many=True)
        elif char == "[":
            raise Undecidable("`$[…]` is arithmetic of old shells")
        elif char == "'" and not quoted:
            self._ansi_quotes(making)
        elif char == '"' and not quoted:
            making.lose(many=False)
        elif char and (char.isalnum() or char in "_@*#?-$!"):
            self._variable(making, char, quoted=quoted)
        else:
            making.add("$")

    def _variable(self, making: _Making, char: str, *, quoted: bool) -> None:
        self.at += 1
        while (
            (char.isalpha() or char == "_") and (following := self.peek()) and (following.isalnum() or following == "_")
        ):
            self.at += 1
        making.lose(many=not quoted or char == "@")

    def _ansi_quotes(self, making: _Making) -> None:
        self.only_bash("`$'…'`")
        self.at += 1
        start = self.at
        while (char := self.text[self.at : self.at + 1]) != "'":
            if not char:
                raise Undecidable("a quote is not closed")
            self.at += 2 if char == "\\" else 1
        raw = self.text[start : self.at]
        self.at += 1
        making.quoted = True
        decoded = _ANSI.sub(_unescaped, raw)
        if "\\c" in raw or "\0" in decoded or not decoded.isascii():
            making.lose(many=False)
        making.add(decoded)

    def _backticks(self, making: _Making, *, quoted: bool) -> None:
        inner = ""
        while (char := self.take()) != "`":
            if char == "\\":
                following = self.escaped()
                inner += following if following in ('$`\\"' if quoted else "$`\\") else char + following
            else:
                inner += char
        self.nested(inner)
        making.lose(many=not quoted)

    def _arithmetic(self) -> None:
        """Names in it are noted: bash runs commands that stand in the value of one of them."""
        found = _ARITHMETIC.match(self.text, self.at)
        inside = found[0] if found else ""
        end, depth = 0, 1
        while depth and end < len(inside):
            depth += {"(": 1, ")": -1}.get(inside[end], 0)
            end += 1
        if depth or not inside.startswith(")", end):  # else bash may read `$((a) | (b))` as commands
            raise Undecidable("arithmetic with more than numbers and names in it can run commands")
        self.at += end + 1
        self.arithmetic.update(_NAME.findall(re.sub(r"\b0[xX][0-9A-Fa-f]+|\b[0-9]+#\w+", "0", inside[:end])))

    def _parameter(self, *, quoted: bool) -> None:
        if self.peek() == "!":
            raise Undecidable("`${!…}` names a variable by another one")
        if self.peek() == "#" and not self.text.startswith("}", self.at + 1):
            self.at += 1
        name = self._parameter_name()
        if self.peek() == "[":
            subscript = _SUBSCRIPT.match(self.text, self.at)
            if not subscript:
                raise Undecidable("a subscript can run commands")
            self.at = subscript.end()
        self._operator(name)
        self._operand(quoted=quoted)

    def _parameter_name(self) -> str:
        self.peek()
        found = _NAME.match(self.text, self.at) or re.compile(r"[0-9]+|[@*#?$!-]").match(self.text, self.at)
        if not found:
            raise Undecidable("an expansion cannot be read")
        self.at = found.end()
        return found[0]

    def _operator(self, name: str) -> None:
        char = self.peek()
        if char == "@" and not self.ahead("@Q}"):
            raise Undecidable("`${…@…}` can run commands")
        if char == "@":
            self.at -= 1
        if self.ahead(":=") or self.ahead("="):
            self.sets.append((name, ANYTHING))
        elif self.ahead(":"):
            if self.peek() in ("-", "+", "?"):
                self.at += 1
            elif not _follows(_OFFSET, self.text, self.at, "}"):
                raise Undecidable("an offset can run commands")

    def _operand(self, *, quoted: bool) -> None:
        making = _Making()
        while (char := self.take()) != "}":
            if char in "'\"\\" and quoted:
                raise Undecidable("shells read quotes inside of `${…}` in different ways")
            if char in "<>":
                continue
            self._part(making, char)


def _unescaped(found: "re.Match[str]") -> str:
    octal, short, middle, long, char = found.groups()
    if octal:
        return chr(int(octal, 8))
    digits = short or middle or long
    if digits:
        return chr(min(int(digits, 16), 0x10FFFF))
    return _ESCAPES.get(char, char if char in "\\'\"?" else "\\" + char)


def _follows(pattern: "re.Pattern[str]", text: str, at: int, closing: str) -> bool:
    found = pattern.match(text, at)
    return found is not None and text.startswith(closing, found.end())
