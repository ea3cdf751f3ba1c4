"""What is held until it is released: a block of `with` does that at its end."""

from types import TracebackType
from typing import Self


class UntilReleased:
    """Gives `release` the form of a context manager."""

    def release(self) -> None:
        """Let it go. May be called twice."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
