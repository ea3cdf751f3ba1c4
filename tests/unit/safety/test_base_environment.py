import os

import pytest

from nofx_cli.safety.environment import base_environment
from nofx_cli.safety.globs import matches

SOURCE = {"PATH": "/bin", "HOME": "/h", "LANG": "de_DE", "TMPDIR": "/t", "CI": "1", "GH_TOKEN": "x", "GH_USER": "y"}


@pytest.mark.parametrize(
    ("allowed", "more"),
    [
        ((), set()),
        (("CI",), {"CI"}),
        (("GH_*", "NONE"), {"GH_TOKEN", "GH_USER"}),
        (("?I", "GH_[TX]*"), {"CI", "GH_TOKEN"}),
    ],
)
def test_four_variables_and_what_is_allowed(allowed: tuple[str, ...], more: set[str]) -> None:
    environment = base_environment(lambda name: any(matches(name, one) for one in allowed), SOURCE)

    assert set(environment) == {"PATH", "HOME", "LANG", "TMPDIR"} | more
    assert environment.items() <= SOURCE.items()


def test_what_is_missing_or_empty_has_a_default() -> None:
    environment = base_environment(None, {"PATH": ""})

    assert environment["LANG"] == "C.UTF-8"
    assert environment["TMPDIR"] == "/tmp"
    assert environment["PATH"] == os.defpath
    assert environment["HOME"].startswith("/")
