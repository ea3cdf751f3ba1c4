"""Execute a run in the foreground: the view, the signals, the result, the exit code."""

import queue
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self

from nofx_cli.cli import result
from nofx_cli.cli.live import LEFT, View, WatchedRun, choose_view
from nofx_cli.cli.live.telling import next_commands
from nofx_cli.cli.output import note, out_json
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.record import record
from nofx_cli.engine.exit_codes import exit_code_of
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.errors import ExitCode
from nofx_cli.wiring.session import Session
from nofx_cli.worker.attempts import Inbox, Stop
from nofx_cli.worker.executor import Ending
from nofx_cli.worker.inline import execute
from nofx_cli.worker.observer import Silent

if TYPE_CHECKING:
    from nofx_cli.engine.answer import Decision

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@record
class Wishes:
    """How a run is to be executed. `stay` None: stay where a person sits at a terminal."""

    stay: bool | None = None
    rerun_interrupted: bool = False
    as_json: bool = False
    quiet: bool = False


def execute_in_view(session: Session, open_run: OpenRun, wishes: Wishes) -> Ending:
    """Execute the run until it ends or waits, and show it meanwhile."""
    inbox: Inbox = queue.SimpleQueue()
    stay = wants_to_stay() if wishes.stay is None else wishes.stay
    with _view(session, open_run, inbox, wishes) as view, _signals(inbox):
        return execute(open_run, observer=view, inbox=inbox, stay=stay, rerun_interrupted=wishes.rerun_interrupted)


def carry_out(session: Session, open_run: OpenRun, wishes: Wishes) -> int:
    """Execute the run until it ends or waits, tell how it stands, and give the exit code."""
    ending = execute_in_view(session, open_run, wishes)
    code = exit_code(ending)
    if wishes.as_json:
        out_json(result.as_json(ending.state, code))
    elif wishes.quiet or not _one_terminal():
        result.tell(ending.state)
        if wishes.quiet:  # a view tells it by itself
            for command in next_commands(ending.state, open_run.run):
                note(f"next: {command}")
    return code


def _view(session: Session, open_run: OpenRun, inbox: Inbox, wishes: Wishes) -> View:
    if wishes.quiet:
        return Unseen()

    def keep(step: StepName, decision: "Decision", *, note: str, digest: str) -> None:
        from nofx_cli.engine.answer import answer

        answer(OpenRun.load(session.services, open_run.run), step, decision, note=note, digest=digest)

    folder = session.layout.run(open_run.run)
    watched = WatchedRun.of(open_run, inbox=inbox, shown=lambda path: (folder / path).read_text("utf-8"), answer=keep)
    return choose_view(watched)


class Unseen(Silent):
    """No view at all, for `--quiet`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def wants_to_stay() -> bool:
    """Whether somebody can be waited for: both ends are a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def _one_terminal() -> bool:
    """Whether the view was just seen where the result would be printed."""
    return sys.stdout.isatty() and sys.stderr.isatty()


def exit_code(ending: Ending) -> int:
    """That of the signal that stopped the execution; 5 where it waits because an approval was stale."""
    if ending.signal and ending.signal != LEFT:
        return ExitCode.INTERRUPTED if ending.signal == "SIGINT" else ExitCode.TERMINATED
    code = exit_code_of(ending.state)
    return ExitCode.CONFLICT if code is ExitCode.WAITING and ending.stale else code


def go_on_elsewhere(session: Session, open_run: OpenRun) -> bool:
    """Whether a living process executes the run, and will see what was appended; says so."""
    holder = session.services.liveness.holder(open_run.run)
    if holder is None:
        return False
    note(f"run {open_run.run} goes on in process {holder.pid} on {holder.host}")
    return True


@contextmanager
def _signals(inbox: Inbox) -> Iterator[None]:
    """Signals become messages to the executor. One that the caller ignores, as `nohup` does, stays ignored."""

    def stop(number: int, _frame: FrameType | None) -> None:
        inbox.put(Stop(signal.Signals(number).name))

    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
