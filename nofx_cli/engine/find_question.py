"""Which run a person means who answers for a step without naming the run."""

from nofx_cli import errors
from nofx_cli.domain.events import ends_run
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.engine.answer import waiting_steps
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.services import Services

_LOOKED_AT = 200


def find_question(services: Services, step: StepName) -> OpenRun:
    """The newest run in which that step waits for an answer; else the newest in which it was answered.

    Raises:
        errors.NotFound: no run has such a step waiting (code `nothing-waits`); the hint names what does wait.
    """
    answered: OpenRun | None = None
    others: list[str] = []
    for run in _recent(services):
        opened = _open(services, run)
        if opened is None:
            continue
        waiting = waiting_steps(opened)
        if step in waiting:
            return opened
        others += [f"{name} (run {run})" for name in waiting]
        asked = opened.state.steps.get(step)
        if answered is None and asked is not None and asked.approval is not None:
            answered = opened
    if answered is not None:
        return answered
    hint = f"these wait: {', '.join(others[:5])}" if others else "nothing waits; see: nofx list"
    raise errors.NotFound(f"no run has a step {step!r} that waits for an answer", code="nothing-waits", hint=hint)


def _recent(services: Services) -> list[RunId]:
    """The newest runs: those that go on first, then the ended ones."""
    going_on: list[RunId] = []
    ended: list[RunId] = []
    for number, run in enumerate(services.store.runs()):
        if number >= _LOOKED_AT:
            break
        summary = services.store.summary(run)
        if summary is not None:
            (ended if ends_run(summary.last_run_event.payload) else going_on).append(run)
    return going_on + ended[:10]


def _open(services: Services, run: RunId) -> OpenRun | None:
    try:
        return OpenRun.load(services, run)
    except errors.InvalidInput:
        return None  # its plan cannot be used any more; `nofx show` tells why
