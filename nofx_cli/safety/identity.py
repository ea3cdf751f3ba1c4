"""Which process, on which host, since which boot: what tells a process from a later one with the same pid."""

import os
import sys
from functools import cache
from pathlib import Path

_START_FIELD = 19  # of /proc/<pid>/stat, counted behind the command's closing bracket: field 22 of proc(5)


@cache
def boot_id() -> str:
    """What changes with every boot of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return _ask("sysctl", "-n", "kern.boottime")


def started(pid: int) -> str:
    """When a process started, in whatever unit the system keeps; empty when there is no such process."""
    if sys.platform.startswith("linux"):
        try:
            with open(f"/proc/{pid}/stat", "rb") as stat:
                return stat.read().rpartition(b")")[2].split()[_START_FIELD].decode()
        except (OSError, IndexError):
            return ""
    return _ask("ps", "-o", "lstart=", "-p", str(pid))


def host() -> str:
    """The name of this machine."""
    return os.uname().nodename


def _ask(*argv: str) -> str:
    import subprocess

    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
