"""Which process, on which host, since which boot: what tells a process from a later one with the same pid."""

import os
from functools import cache
from pathlib import Path

from nofx_cli.safety.process_table import ask, look_up


@cache
def boot_id() -> str:
    """What changes with every boot of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ask("sysctl", "-n", "kern.boottime")


def started(pid: int) -> str:
    """When a process started, in whatever unit the system keeps; empty when there is no such process."""
    process = look_up(pid)
    return process.started if process else ""


def host() -> str:
    """The name of this machine."""
    return os.uname().nodename
