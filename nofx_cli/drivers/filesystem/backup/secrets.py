"""Look for secrets in what is about to be copied.

Files were masked when they were written, with what was known then. A secret that became known since, or a file that
somebody put there, is found here. The digests of a run cover its files, so that nothing can be masked any more: the run
stays out as a whole.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from nofx_cli.domain.codec import holds_secrets
from nofx_cli.drivers.filesystem.backup.journal_copy import blocks_of, lines_of
from nofx_cli.drivers.filesystem.journal_file import JOURNAL
from nofx_cli.drivers.filesystem.run_store import PLAN
from nofx_cli.safety.masking import Masker
from nofx_cli.safety.masking_stream import REPLACEMENT

_SHORTEST_IN_A_PLAN = 12
"""A plan may hold shorter values: `engine.plan_secrets` tells why."""


class SecretSearch:
    """Looks with what a masker knows. `found` has the files in which something stood; without a masker nothing does."""

    def __init__(self, masker: Masker | None) -> None:
        self._masker = masker
        self.found: list[str] = []

    def stands_in(self, path: Path, size: int, *, told: str) -> bool:
        """Whether a secret stands in the first `size` bytes of a file, which is called `told`."""
        if self._masker is None or not self._masker.active:
            return False
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            holds = self._any(blocks_of(fd, size)) and self._counts(path.name, lines_of(blocks_of(fd, size)))
        finally:
            os.close(fd)
        if holds:
            self.found.append(told)
        return holds

    def _any(self, blocks: Iterable[bytes]) -> bool:
        assert self._masker is not None
        stream = self._masker.stream()
        for block in blocks:
            stream.feed(block)
            if stream.found:
                return True
        stream.flush()
        return stream.found

    def _counts(self, name: str, lines: Iterable[bytes]) -> bool:
        """What nofx itself would write there does not count: the names of steps, which may be short words."""
        assert self._masker is not None
        mask = self._masker.text
        if name == JOURNAL:
            return any(holds_secrets(line, mask) for line in lines)
        if name == PLAN:
            return any(self._hidden(line) >= _SHORTEST_IN_A_PLAN for line in lines)
        return True

    def _hidden(self, line: bytes) -> int:
        """How long what is masked in a line is; 0 where nothing is."""
        assert self._masker is not None
        text = line.decode(errors="backslashreplace")
        masked = self._masker.text(text)
        return len(text) - len(masked) + len(REPLACEMENT) if masked != text else 0
