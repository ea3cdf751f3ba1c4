"""Which jobs a run needs in the queue.

A job is a right to start one step of its run; whoever has it starts the first step that is ready, which is the one
that the job names unless somebody was quicker. So a run never needs more jobs than its concurrency leaves room for:
whoever ends a step goes on with the next one, or puts a job for it. A job too many finds nothing to do and is gone.
"""

from collections.abc import Iterable

from nofx_cli.domain.ids import StepName
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.state import RunState, RunStatus
from nofx_cli.domain.step_state import StepState, StepStatus
from nofx_cli.ports.queue import Job


def jobs_of(plan: Plan, state: RunState, now_us: int) -> list[Job]:
    """Every job that the run needs as it stands: for what could start now, and for what is due later.

    Where nothing is queued but something follows (steps became free by a retry, or an answer lets nothing start),
    that takes effect when somebody takes the run up: for this there is one job.
    """
    follows = () if state.status is RunStatus.QUEUED else (*state.answered, *state.free)
    now = ready_jobs(plan, state, now_us) or look_jobs(state, follows)
    return now + delayed_jobs(state, state.in_status(StepStatus.QUEUED), now_us)


def look_jobs(state: RunState, names: Iterable[StepName]) -> list[Job]:
    """A job for the first of some steps, so that a worker takes the run up and looks."""
    return [_job(state, state.steps[name]) for name in names if not state.ended][:1]


def ready_jobs(plan: Plan, state: RunState, now_us: int) -> list[Job]:
    """The jobs of the steps that could start now, in the order of their start.

    A run that has not begun needs one job: its first step's. Where one is a dead letter, the queue keeps it so; only
    where that was lost with the queue it is delivered anew.
    """
    if state.ended:
        return []
    if state.status is RunStatus.QUEUED:
        return [_job(state, state.steps[plan.steps[0].name])]
    room = plan.concurrency - state.counts[StepStatus.RUNNING]
    if room <= 0 or not state.counts[StepStatus.QUEUED]:
        return []
    return [_job(state, step) for step in state.ready(now_us, limit=room)]


def delayed_jobs(state: RunState, steps: Iterable[StepState], now_us: int) -> list[Job]:
    """The jobs of those of `steps` that are queued and due later."""
    return [
        _job(state, step, delay_ms=-(-(step.due_us - now_us) // 1000))
        for step in steps
        if step.status is StepStatus.QUEUED and not step.is_due(now_us) and not state.ended
    ]


def _job(state: RunState, step: StepState, *, delay_ms: int = 0) -> Job:
    assert state.run is not None
    return Job(state.run, step.name, step.next_attempt, priority=state.priority, delay_ms=delay_ms)
