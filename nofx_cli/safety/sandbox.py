"""Shut the processes of a step in: no network, and a file system of which they can write only what the plan names.

What it keeps a process from: reaching anything over the network, writing anywhere but where it may, gaining
privileges, looking into processes outside (their memory and environment), having the terminals, sockets and temporary
files of this machine. What it does not: reading what the user may read, sending signals to the user's processes, and
using up time and memory.

- `sandbox_layout` works out the places; `sandbox_means` are the two ways to have them; `sandbox_launch` starts.
- `sandbox_launcher`, `sandbox_enter` and `sandbox_kernel` run in the process that is started, alone in a Python of
  its own: nothing of them may be done in a process with threads, as nofx is one.

The launcher is started with an environment of marks only, by which its processes are found after a crash. There is no
namespace of pids for the same reason: who nofx ends must have the same number inside and outside.

It fails closed: without a sandbox nothing runs, unless the plan says `optional`.
"""

import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeAlias

from nofx_cli import errors
from nofx_cli.domain.policy import Sandbox
from nofx_cli.domain.record import record
from nofx_cli.safety.sandbox_launch import Means


@record
class Unavailable:
    """Why this machine cannot shut processes in, and what mends that."""

    why: str
    remedy: str

    def denied(self, sandbox: Sandbox) -> errors.Denied:
        """The error of a step that must be shut in."""
        return errors.Denied(
            f"the step must run in a sandbox, and there is none: {self.why}",
            code="sandbox-unavailable",
            hint=f"{self.remedy}; or `sandbox.optional: true`, to run it without where there is none",
            context={"sandbox": sandbox.source},
        )


FindMeans: TypeAlias = Callable[[], Means | Unavailable]


@cache
def find_means() -> Means | Unavailable:
    """The means that this machine has, tried out. It is asked once in the life of this process."""
    if not sys.platform.startswith("linux"):
        return Unavailable(f"nofx has none for {sys.platform}", "run it on Linux")
    from nofx_cli.safety.sandbox_means import Bubblewrap, Namespaces

    return first_that_works([Bubblewrap(), Namespaces()])


def first_that_works(candidates: Sequence[Means]) -> Means | Unavailable:
    """The first of the means that works here."""
    reasons, remedies = [], []
    for means in candidates:
        why, remedy = means.why_not()
        if not why:
            return means
        reasons.append(why)
        remedies.append(remedy)
    return Unavailable("; ".join(reasons), "; or ".join(dict.fromkeys(remedies)))
