"""Who looks on while a run is executed."""

from collections.abc import Sequence
from typing import Protocol

from nofx_cli.domain.events import Event
from nofx_cli.domain.ids import StepName


class Observer(Protocol):
    """Told of everything as it happens, from several threads; must return quickly."""

    def events(self, events: Sequence[Event]) -> None:
        """Events that were committed, by this process or another, in order and once each."""
        ...

    def line(self, step: StepName, text: str) -> None:
        """The newest line of a running step's output."""
        ...

    def stopping(self) -> None:
        """Somebody asked the execution to stop."""
        ...


class WorkerObserver(Observer, Protocol):
    """Told of what happens to a worker process, too."""

    def note(self, text: str) -> None:
        """Something that who runs the worker should know."""
        ...

    def fault(self, text: str) -> None:
        """Something that hinders it, and what it does about it."""
        ...


class Silent:
    """Looks on and says nothing."""

    def events(self, events: Sequence[Event]) -> None:
        pass

    def line(self, step: StepName, text: str) -> None:
        pass

    def stopping(self) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def fault(self, text: str) -> None:
        pass
