"""`nofx resume`."""

from typing import Annotated

import typer

from nofx_cli.cli.ci.options import CiOption, EvidenceOption, WaitApprovalOption, job_options
from nofx_cli.cli.execution import Wishes, carry_on
from nofx_cli.cli.options import DetachOption, JsonOption, QuietOption, RunArgument, StartWorkerOption, WaitOption
from nofx_cli.engine.going_on import check_can_go_on
from nofx_cli.wiring.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def resume(
    run: RunArgument = "latest",
    rerun_interrupted: Annotated[
        bool, typer.Option("--rerun-interrupted", help="Run every step that was cut off again, without asking.")
    ] = False,
    detach: DetachOption = False,
    start_worker: StartWorkerOption = True,
    wait: WaitOption = None,
    wait_approval: WaitApprovalOption = "",
    ci: CiOption = False,
    evidence: EvidenceOption = "",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Go on with a run that was cut off, or that waits.

    Steps that were committed do not run again. A step that was cut off runs again where its tool says that this is
    safe; for any other you are asked.
    """
    job = job_options(ci=ci, evidence=evidence, wait_approval=wait_approval, wait=wait)
    session = open_session()
    opened = session.open(run)
    check_can_go_on(opened)
    wishes = Wishes(
        stay=job.stay,
        patience_ms=job.patience_ms,
        evidence=job.evidence,
        rerun_interrupted=rerun_interrupted,
        as_json=as_json,
        quiet=quiet,
        detach=detach,
        start_worker=start_worker,
    )
    raise typer.Exit(carry_on(session, opened, wishes))
