"""What a process writes, line by line, as somebody else makes it readable for the log.

What comes is masked already. It is masked once more afterwards: a line of JSON can spell a secret so that only who
reads the JSON knows it again.
"""

from nofx_cli.ports.processes import ShowLine
from nofx_cli.safety.masking import Masker

LONGEST_LINE = 8 * 1024 * 1024


class ShownLines:
    """The lines of one stream. Memory stays bounded: of a line that is too long nothing is kept."""

    def __init__(self, show: ShowLine, mask: Masker, *, of_stderr: bool) -> None:
        self._show, self._mask, self._of_stderr = show, mask, of_stderr
        self._pieces: list[bytes] = []
        self._bytes = 0
        self._too_long = False

    def feed(self, data: bytes) -> bytes:
        """What the log is to have of the lines that end in this piece."""
        *ends, rest = data.split(b"\n")
        shown = "".join(map(self._line, ends))
        self._keep(rest)
        return self._masked(shown)

    def flush(self) -> bytes:
        """The same of the last line, which has no end."""
        return self._masked(self._line(b"")) if self._bytes else b""

    def _keep(self, piece: bytes) -> None:
        if not piece:
            return
        self._bytes += len(piece)
        self._too_long = self._too_long or self._bytes > LONGEST_LINE
        if self._too_long:
            self._pieces.clear()
        else:
            self._pieces.append(piece)

    def _line(self, last: bytes) -> str:
        self._keep(last)
        line, size, too_long = b"".join(self._pieces), self._bytes, self._too_long
        self._pieces, self._bytes, self._too_long = [], 0, False
        if too_long:
            return f"[nofx: a line of {size} bytes was left out]\n"
        shown = self._show(line.removesuffix(b"\r").decode("utf-8", "replace"), self._of_stderr)
        return shown if not shown or shown.endswith("\n") else f"{shown}\n"

    def _masked(self, shown: str) -> bytes:
        return self._mask.text(shown).encode("utf-8", "backslashreplace") if shown else b""
