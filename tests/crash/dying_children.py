"""What scripts have in common that let forked children die, and print a line of JSON for each."""

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping


class Countdown:
    """Counts steps; before the one that is chosen this process dies."""

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    def step(self, *_: object) -> None:
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def died(do: Callable[[], None], *, doomed: Callable[[], None]) -> bool:
    """Do something in a child in which `doomed` was called before; whether a signal ended it.

    Raises:
        SystemExit: it failed instead.
    """
    child = os.fork()
    if child == 0:
        doomed()
        try:
            do()
        except BaseException as exc:  # noqa: BLE001 - told by its status
            sys.stderr.write(f"the child failed: {exc!r}\n")
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a child failed")
    return os.WIFSIGNALED(status)


def tell(found: Mapping[str, object]) -> None:
    """A case, as a line of JSON."""
    sys.stdout.write(f"{json.dumps(found)}\n")
    sys.stdout.flush()
