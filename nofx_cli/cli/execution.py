"""Execute a run in the foreground: the view, the signals, the result, the exit code."""

import queue
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nofx_cli.cli import result
from nofx_cli.cli.live.choose import choose_view
from nofx_cli.cli.output import note, out_json
from nofx_cli.domain.ids import StepName
from nofx_cli.engine.answer import Decision, answer
from nofx_cli.engine.exit_codes import exit_code_of
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.errors import ExitCode
from nofx_cli.wiring.session import Session
from nofx_cli.worker.attempts import Inbox, Stop
from nofx_cli.worker.executor import Ending
from nofx_cli.worker.inline import execute

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a run is to be executed. `stay` None: stay where a person sits at a terminal."""

    stay: bool | None = None
    rerun_interrupted: bool = False
    as_json: bool = False
    quiet: bool = False


def carry_out(session: Session, open_run: OpenRun, wishes: Wishes) -> int:
    """Execute the run until it ends or waits, tell how it stands, and give the exit code."""
    inbox: Inbox = queue.SimpleQueue()
    stay = wants_to_stay() if wishes.stay is None else wishes.stay

    def decide(step: StepName, decision: Decision, words: str, digest: str) -> None:
        answer(OpenRun.load(session.services, open_run.run), step, decision, note=words, digest=digest)

    view = choose_view(open_run, inbox=inbox, decide=decide, quiet=wishes.quiet, answers=stay)
    with view, _signals(inbox, view.stopping):
        ending = execute(open_run, observer=view, inbox=inbox, stay=stay, rerun_interrupted=wishes.rerun_interrupted)
    code = exit_code(ending)
    if wishes.as_json:
        out_json(result.as_json(ending.state, code))
    else:
        result.tell(ending.state)
        if ending.stale and code == ExitCode.CONFLICT:
            note("  an approval was stale: what would run is not what was approved; it was asked anew")
    return code


def wants_to_stay() -> bool:
    """Whether somebody can be waited for: both ends are a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def exit_code(ending: Ending) -> int:
    """That of the signal that stopped the execution; 5 where it waits because an approval was stale."""
    if ending.signal:
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
def _signals(inbox: Inbox, stopping: "object") -> Iterator[None]:
    def stop(number: int, _frame: object) -> None:
        inbox.put(Stop(signal.Signals(number).name))
        if callable(stopping):
            stopping()

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
