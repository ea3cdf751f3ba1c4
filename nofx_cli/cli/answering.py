"""What `approve`, `reject` and `waive` have in common: find the question, show it, record the answer, go on."""

from nofx_cli.cli import result
from nofx_cli.cli.ci.options import JobOptions
from nofx_cli.cli.execution import (
    Wishes,
    carry_out,
    execute_in_view,
    exit_code,
    go_on_elsewhere,
    report,
    tell_unwritten,
)
from nofx_cli.cli.leaving import goes_to_workers, leave
from nofx_cli.cli.notified import notified
from nofx_cli.cli.output import note, out, out_json
from nofx_cli.cli.render.subject import tell_subject
from nofx_cli.domain.ids import JsonObject, StepName
from nofx_cli.domain.record import record
from nofx_cli.engine.answer import Answered, Decision, answer, shown_now, waiting_steps
from nofx_cli.engine.find_question import find_question
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.subject import Subject
from nofx_cli.errors import Conflict, ExitCode
from nofx_cli.wiring.session import Session, open_session


@record
class AnswerOptions:
    """What was typed."""

    step: str
    run: str
    note: str
    resume: bool
    as_json: bool
    job: JobOptions = JobOptions()


def give_answer(decision: Decision, options: AnswerOptions) -> int:
    """Record the decision, and go on with the run unless somebody else does; gives the exit code."""
    session = open_session()
    step = StepName(options.step)
    opened = session.open(options.run) if options.run else find_question(session.services, step)
    subject = _subject(opened, step, decision) if step in waiting_steps(opened) else None
    if subject is not None and not options.as_json:
        tell_subject(subject)
    answered = answer(opened, step, decision, note=options.note)
    if not options.resume or opened.state.ended or _goes_on_elsewhere(session, opened):
        tell_unwritten(opened, options.job.evidence)
        with notified(session, opened.run):
            _tell(opened, step, answered, as_json=options.as_json)
        return ExitCode.SUCCEEDED
    if not options.as_json:
        note(_sentence(opened, step, answered))
    code = _go_on(session, opened, answered, options)
    return ExitCode.SUCCEEDED if decision == "rejected" and code == ExitCode.DENIED else code


def _subject(opened: OpenRun, step: StepName, decision: Decision) -> Subject | None:
    """What is decided on. One can say no to what cannot be shown any more."""
    try:
        return shown_now(opened, step)
    except Conflict as exc:
        if decision == "granted":
            raise
        note(exc.message)
        return None


def _goes_on_elsewhere(session: Session, opened: OpenRun) -> bool:
    """Whether a worker, or the process that waits for the answer, goes on with the run; says so."""
    if not goes_to_workers(session, opened, detach=False, answered=True):
        return go_on_elsewhere(session, opened)
    holder = session.services.liveness.holder(opened.run)
    if holder is not None and not holder.shared:
        return go_on_elsewhere(session, opened)
    left = leave(session, opened, start_worker=False)
    note(f"run {opened.run} goes on in a worker" if left.alive else "it is queued; no worker lives: nofx worker start")
    return True


def _go_on(session: Session, opened: OpenRun, answered: Answered, options: AnswerOptions) -> int:
    job = options.job
    wishes = Wishes(stay=job.stay, patience_ms=job.patience_ms, evidence=job.evidence)
    try:
        if not options.as_json:
            return carry_out(session, opened, wishes)
        with notified(session, opened.run):
            ending = execute_in_view(session, opened, wishes)
    except Conflict as exc:
        if exc.code != "run-is-held":
            raise
        note(f"{exc.message}; it goes on there")
        tell_unwritten(opened, job.evidence)
        if options.as_json:
            _tell(opened, StepName(options.step), answered, as_json=True)
        return ExitCode.SUCCEEDED
    code = report(session, opened, wishes, code=exit_code(ending))
    out_json(_as_json(opened, StepName(options.step), answered, result.as_json(ending.state, code)))
    return code


def _tell(opened: OpenRun, step: StepName, answered: Answered, *, as_json: bool) -> None:
    if as_json:
        out_json(_as_json(opened, step, answered, None))
    else:
        out(_sentence(opened, step, answered))


def _as_json(opened: OpenRun, step: StepName, answered: Answered, ended: JsonObject | None) -> JsonObject:
    """The answer; `result` is how the run stands where it went on right here, as `nofx run --json` tells it."""
    approval = answered.approval
    return {
        "run": opened.run,
        "step": step,
        "decision": approval.decision,
        "new": answered.new,
        "by": approval.by.id if approval.by else "",
        "at": approval.at,
        "digest": approval.digest,
        "note": approval.note,
        "result": ended,
    }


def _sentence(opened: OpenRun, step: StepName, answered: Answered) -> str:
    approval = answered.approval
    by = approval.by.id if approval.by else "somebody"
    before = "" if answered.new else " before"
    return f"{step} of run {opened.run} was {approval.decision}{before} by {by} [{approval.digest[:12]}]"
