"""`nofx doctor` tells beforehand whether steps can be shut in."""

import pytest

from nofx_cli.safety import sandbox
from nofx_cli.safety.sandbox import Unavailable
from nofx_cli.safety.sandbox_means import Namespaces
from nofx_cli.wiring.doctor import machine
from nofx_cli.wiring.doctor.finding import Finding, ok, warn


def _told(found: object, monkeypatch: pytest.MonkeyPatch) -> Finding:
    monkeypatch.setattr(sandbox, "find_means", lambda: found)
    monkeypatch.setattr(machine, "version_of", lambda argv: "git version 2")
    (finding,) = (each for each in machine.checks({}) if each.check == "sandbox")
    return finding


def test_by_which_means(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _told(Namespaces(), monkeypatch) == ok("sandbox", "steps can be shut in, by user namespaces")


def test_why_not_and_what_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = _told(Unavailable("bubblewrap is not installed", "install bubblewrap"), monkeypatch)

    message = "a step with `sandbox` fails, unless that is optional: bubblewrap is not installed"
    assert finding == warn("sandbox", message, "install bubblewrap")
