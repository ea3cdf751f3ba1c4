"""A plan from a sentence: made, shown with all that it would do, and agreed to before anything runs."""

from nofx_cli import errors
from nofx_cli.cli.asked import says_yes
from nofx_cli.cli.execution import wants_to_stay
from nofx_cli.cli.output import note
from nofx_cli.cli.prompt_options import PromptOptions
from nofx_cli.cli.render import prompt_view
from nofx_cli.domain.ids import JsonObject
from nofx_cli.engine.create_run import NewRun
from nofx_cli.engine.rehearse import rehearse
from nofx_cli.planning.prompt_wish import PromptFlags
from nofx_cli.ports.handler import handler_writes
from nofx_cli.wiring.most_cost import most_cost
from nofx_cli.wiring.planner import MadePlan, Planner, make_plan
from nofx_cli.wiring.session import Session


def make(session: Session, sentence: str, options: PromptOptions) -> MadePlan:
    """The plan that a sentence and the options come to; raises as `wiring.planner.make_plan`."""
    flags = PromptFlags(
        files=options.files,
        gates=options.gates,
        approval=options.approval,
        pr=options.pr,
        agent=options.agent,
        model=options.model,
        budget=options.budget,
    )
    return make_plan(session.services, sentence, flags, Planner(options.planner))


def shown(
    session: Session, made: MadePlan, params: JsonObject, workspace: JsonObject | None = None
) -> prompt_view.Shown:
    """All that is told of a plan before it runs; `workspace` is that of its run, where it is about to be one."""
    services = session.services
    steps = rehearse(services, made.plan, params)
    writing = []
    for step in made.plan.steps:
        handler = services.handlers.find(step.tool)
        writing.append(handler is not None and handler_writes(handler, step.inputs))
    return prompt_view.Shown(made, tuple(steps), tuple(writing), most_cost(services, made.plan), workspace)


def agree(session: Session, made: MadePlan, new: NewRun, *, yes: bool, quiet: bool) -> None:
    """Show the plan, and go on only where somebody agrees: at the terminal, or beforehand by `yes`.

    Raises:
        errors.UsageError: there is nobody to agree (code `needs-yes`).
        errors.Denied: somebody did not (code `not-agreed`).
    """
    if not (yes and quiet):
        for line in prompt_view.lines(shown(session, made, new.params, new.workspace)):
            note(session.services.mask_text(line))
    if yes:
        return
    if not wants_to_stay():
        raise errors.UsageError(
            "the plan was made from a sentence, and nobody sits at a terminal to agree to it",
            code="needs-yes",
            hint="add --yes to run it, --dry-run to look at it, or keep it: nofx plan new TEXT -o FILE",
        )
    if not says_yes("Run it?"):
        raise errors.Denied("the plan was not run: nobody agreed to it", code="not-agreed")
