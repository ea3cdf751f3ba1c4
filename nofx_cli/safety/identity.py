"""Which process, on which host, since which boot: what tells a process from a later one with the same pid.

The id of a worker says it all: `w-<host>-<host id>-<pid>-<process>-<n>`, where `<process>` stands for boot, start time
and pid. So one can tell of an id alone whether its process runs, though every file of it was deleted.
"""

import hashlib
import itertools
import os
import re
from functools import cache
from pathlib import Path

from nofx_cli.domain.ids import WorkerId
from nofx_cli.domain.record import record
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


@cache
def host_id() -> str:
    """Six hex digits for this machine: the same after a reboot. Containers differ from their host by their names."""
    return _short(_machine_id(), host())


def instance() -> str:
    """This very process, as a name for files: `<host id>-<pid>-<process>`."""
    pid = os.getpid()
    return f"{host_id()}-{pid}-{_process(pid)}"


def instance_runs(text: str) -> bool:
    """Whether the process that `instance` named runs; of another host it may, for all we know. Other texts: False."""
    found = re.fullmatch(_INSTANCE, text)
    if not found:
        return False
    machine, pid, process = found.groups()
    return machine != host_id() or _process(int(pid)) == process


@record
class WorkerName:
    """What the id of a worker tells. `host` is for people: it may be cut short."""

    host: str
    host_id: str
    pid: int
    process: str
    number: int


def worker_id() -> WorkerId:
    """A new id for this process as a worker; it is safe as the name of a file."""
    return WorkerId(f"w-{_plain_host()}-{instance()}-{next(_numbers)}")


def parse_worker_id(text: str) -> WorkerName | None:
    """Read what `worker_id` made, here or on another host; None of any other text."""
    found = re.fullmatch(_WORKER_ID, text)
    if not found:
        return None
    name, machine, pid, process, number = found.groups()
    return WorkerName(name, machine, int(pid), process, int(number))


def is_of_this_host(worker: WorkerName) -> bool:
    """Whether this machine is the one that the worker ran on, now or before a reboot."""
    return worker.host_id == host_id()


def worker_process_runs(worker: str) -> bool | None:
    """Whether the very process of a worker runs; None where it is one of another host. No worker's id: False."""
    name = parse_worker_id(worker)
    if name is None:
        return False
    if not is_of_this_host(name):
        return None
    return _process(name.pid) == name.process


_INSTANCE = r"([0-9a-f]{6})-([0-9]{1,10})-([0-9a-f]{6})"
_WORKER_ID = rf"w-([a-z0-9-]{{1,24}})-{_INSTANCE}-([0-9]{{1,10}})"
_numbers = itertools.count(1)


def _process(pid: int) -> str:
    """What stands in a worker's id for the process that has this pid now; empty where there is none."""
    process = look_up(pid)
    return _short(boot_id(), process.started, str(pid)) if process and not process.dead else ""


def _short(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:6]


def _plain_host() -> str:
    return re.sub(r"[^a-z0-9]+", "-", host().lower())[:24].strip("-") or "host"


def _machine_id() -> str:
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            return Path(path).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue
    return ""
