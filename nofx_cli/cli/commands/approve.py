"""`nofx approve`."""

import typer

from nofx_cli.cli.answering import AnswerOptions, give_answer
from nofx_cli.cli.ci.options import CiOption, EvidenceOption, WaitApprovalOption, job_options
from nofx_cli.cli.options import AskedRunOption, JsonOption, NoResumeOption, NoteOption, StepArgument

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def approve(
    step: StepArgument,
    run: AskedRunOption = "",
    note: NoteOption = "",
    no_resume: NoResumeOption = False,
    wait_approval: WaitApprovalOption = "",
    ci: CiOption = False,
    evidence: EvidenceOption = "",
    as_json: JsonOption = False,
) -> None:
    """Approve a waiting step.

    Shows what is approved and binds the approval to exactly that. The run goes on in the process that waits for it;
    where there is none, right here, and then the exit code is that of the run. If what would run has changed since
    it was asked, nothing is approved, it is asked anew, and the exit code is 5.
    """
    job = job_options(ci=ci, evidence=evidence, wait_approval=wait_approval)
    options = AnswerOptions(step=step, run=run, note=note, resume=not no_resume, as_json=as_json, job=job)
    raise typer.Exit(give_answer("granted", options))
