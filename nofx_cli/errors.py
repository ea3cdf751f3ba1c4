"""Every error nofx reports to a person, and the exit codes of the command line.

NofxError
├── UsageError            2   wrong arguments
├── InvalidInput          3   a plan, its parameters or the settings are invalid
├── NotFound              4   no such run, step, artifact or plan
├── Conflict              5   somebody else changed it first, holds it, or it is stale
├── Denied                6   a policy or a person said no
│   └── PolicyDenied      6   a rule of the policy did
├── NeedsPerson           8   waits for a person
├── BudgetExhausted       7   a budget does not leave what a step needs
├── Unavailable          69   a service or a provider cannot be reached
├── StoreFailure         69   the store cannot be read or written (full disk, I/O error, read-only)
└── InternalFault        70   a fault in nofx itself

An error is data and never prints. `code` is unique and kebab-case; `hint` is the command or the edit
that mends it; `context` carries the values a program needs (run, step, path, holder, ...).
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Self

Context = Mapping[str, object]


class ExitCode(IntEnum):
    """The one table of exit codes; `docs/reference/exit-codes.md` is generated from it."""

    SUCCEEDED = 0, "the run succeeded, or the command did what it was asked"
    RUN_FAILED = 1, "the run failed or was cancelled"
    USAGE = 2, "wrong arguments"
    INVALID = 3, "plan, parameters or settings are invalid; nothing was created"
    NOT_FOUND = 4, "no such run, step, artifact or plan"
    CONFLICT = 5, "somebody else changed it first, holds it, or an approval is stale"
    DENIED = 6, "a policy denied it or a person rejected it"
    BUDGET_EXHAUSTED = 7, "a budget is exhausted"
    WAITING = 8, "the run waits for a person"
    UNAVAILABLE = 69, "a service, a provider or the store cannot be reached"
    FAULT = 70, "a fault in nofx; a report file was written and its path printed"
    INTERRUPTED = 130, "stopped by Ctrl-C (SIGINT)"
    TERMINATED = 143, "stopped by SIGTERM or SIGHUP"

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


class NofxError(Exception):
    """The root of the tree: what failed, why, and what mends it."""

    exit_code = ExitCode.FAULT
    default_code = "fault"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str = "",
        context: Context | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint
        self.context: Context = dict(context or {})


class UsageError(NofxError):
    exit_code = ExitCode.USAGE
    default_code = "usage"


class InvalidInput(NofxError):
    exit_code = ExitCode.INVALID
    default_code = "invalid"


class NotFound(NofxError):
    exit_code = ExitCode.NOT_FOUND
    default_code = "not-found"


class Conflict(NofxError):
    exit_code = ExitCode.CONFLICT
    default_code = "conflict"


class Denied(NofxError):
    exit_code = ExitCode.DENIED
    default_code = "denied"


class PolicyDenied(Denied):
    """A policy does not let a step do what its handler asked for; `context` has `rule` and `source`."""

    default_code = "policy-denied"


class NeedsPerson(NofxError):
    exit_code = ExitCode.WAITING
    default_code = "needs-person"


class BudgetExhausted(NofxError):
    """A call was not made because a budget does not leave what it can cost at most."""

    exit_code = ExitCode.BUDGET_EXHAUSTED
    default_code = "budget-exhausted"


class Unavailable(NofxError):
    exit_code = ExitCode.UNAVAILABLE
    default_code = "unavailable"


class StoreFailure(NofxError):
    exit_code = ExitCode.UNAVAILABLE
    default_code = "store-failure"


class InternalFault(NofxError):
    exit_code = ExitCode.FAULT
    default_code = "fault"
