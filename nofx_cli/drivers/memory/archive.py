"""The archive in memory, under the same contract as on disk."""

import threading
from collections.abc import Iterator

from nofx_cli.domain.exchanges import encode_entry
from nofx_cli.drivers.stored_archive import Decide, StoredArchive, is_damaged, listed, readable
from nofx_cli.ports.archive import ArchiveEntry
from nofx_cli.safety.masking import Masker


class MemoryArchive(StoredArchive):
    """Lives and dies with the process; shared by its threads. Only a test can damage it, by `spoil`."""

    def __init__(self, masker: Masker | None = None) -> None:
        super().__init__(masker)
        self._lock = threading.Lock()
        self._entries: dict[str, bytes] = {}
        self._aside: list[tuple[str, bytes]] = []

    def requests(self, prefix: str = "") -> Iterator[str]:
        return iter(sorted(request for request in self._entries if request.startswith(prefix)))

    def entries(self) -> Iterator[ArchiveEntry]:
        with self._lock:
            every = [*self._entries.items(), *self._aside]
        return (listed(data, request) for request, data in sorted(every))

    def remove_damaged(self) -> int:
        with self._lock:
            bad = {request: data for request, data in self._entries.items() if is_damaged(data, request)}
            freed = sum(map(len, bad.values())) + sum(len(data) for _, data in self._aside)
            self._aside.clear()
            for request in bad:
                del self._entries[request]
            return freed

    def content(self, request: str) -> bytes:
        """The bytes of an entry."""
        return self._entries[request]

    def spoil(self, request: str, data: bytes) -> None:
        """Let an entry have other bytes, as a disk that fails does."""
        self._entries[request] = data

    def _read(self, request: str) -> bytes | None:
        return self._entries.get(request)

    def _change(self, request: str, decide: Decide) -> int:
        with self._lock:
            data = self._entries.get(request)
            there = readable(data, request)
            made = decide(there)
            if made is None:
                return 0
            if data is not None and there is None:
                self._aside.append((request, data))
            kept = encode_entry(made) if made.exchanges else b""
            if kept:
                self._entries[request] = kept
            else:
                self._entries.pop(request, None)
            return len(data or b"") - len(kept)
