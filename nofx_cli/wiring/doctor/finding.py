"""What one check found."""

from enum import StrEnum

from nofx_cli.domain.record import record


class Status(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@record
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
