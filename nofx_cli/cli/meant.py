"""Which run and step a person means by the words after a command."""

from nofx_cli import errors
from nofx_cli.domain.ids import StepName, is_run_id
from nofx_cli.engine.find_run import find_run
from nofx_cli.engine.view_run import RunView, find_step, view_run
from nofx_cli.wiring.session import Session


def run_and_step(session: Session, run: str, step: str) -> tuple[RunView, StepName | None]:
    """The run, and the step where one is named.

    One word alone may be a step of the newest run; that comes before a part of a run's id.

    Raises:
        errors.NotFound: there is no such run, or it has no such step.
    """
    services = session.services
    if not step and run != "latest" and not is_run_id(run):
        newest = next(services.store.runs(), None)
        view = view_run(services, newest) if newest else None
        if view is not None and run in view.state.steps:
            return view, StepName(run)
        try:
            return view_run(services, find_run(services.store, run)), None
        except errors.NotFound as exc:
            raise errors.NotFound(
                f"{run!r} is neither a run nor a step of the newest run", code=exc.code, hint="nofx list"
            ) from exc
    view = view_run(services, session.find(run))
    return view, find_step(view, step) if step else None
