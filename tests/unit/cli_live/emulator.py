"""As much of a terminal as the canvas needs: a grid of characters, a cursor, and what is above in the scrollback."""

import io
import re

_CONTROL = re.compile(r"\x1b\[(\?)?(\d*)(?:;\d+)*([A-Za-z])")


class Emulator(io.StringIO):
    """A stream that shows what a terminal would; control sequences it does not know are errors."""

    def __init__(self, columns: int = 40, lines: int = 12, *, encoding: str = "utf-8") -> None:
        super().__init__()
        self.columns, self.lines, self._encoding = columns, lines, encoding
        self.grid: list[str] = [""]
        self.row = self.column = 0
        self.written: list[str] = []
        self.cursor_is_hidden = False

    @property
    def encoding(self) -> str:  # type: ignore[override] # a plain attribute in typeshed's base class
        return self._encoding

    def write(self, text: str) -> int:
        self.written.append(text)
        text.encode(self._encoding)
        place = 0
        while place < len(text):
            found = _CONTROL.match(text, place)
            if found:
                self._control(*found.groups())
                place = found.end()
            else:
                self._print(text[place])
                place += 1
        return len(text)

    def screen(self) -> list[str]:
        """The lines that stand in the terminal, scrollback included, without the empty end."""
        lines = [line.rstrip() for line in self.grid]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def narrow(self, columns: int) -> None:
        """Make it narrower: lines that are too long are folded, the cursor stays at its character."""
        folded: list[str] = []
        for number, line in enumerate(self.grid):
            parts = [line[at : at + columns] for at in range(0, len(line), columns)] or [""]
            if number == self.row:
                self.row = len(folded) + self.column // columns
            folded += parts
        self.columns, self.grid = columns, folded
        self.column %= columns

    def _print(self, sign: str) -> None:
        if sign == "\r":
            self.column = 0
        elif sign == "\n":
            self.row += 1
            self.grid += [""] * (self.row + 1 - len(self.grid))
        else:
            assert self.column < self.columns, "a line is wider than the terminal"
            line = self.grid[self.row].ljust(self.column)
            self.grid[self.row] = line[: self.column] + sign + line[self.column + 1 :]
            self.column += 1

    def _control(self, private: str | None, number: str, letter: str) -> None:
        count = int(number or 1)
        if letter == "A":
            top = max(len(self.grid) - self.lines, 0)
            self.row = max(self.row - count, top)
        elif letter == "K":
            self.grid[self.row] = "" if number == "2" else self.grid[self.row][: self.column]
        elif letter == "J":
            self.grid[self.row] = self.grid[self.row][: self.column]
            del self.grid[self.row + 1 :]
        elif private and number == "25":
            self.cursor_is_hidden = letter == "l"
        else:
            assert letter == "m" or (private and number == "7"), f"unknown: {number}{letter}"
