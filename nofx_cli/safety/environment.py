"""The environment of child processes: as little as programs need, and what the policy allows."""

import os
from collections.abc import Callable, Mapping

_ALWAYS = ("PATH", "HOME", "LANG", "TMPDIR")


def base_environment(sees: Callable[[str], bool] | None, source: Mapping[str, str]) -> dict[str, str]:
    """PATH, HOME, LANG and TMPDIR, and every variable of `source` whose name `sees` lets through (None: no other).

    The four are always there: where `source` has none (or an empty one), with a default.
    """
    environment = {name: value for name, value in source.items() if sees(name)} if sees else {}
    for name in _ALWAYS:
        environment[name] = source.get(name) or _default(name)
    return environment


def _default(name: str) -> str:
    match name:
        case "PATH":
            return os.defpath
        case "HOME":
            home = os.path.expanduser("~")
            return home if home.startswith("/") else "/"
        case "LANG":
            return "C.UTF-8"
        case _:
            return "/tmp"  # noqa: S108 - the default of TMPDIR, as POSIX has it; no file is made here
