"""Server-sent events, as far as models send them: cut out of bytes, whatever the chunks they come in."""

from collections.abc import Iterator

_FIELD = b"data"


class EventStream:
    """Takes bytes and gives the `data` of each event that is complete. Comments and other fields are passed over."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[str]:
        """The events that end in these bytes."""
        before = len(self._rest)
        self._rest += data
        if b"\n" not in data:
            return
        end = self._rest.rfind(b"\n", before)
        lines = bytes(self._rest[:end]).split(b"\n")
        del self._rest[: end + 1]
        for line in lines:
            yield from self._line(line.rstrip(b"\r"))

    def close(self) -> Iterator[str]:
        """What is left at the end of the stream, where the last event was not closed by an empty line."""
        yield from self._line(bytes(self._rest).rstrip(b"\r"))
        self._rest.clear()
        yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[str]:
        if not line:
            if self._data:
                yield b"\n".join(self._data).decode("utf-8", "replace")
                self._data.clear()
            return
        name, _, value = line.partition(b":")
        if name.strip() == _FIELD:
            self._data.append(value.removeprefix(b" "))
