"""What one check found."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` is the command or the edit that mends it, empty where nothing is to mend."""

    check: str
    status: Status
    told: str
    remedy: str = ""


def ok(check: str, told: str, remedy: str = "") -> Finding:
    return Finding(check, Status.OK, told, remedy)


def warn(check: str, told: str, remedy: str = "") -> Finding:
    return Finding(check, Status.WARN, told, remedy)


def fail(check: str, told: str, remedy: str = "") -> Finding:
    return Finding(check, Status.FAIL, told, remedy)
