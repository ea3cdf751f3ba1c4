"""Execute a run in the foreground: the view, the signals, the result, the exit code."""

import os
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from nofx_cli.cli import result
from nofx_cli.cli.ci import in_ci
from nofx_cli.cli.exports import Exports
from nofx_cli.cli.github import on_github
from nofx_cli.cli.github.fence import fenced
from nofx_cli.cli.leaving import goes_to_workers, leave, tell_left
from nofx_cli.cli.live import LEFT, View, WatchedRun, choose_view
from nofx_cli.cli.live.telling import next_commands
from nofx_cli.cli.notified import notified
from nofx_cli.cli.output import note, out_json, safe, tell_error
from nofx_cli.cli.signals import signals_to
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.record import record
from nofx_cli.engine.exit_codes import exit_code_of
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.errors import ExitCode, NofxError
from nofx_cli.wiring.session import Session
from nofx_cli.worker.attempts import Inbox
from nofx_cli.worker.executor import Ending
from nofx_cli.worker.inline import execute
from nofx_cli.worker.observer import Silent

if TYPE_CHECKING:
    from nofx_cli.cli.github.fence import Fence
    from nofx_cli.engine.answer import Decision


@record
class Wishes:
    """How a run is to be executed. `stay` None: stay where a person sits at a terminal.

    With `stay` and `patience_ms`, so long each time. `evidence` is a folder to write, empty for none.
    `detach` leaves it to a worker; one is started where none lives, unless `start_worker` is False.
    """

    stay: bool | None = None
    rerun_interrupted: bool = False
    as_json: bool = False
    quiet: bool = False
    detach: bool = False
    start_worker: bool = True
    exports: Exports = Exports()
    patience_ms: float | None = None
    evidence: str = ""


def carry_on(session: Session, open_run: OpenRun, wishes: Wishes) -> int:
    """Execute the run here, or leave it to a worker, as flag and settings say; gives the exit code."""
    if not goes_to_workers(session, open_run, detach=wishes.detach):
        return carry_out(session, open_run, wishes)
    left = leave(session, open_run, start_worker=wishes.detach and wishes.start_worker)
    tell_unwritten(open_run, *wishes.exports.wanted.values(), wishes.evidence)
    return tell_left(left, as_json=wishes.as_json, quiet=wishes.quiet)


def tell_unwritten(open_run: OpenRun, *places: str) -> None:
    """Say of what was to be written (empty for nothing) that it is not, since the run is executed elsewhere."""
    for place in filter(None, places):
        later = f"nofx gates report {open_run.run}"
        note(f"{safe(place)} is not written: the run is not executed here; afterwards: {later}")


def execute_in_view(session: Session, open_run: OpenRun, wishes: Wishes) -> Ending:
    """Execute the run until it ends or waits, and show it meanwhile."""
    inbox: Inbox = Inbox()
    stay = wants_to_stay() if wishes.stay is None else wishes.stay
    fence = fenced(session.services.environ, sys.stderr)
    with fence as lifts, _view(session, open_run, inbox, wishes, lifts) as view, signals_to(inbox):
        return execute(
            open_run,
            observer=view,
            inbox=inbox,
            stay=stay,
            patience_ms=wishes.patience_ms,
            rerun_interrupted=wishes.rerun_interrupted,
        )


def carry_out(session: Session, open_run: OpenRun, wishes: Wishes) -> int:
    """Execute the run until it ends or waits, tell how it stands, and give the exit code."""
    with notified(session, open_run.run, quiet=wishes.quiet):
        return _carried_out(session, open_run, wishes)


def _carried_out(session: Session, open_run: OpenRun, wishes: Wishes) -> int:
    ending = execute_in_view(session, open_run, wishes)
    code = report(session, open_run, wishes, code=exit_code(ending))
    if wishes.as_json:
        out_json(result.as_json(ending.state, code))
    elif wishes.quiet or not _one_terminal():
        result.tell(ending.state)
        if wishes.quiet:  # a view tells it by itself
            for command in next_commands(ending.state, open_run.run):
                note(f"next: {command}")
    return code


def report(session: Session, open_run: OpenRun, wishes: Wishes, *, code: int) -> int:
    """Tell other programs how the run stands, and what its gates found.

    Gives the exit code, of a fault where the run itself has none.
    """
    if not (wishes.exports.wanted or wishes.evidence or on_github(session.services.environ)):
        return code
    from nofx_cli.cli.ci.afterwards import tell_job
    from nofx_cli.cli.exports import write_exports
    from nofx_cli.engine.collect_findings import gate_reports
    from nofx_cli.engine.view_run import view_run

    try:
        view = view_run(session.services, open_run.run)
        reports = gate_reports(session.services, view)
        tell_job(session, view, reports, evidence=wishes.evidence, code=code)
        write_exports(session, wishes.exports, reports, open_run.run)
        if wishes.evidence:
            from nofx_cli.cli.ci.evidence import write_evidence

            write_evidence(session, view, wishes.evidence, reports, code=code)
    except NofxError as exc:
        tell_error(exc)
        return code or exc.exit_code
    return code


def _view(session: Session, open_run: OpenRun, inbox: Inbox, wishes: Wishes, fence: "Fence") -> View:
    if wishes.quiet:
        return Unseen()

    def keep(step: StepName, decision: "Decision", *, note: str, digest: str) -> None:
        from nofx_cli.engine.answer import answer

        answer(OpenRun.load(session.services, open_run.run), step, decision, note=note, digest=digest)

    folder = session.layout.run(open_run.run)
    watched = WatchedRun.of(open_run, inbox=inbox, shown=lambda path: (folder / path).read_text("utf-8"), answer=keep)
    if in_ci(session.services.environ):
        from nofx_cli.cli.ci.sections import sections_of

        sections = sections_of(session.services.environ, fence)
        if sections is not None:
            from nofx_cli.cli.ci.job_view import JobView

            return JobView(watched, sections)
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
    """Whether somebody can be waited for: both ends are a terminal, and not one of a CI job."""
    return not in_ci(os.environ) and all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


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
    note(f"run {open_run.run} goes on in {holder.who}")
    return True
