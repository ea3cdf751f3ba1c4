"""A plugin of pytest that `gate:unit` loads into the project's own environment: it says what no report of pytest does.

Beside the JUnit report (`<report>.session`, and one more for each worker of pytest-xdist) it writes how many tests
were collected and left out, how many ran, and why the session ended before its end, if it did. It is imported there by
whatever Python and pytest the project has, so it needs nothing but these, and no new syntax.
"""

import json
from typing import Any

import pytest


class Witness:
    """What is seen of one session, in the main process or in a worker."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.seen: dict[str, Any] = {"collected": 0, "left_out": 0, "ended": "", "broke": ""}
        self.ran: set[str] = set()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> Any:
        """Count around all others: `-k`, `-m`, plugins and a `conftest.py` take tests out here."""
        found = len(items)
        yield
        self.seen["collected"] += len(items)
        self.seen["left_out"] += max(found - len(items), 0)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_collection(self) -> Any:
        outcome = yield
        if outcome.excinfo is not None and issubclass(outcome.excinfo[0], pytest.UsageError):
            self.seen["broke"] = str(outcome.excinfo[1])

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.ran.add(report.nodeid)

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """Also called for `pytest.exit`, whatever exit code it asks for."""
        self.seen["ended"] = _told(excinfo)

    def pytest_internalerror(self, excinfo: Any) -> None:
        self.seen["broke"] = _told(excinfo)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump({**self.seen, "ran": len(self.ran)}, file)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """Watch the session of the gate; and no debugger, which nobody sees: a test that is quit in it passes."""
    report = getattr(config.option, "xmlpath", None)
    if not report:
        return
    config.option.trace = config.option.usepdb = False
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    config.pluginmanager.register(Witness(report + "." + worker + "session"), "nofx-witness-of-session")


def _told(excinfo: Any) -> str:
    lines = str(excinfo.value).strip().splitlines()
    return str(excinfo.typename) + (": " + lines[0][:500] if lines else "")
