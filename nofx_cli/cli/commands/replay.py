"""`nofx replay`."""

import typer

from nofx_cli.cli.execution import Wishes, execute_in_view
from nofx_cli.cli.options import JsonOption, QuietOption, RunArgument
from nofx_cli.cli.output import note, out, out_json, safe
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.wording import counted
from nofx_cli.engine.create_run import create_run
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.replay_run import Comparison, answer_as_before, compare, new_replay
from nofx_cli.errors import ExitCode
from nofx_cli.wiring.session import open_session
from nofx_cli.wiring.workspaces import writes
from nofx_cli.worker.executor import Ending

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def replay(run: RunArgument = "latest", as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Run a run again with the archived answers of its models, and compare what comes of it.

    No model is asked, nothing outside is changed, and people's decisions are repeated. Outputs and artifacts are
    compared byte for byte, trees of worktrees too; of gates the verdict and the findings. Exits with 0 where all is the
    same, else with 1.
    """
    session = open_session()
    old = session.open(run)
    new = new_replay(old, session.services, writes=writes(session, old.plan))
    opened = create_run(session.services, new, keys=session.keys)
    if not as_json and not quiet:
        note(f"run {opened.run} replays {old.run}")
    wishes = Wishes(stay=False, quiet=quiet or as_json)
    ending = execute_in_view(session, opened, wishes)
    while not ending.signal and ending.state.status is RunStatus.WAITING and answer_as_before(opened, old):
        ending = execute_in_view(session, opened, wishes)
    compared = compare(old.state, ending.state)
    if as_json:
        out_json(_json(old, opened, compared, ending))
    else:
        _tell(old, opened, compared)
    raise typer.Exit(_code(compared, ending))


def _code(compared: Comparison, ending: Ending) -> int:
    if ending.signal:
        return ExitCode.INTERRUPTED if ending.signal == "SIGINT" else ExitCode.TERMINATED
    return ExitCode.SUCCEEDED if compared.same else ExitCode.RUN_FAILED


def _tell(old: OpenRun, new: OpenRun, compared: Comparison) -> None:
    counts = f"{counted(compared.steps, 'step')}, {counted(compared.artifacts, 'artifact')}"
    if compared.same:
        out(f"{new.run} is the same as {old.run}: {counts}")
        return
    out(f"{new.run} differs from {old.run}: {counts}")
    for one in compared.differences:
        out(f"  {one.step}: {safe(one.what)} was {safe(one.was)}, is {safe(one.now)}")


def _json(old: OpenRun, new: OpenRun, compared: Comparison, ending: Ending) -> dict[str, object]:
    differences = [{"step": one.step, "what": one.what, "was": one.was, "now": one.now} for one in compared.differences]
    return {
        "run": old.run,
        "replay": new.run,
        "same": compared.same,
        "status": ending.state.status.value,
        "steps": compared.steps,
        "artifacts": compared.artifacts,
        "differences": differences,
    }
