"""What a text for a shell would run: every simple command in it, wherever it stands.

Compound commands, pipelines, lists, functions, here-documents and substitutions are gone through, and all simple
commands come out in one flat list: where one of them may not run, the text may not. Text that would be a fault of
syntax may be read as if it were none; the shell then refuses what was checked.

Raises `Undecidable` for what shells do not read alike, and for what nobody can tell before it runs.
"""

import re
from typing import ClassVar

from nofx_cli.domain.record import record
from nofx_cli.safety.shell_words import ANYTHING, Undecidable, Word, WordReader

_LONGEST = 256 * 1024
_NUMBER_OF_REDIRECTION = re.compile(r"[0-9]+(?=[<>])")
_ONE_ARITHMETIC = re.compile(r"\w+=\"?\$\(\([^'\"`{}\[\]]*\)\)\"?")
_ARITHMETIC_TESTS = frozenset(("-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-v", "-R"))
_CLOSERS = frozenset(("then", "elif", "else", "fi", "do", "done", "esac", "}", "in"))
_ONLY_BASH = frozenset(("[[", "function", "select", "coproc"))


@record
class SimpleCommand:
    """A program, a builtin or a function with its arguments, and the variables set for it."""

    words: tuple[Word, ...]
    assignments: tuple[Word, ...] = ()


@record
class Script:
    """All that a text runs.

    Attributes:
        commands: in the order of the text; conditions and loops are not followed.
        functions: the names that it defines; what they run is among the commands.
        sets: the variables that it sets, and to what.
        arithmetic: the names whose values take part in arithmetic.
    """

    commands: tuple[SimpleCommand, ...]
    functions: frozenset[str]
    sets: tuple[tuple[str, Word], ...]
    arithmetic: frozenset[str]


def read_script(text: str, *, bash: bool) -> Script:
    """Find all commands of a text that `sh`, or bash, is given.

    Raises:
        Undecidable: it has something whose meaning cannot be told beforehand.
    """
    if len(text) > _LONGEST or "\0" in text:
        raise Undecidable("it is too long, or holds a NUL character")
    parser = _Parser(text, bash=bash)
    try:
        parser.list_until("")
    except RecursionError:
        raise Undecidable("it is nested too deeply") from None
    return Script(tuple(parser.commands), frozenset(parser.functions), tuple(parser.sets), frozenset(parser.arithmetic))


class _Parser(WordReader):
    def __init__(self, text: str, *, bash: bool) -> None:
        super().__init__(text, bash=bash)
        self.commands: list[SimpleCommand] = []
        self.functions: set[str] = set()
        self._documents: list[tuple[bool, Word]] = []

    def substitution(self) -> None:
        if self._documents:
            raise Undecidable("a here-document is still open where another command begins")
        self.list_until(")")
        if self._documents:
            raise Undecidable("a here-document is still open where its command ends")

    def nested(self, text: str) -> None:
        inner = self._inner(text)
        inner.list_until("")

    def _inner(self, text: str) -> "_Parser":
        inner = _Parser(text, bash=self.bash)
        inner.commands, inner.functions = self.commands, self.functions
        inner.sets, inner.arithmetic = self.sets, self.arithmetic
        return inner

    def list_until(self, *closers: str) -> str:
        """Read commands until one of `closers`, and past it; the empty one is the end of the text."""
        while True:
            self._blanks()
            char = self.peek()
            closer = self._punctuation(char, closers)
            if closer is None and not self._operator_taken(char):
                closer = self._command(closers)
            if closer is not None:
                return closer

    def _punctuation(self, char: str, closers: tuple[str, ...]) -> str | None:
        if not char:
            if "" not in closers:
                raise Undecidable("something in it is not closed")
            if self._documents:
                self._here_documents()
            return ""
        if char == ")" or self.text.startswith(";;", self.at):
            found = ")" if char == ")" else ";;"
            if found not in closers or self.text.startswith(";;&", self.at):
                raise Undecidable(f"`{found}` closes nothing")
            self.at += len(found)
            return found
        return None

    def _operator_taken(self, char: str) -> bool:
        """Whether what stands here was an operator between commands; it was taken."""
        if char == "\n":
            self._newline()
        elif char == "(":
            self._subshell()
        elif char in ";&|":
            self.at += 1
            following = self.peek()
            if (char in ";|" and following == "&") or (char == "&" and following == ">"):
                self.only_bash(f"`{char}{following}`")
                if char != "|":
                    raise Undecidable(f"`{char}{following}` stands where a command begins")
                self.at += 1
        else:
            return False
        return True

    def _subshell(self) -> None:
        self.at += 1
        if self.peek() == "(":
            raise Undecidable("shells read `((` in different ways")
        self.list_until(")")

    def _blanks(self) -> None:
        """Blanks, and a comment: all callers stand where a word could begin."""
        while self.peek() in (" ", "\t"):
            self.at += 1
        if self.peek() == "#":
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end

    def _newline(self) -> None:
        self.at += 1
        if self._documents:
            self._here_documents()

    def _space(self) -> None:
        """Blanks, comments and ends of lines."""
        self._blanks()
        while self.peek() == "\n":
            self._newline()
            self._blanks()

    def _command(self, closers: tuple[str, ...]) -> str | None:
        """Read a simple command, or the beginning of a compound one; the closer, where it is one."""
        assignments: list[Word] = []
        words: list[Word] = []
        redirected = False
        while True:
            self._blanks()
            if self._at_end_of_command():
                break
            if self._redirection():
                redirected = True
                continue
            if self.peek() == "(":
                self._function_named(words)
                return None
            start = self.at
            word = self._next_word()
            if word.bare and not (words or assignments or redirected):
                if word.bare in closers:
                    return word.bare
                if self._reserved(word):
                    return None
            if word.assigns and not words:
                assignments.append(self._assignment(word, self.text[start : self.at]))
            else:
                words.append(word)
        self.commands.append(SimpleCommand(tuple(words), tuple(assignments)))
        return None

    def _at_end_of_command(self) -> bool:
        char = self.peek()
        return char in ("", "\n", ";", "|", ")") or (char == "&" and not self._both_outputs())

    def _both_outputs(self) -> bool:
        start = self.at
        found = self.ahead("&>")
        self.at = start
        if found:
            self.only_bash("`&>`")
        return found

    def _next_word(self) -> Word:
        start, documents = self.at, len(self._documents)
        word = self.word()
        if word is None:
            raise Undecidable("a word is missing")
        if documents and "\n" in self.text[start : self.at].replace("\\\n", ""):
            raise Undecidable("a line ends inside of quotes while a here-document is open")
        return word

    def _assignment(self, word: Word, written: str) -> Word:
        if self.peek() == "(" and word.known and word.text.endswith("="):
            self.only_bash("an array")
            self.at += 1
            self._words_until(")")
            word = Word(word.text, known=False, assigns=word.assigns)
        is_number = _ONE_ARITHMETIC.fullmatch(written) and written.count("$(") == 1
        self.sets.append((word.assigns, Word(f"{word.assigns}=0") if is_number else word))
        return word

    def _words_until(self, closer: str) -> None:
        self._space()
        while not self.ahead(closer):
            self._next_word()
            self._space()

    def _redirection(self) -> bool:
        number = _NUMBER_OF_REDIRECTION.match(self.text, self.at)
        if number:
            self.at = number.end()
        char = self.peek()
        if self.text[self.at : self.at + 2] in ("<(", ">(") or not (char == "&" or char in "<>"):
            return False
        if self.ahead("&>") or not self.ahead("<<"):
            while self.peek() in ("<", ">", "&", "|"):
                self.at += 1
            self._blanks()
            self._next_word()
        elif self.ahead("<"):
            self.only_bash("`<<<`")
            self._blanks()
            self._next_word()
        else:
            self._begin_here_document()
        return True

    def _begin_here_document(self) -> None:
        strip_tabs = self.ahead("-")
        self._blanks()
        start = self.at
        delimiter = self._next_word()
        if not delimiter.known or "\n" in self.text[start : self.at] or "$" in delimiter.text:
            raise Undecidable("the end of a here-document cannot be told")
        self._documents.append((strip_tabs, delimiter))

    def _here_documents(self) -> None:
        documents, self._documents = self._documents, []
        for strip_tabs, delimiter in documents:
            body, line, at_end = "", "", False
            while not at_end:
                line, at_end = self._line()
                if not delimiter.quoted and _is_continued(line):
                    raise Undecidable("shells read continued lines of a here-document in different ways")
                if (line.lstrip("\t") if strip_tabs else line) == delimiter.text:
                    break
                body += line + "\n"
            if not delimiter.quoted:
                self._inner(body).expansions()

    def _line(self) -> tuple[str, bool]:
        end = self.text.find("\n", self.at)
        line = self.text[self.at :] if end < 0 else self.text[self.at : end]
        self.at = len(self.text) if end < 0 else end + 1
        return line, end < 0 or self.at == len(self.text)

    def _function_named(self, words: list[Word]) -> None:
        """`name()`; its body is the command that follows."""
        self.at += 1
        self._blanks()
        if len(words) != 1 or not words[0].bare or not self.ahead(")"):
            raise Undecidable("a parenthesis stands where none can be")
        self.functions.add(words[0].bare)

    def _reserved(self, word: Word) -> bool:
        """Whether the word begins something compound, of which the beginning or all was read."""
        if word.bare in _ONLY_BASH:
            self.only_bash(f"`{word.bare}`")
        if word.bare in _CLOSERS:
            raise Undecidable(f"`{word.bare}` closes nothing")
        if word.bare == "coproc":
            raise Undecidable("a coprocess")
        read = self._COMPOUND.get(word.bare)
        if read:
            read(self)
        return read is not None

    def _if(self) -> None:
        self.list_until("then")
        while (closer := self.list_until("elif", "else", "fi")) != "fi":
            if closer == "elif":
                self.list_until("then")

    def _loop(self) -> None:
        self.list_until("do")
        self.list_until("done")

    def _for(self) -> None:
        self._blanks()
        if self.peek() == "(":
            raise Undecidable("`for ((` is arithmetic, which can run commands")
        name = self._next_word()
        self.sets.append((name.text, ANYTHING))
        self._space()
        if self.peek() == ";":
            self.at += 1
            self._space()
        word = self._next_word()
        if word.bare == "in":
            self._blanks()
            while self.peek() not in (";", "\n"):
                self._next_word()
                self._blanks()
            self._loop()
        elif word.bare == "do":
            self.list_until("done")
        else:
            raise Undecidable("a loop cannot be read")

    def _case(self) -> None:
        self._blanks()
        self._next_word()
        self._space()
        if self._next_word().bare != "in":
            raise Undecidable("a `case` cannot be read")
        closer = ""
        while closer != "esac":
            self._space()
            parenthesis = self.ahead("(")
            self._blanks()
            pattern = self._next_word()
            if pattern.bare == "esac" and not parenthesis:
                return
            self._blanks()
            while self.ahead("|"):
                self._blanks()
                self._next_word()
                self._blanks()
            if not self.ahead(")"):
                raise Undecidable("a `case` cannot be read")
            closer = self.list_until(";;", "esac")

    def _function(self) -> None:
        self._blanks()
        name = self._next_word()
        self._blanks()
        if self.peek() == "(":
            self._function_named([name])
        elif not name.bare:
            raise Undecidable("the name of a function cannot be told")
        else:
            self.functions.add(name.bare)

    def _condition(self) -> None:
        """`[[ … ]]`, where `<`, `&&` and parentheses are no operators of the shell."""
        words: list[Word] = []
        while True:
            self._space()
            if self.peek() in ("<", ">", "(", ")", "|", "&") and not self.text.startswith(("<(", ">("), self.at):
                self.at += 1
                continue
            word = self._next_word()
            if word.bare == "]]":
                break
            words.append(word)
        if any(word.text in _ARITHMETIC_TESTS for word in words):
            raise Undecidable("arithmetic inside of `[[` can run commands; write `[`")

    def _nothing(self) -> None:
        return

    _COMPOUND: ClassVar = {
        "!": _nothing,
        "{": lambda self: self.list_until("}"),
        "if": _if,
        "while": _loop,
        "until": _loop,
        "for": _for,
        "select": _for,
        "case": _case,
        "function": _function,
        "[[": _condition,
    }


def _is_continued(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1
