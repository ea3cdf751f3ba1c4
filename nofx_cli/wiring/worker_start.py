"""Start a worker that lives on without us: a process in a session of its own, with its output in a file.

The new process says over a pipe that it is a worker, and under which id; only then it takes its output to its log.
What it says instead, when it cannot become one, is told to who asked.
"""

import os
import re
import sys
from contextlib import suppress
from pathlib import Path

from nofx_cli import errors
from nofx_cli.clock import format_at
from nofx_cli.domain.ids import WorkerId
from nofx_cli.engine.context import marks
from nofx_cli.wiring.session import Session

READY = "ready "
_LOGS_KEPT = 20
_OF_A_STEP = frozenset({*marks("", "", 0), "NOFX_IDEMPOTENCY_KEY", "NOFX_OUTPUT", "NOFX_ARTIFACTS"})  # type: ignore[arg-type]


def start_worker(session: Session, *, concurrency: int) -> WorkerId:
    """Start one, and wait until it is registered.

    Raises:
        errors.StoreFailure: it ended instead (code `worker-not-started`); the message is what it said.
    """
    argv = [sys.executable, "-P", "-m", "nofx_cli", "worker", "--detached", "--concurrency", str(concurrency)]
    environ = {name: value for name, value in session.services.environ.items() if name not in _OF_A_STEP}
    environ["NOFX_HOME"] = str(session.settings.store.value)
    reading, writing = os.pipe()
    try:
        null = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
        streams = [null, (os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_DUP2, writing, 2)]
        os.posix_spawn(sys.executable, argv, environ, file_actions=streams, setsid=True)
    finally:
        os.close(writing)
    with open(reading, encoding="utf-8", errors="backslashreplace") as told:
        said = told.read()
    last = said.strip().rpartition("\n")[2]
    if not last.startswith(READY):
        raise _not_started(said)
    return WorkerId(last.removeprefix(READY))


def _not_started(said: str) -> errors.StoreFailure:
    """What the new process told as an error of its own becomes ours."""
    message, _, rest = said.strip().partition("\n  hint: ")
    why = re.sub(r"^error\[[a-z-]+\]: ", "", message) or "it ended without a word"
    return errors.StoreFailure(
        f"the worker was not started: {why}",
        code="worker-not-started",
        hint=rest or "see what it says in the foreground: nofx worker",
    )


def log_of_worker(session: Session) -> Path:
    """Where a detached worker of this process writes; logs of earlier ones are taken away, but for the newest.

    Raises:
        errors.StoreFailure: the folder cannot be made.
    """
    session.layout.prepare()
    folder = session.layout.root / "workers"
    at = format_at(session.services.clock.now_us())
    stamp = at[:19].replace("-", "").replace(":", "").replace("T", "-")
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        for old in sorted(folder.glob("*.log"))[:-_LOGS_KEPT]:
            old.unlink(missing_ok=True)
    return folder / f"{stamp}-{os.getpid()}.log"


def detach(worker: WorkerId, log: Path) -> None:
    """In the new process: say that it is a worker, and write to its log from now on."""
    sys.stdout.write(f"{READY}{worker}\n")
    fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    for stream in (1, 2):
        os.dup2(fd, stream)
    os.close(fd)
