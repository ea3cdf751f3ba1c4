"""Standard output as a terminal, without one."""

import pytest
from typer.testing import _NamedTextIOWrapper


def pretend_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the streams of a command that is run in this process say that they are a terminal."""
    monkeypatch.setattr(_NamedTextIOWrapper, "isatty", lambda stream: True)
