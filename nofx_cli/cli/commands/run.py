"""`nofx run`: a plan becomes a run, executed here and now."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.ci.options import CiOption, EvidenceOption, WaitApprovalOption, job_options
from nofx_cli.cli.completion import complete_plan
from nofx_cli.cli.execution import Wishes, carry_on
from nofx_cli.cli.exports import Exports, GitlabOption, JunitOption, SarifOption
from nofx_cli.cli.options import DetachOption, JsonOption, QuietOption, StartWorkerOption, WaitOption
from nofx_cli.cli.output import note, out, out_json
from nofx_cli.cli.prompt_options import PromptOptions, takes_prompt_options
from nofx_cli.domain.ids import JsonValue
from nofx_cli.engine.create_run import NewRun, create_run
from nofx_cli.planning.catalogue import find_plan
from nofx_cli.planning.params import read_params_file, resolve_params
from nofx_cli.wiring.session import Session, open_session
from nofx_cli.wiring.workspaces import workspace_for

if TYPE_CHECKING:
    from nofx_cli.wiring.planner import MadePlan

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

PROMPT = "prompt"
"""What the plan of a sentence is called in its runs."""


@app.command()
@takes_prompt_options
def run(
    plan: Annotated[str, typer.Argument(help="A plan file, or the name of a plan.", autocompletion=complete_plan)] = "",
    *,
    prompted: PromptOptions,
    prompt: Annotated[str | None, typer.Option(help="A sentence that a plan is made of.", metavar="TEXT")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Run the plan of the sentence without asking.")] = False,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="A parameter, as name=value.")] = None,
    params_file: Annotated[Path | None, typer.Option(help="A YAML or JSON file of parameters.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done; create nothing.")] = False,
    detach: DetachOption = False,
    start_worker: StartWorkerOption = True,
    priority: Annotated[int, typer.Option(help="Among queued runs, higher goes first.")] = 0,
    wait: WaitOption = None,
    wait_approval: WaitApprovalOption = "",
    ci: CiOption = False,
    evidence: EvidenceOption = "",
    idempotency_key: Annotated[str, typer.Option(help="The same key and plan give the same run.")] = "",
    junit: JunitOption = "",
    sarif: SarifOption = "",
    gitlab: GitlabOption = "",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run a plan, here and now; or, with --detach, in a worker, and print the run's id.

    With --prompt the plan is made of a sentence, shown with all that it would do and the most that it can cost, and
    run when you agree to it.

    Exits with 0 when the run succeeded, 1 when it failed, 3 when the plan is invalid (then nothing was created),
    6 when somebody said no, 8 when it waits for a person.
    """
    exports = Exports(sarif, junit, gitlab)
    job = job_options(ci=ci, evidence=evidence, wait_approval=wait_approval, wait=wait)
    _check(exports, elsewhere="--dry-run" if dry_run else "--detach" if detach else "")
    session = open_session()
    made = _made(session, plan, prompt, prompted, yes=yes)
    new, notes = _new_run(session, plan, made, _given(param, params_file), key=idempotency_key, priority=priority)
    if dry_run:
        _tell_rehearsal(session, new, made, as_json=as_json)
        return
    if made is not None:
        _agree(session, made, new, yes=yes, quiet=quiet)
    wishes = Wishes(
        stay=job.stay,
        patience_ms=job.patience_ms,
        evidence=job.evidence,
        as_json=as_json,
        quiet=quiet,
        detach=detach,
        start_worker=start_worker,
        exports=exports,
    )
    raise typer.Exit(_start(session, new, notes, wishes))


def _start(session: Session, new: NewRun, notes: tuple[str, ...], wishes: Wishes) -> int:
    opened = create_run(session.services, new, keys=session.keys)
    for told in notes:
        note(told)
    return carry_on(session, opened, wishes)


def _check(exports: Exports, *, elsewhere: str) -> None:
    if not exports.wanted:
        return
    if elsewhere:
        raise errors.UsageError(
            f"with {elsewhere} there is nothing to write to a file yet",
            hint="when the run has ended: nofx gates report",
        )
    exports.check(stdout=False)


def _made(session: Session, plan: str, prompt: str | None, options: PromptOptions, *, yes: bool) -> "MadePlan | None":
    """The plan of the sentence, where one was given."""
    if prompt is not None:
        if plan:
            raise errors.UsageError(f"both the plan {plan} and --prompt are given", hint="give one of them")
        from nofx_cli.cli.prompted import make

        return make(session, prompt, options)
    options.refuse_without_prompt()
    if yes:
        raise errors.UsageError("--yes goes with --prompt: a plan that is written runs without a question")
    if not plan:
        raise errors.UsageError(
            "there is no plan to run", hint="name one (nofx plan list), or say what to do: nofx run --prompt TEXT"
        )
    return None


def _agree(session: Session, made: "MadePlan", new: NewRun, *, yes: bool, quiet: bool) -> None:
    from nofx_cli.cli.prompted import agree

    agree(session, made, new, yes=yes, quiet=quiet)


def _given(param: list[str] | None, params_file: Path | None) -> dict[str, JsonValue]:
    given: dict[str, JsonValue] = dict(read_params_file(params_file)) if params_file else {}
    given.update(_pair(text) for text in param or [])
    return given


def _new_run(
    session: Session, name: str, made: "MadePlan | None", given: dict[str, JsonValue], *, key: str, priority: int
) -> tuple[NewRun, tuple[str, ...]]:
    """What the run is made from, and what to tell of where it works."""
    if made is None:
        found = find_plan(name, project=session.project)
        plan, text, called = session.services.load_plan(found.text, found.source), found.text, found.name
    else:
        plan, text, called = made.plan, made.text, PROMPT
    chosen = workspace_for(session, plan)
    new = NewRun(
        plan=plan,
        text=text,
        name=called,
        params=resolve_params(plan, given),
        workspace=chosen.workspace,
        idempotency_key=key,
        priority=priority,
    )
    return new, chosen.notes


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise errors.UsageError(f"-p {text!r} is no name=value", code="bad-param", hint="write it like -p since=v1.2")
    return name, value


def _tell_rehearsal(session: Session, new: NewRun, made: "MadePlan | None", *, as_json: bool) -> None:
    from nofx_cli.cli.render.rehearsal import rehearsal_json, tell_rehearsal
    from nofx_cli.engine.explain_policy import explain_policy
    from nofx_cli.engine.rehearse import rehearse

    steps = rehearse(session.services, new.plan, new.params)
    explained = explain_policy(session.services, new.plan)
    told = rehearsal_json(new.plan, new.params, steps, explained)
    if made is not None:
        from nofx_cli.cli.prompted import shown
        from nofx_cli.cli.render import prompt_view

        of_prompt = shown(session, made, new.params, new.workspace)
        told["prompt"] = prompt_view.as_json(of_prompt)
        for line in () if as_json else prompt_view.lines(of_prompt):
            out(session.services.mask_text(line))
    if as_json:
        out_json(session.services.mask(told))
    else:
        tell_rehearsal(new.plan, steps, explained)
