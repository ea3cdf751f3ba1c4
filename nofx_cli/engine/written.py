"""Whether what a step wrote is what it may write: judged after it, by what really changed in the workspace.

Steps that ran at the same time in the same run cannot be told apart by what changed. A change is laid to a step's
charge only where no other step that ran meanwhile might have made it.
"""

from collections.abc import Iterator, Sequence

from nofx_cli.domain.ids import StepName
from nofx_cli.domain.plan import Step
from nofx_cli.domain.policy import Aspect
from nofx_cli.domain.state import RunState
from nofx_cli.domain.step_state import StepState, StepStatus
from nofx_cli.engine.context import EngineContext
from nofx_cli.engine.services import Services
from nofx_cli.safety.changes import (
    Traces,
    changed,
    leads_out,
    take_trace_of_git,
    take_traces,
    take_traces_below_git,
    take_traces_of_steering,
    target_of,
    together,
)
from nofx_cli.safety.never_written import protects
from nofx_cli.safety.policy import Denial, Permissions, permissions_of

_MOST_TOLD = 20


class WriteWatch:
    """Looks at the workspace when a step begins, and again when it has ended.

    Where no rule says what the step may write, only what steers nofx is looked at: it says what later steps may do.
    Of a step that is shut in also whether it made a git folder, in which programs can be named that run outside.

    What steers nofx and git lies outside of a worktree: it is looked at there as well.
    """

    def __init__(self, ctx: EngineContext) -> None:
        self._ctx = ctx
        self._all = bool(ctx.permissions.said(Aspect.WRITE))
        self._before = self._look()

    def changed(self) -> list[str]:
        """The paths below the workspace that changed meanwhile."""
        return changed(self._before, self._look())

    def _look(self) -> Traces:
        workspace, around = self._ctx.workspace, self._ctx.surroundings
        outside = take_traces_of_steering(around.project) if around else {}
        if self._all:
            traces = take_traces(workspace, store=self._ctx.store)
            outside = {**outside, **take_traces_below_git(around.git, around.steering)} if around else outside
        else:
            traces = take_traces_of_steering(workspace)
            traces = {**traces, **take_trace_of_git(workspace)} if self._ctx.is_shut_in else traces
        return together(traces, outside)


def check_write(services: Services, permissions: Permissions, step: StepName, path: str) -> Denial | None:
    """Whether a step may write a path below the workspace, links in it followed."""
    if what := protects(services.workspace, services.store_folder, path):
        return Denial(f"write.deny: {what}", "nofx", f"step {step} may not write {_told(path, what)}: no step may")
    target = target_of(services.workspace, path)
    if outside := leads_out(services.workspace, path):
        return Denial("write.deny: links that lead out", "nofx", f"step {step} made the link {path} to {outside}")
    return permissions.check_write(path) or (permissions.check_write(target) if target != path else None)


def _told(path: str, what: str) -> str:
    return path if path == what or path.startswith(f"{what}/") else f"{path}, which belongs to {what}"


def write_denials(services: Services, state: RunState, step: Step, paths: Sequence[str]) -> list[Denial]:
    """Why a step may not have written what changed while it ran."""
    if not paths:
        return []
    own = _permissions(services, state, step)
    others = [state.plan.step(other.name) for other in _meanwhile(state, state.steps[step.name])]
    found = list(_denied(services, state, step, own=own, others=others, paths=paths))
    if len(found) > _MOST_TOLD:
        more = len(found) - _MOST_TOLD
        last = found[_MOST_TOLD - 1]
        found[_MOST_TOLD - 1 :] = [Denial(last.rule, last.source, f"{last.message}, and {more} more paths")]
    return found


def _denied(
    services: Services,
    state: RunState,
    step: Step,
    *,
    own: Permissions,
    others: Sequence[Step],
    paths: Sequence[str],
) -> Iterator[Denial]:
    for path in paths:
        denial = check_write(services, own, step.name, path)
        if denial is None:
            continue
        if not any(_may(services, state, other, path) for other in others):
            yield denial


def _may(services: Services, state: RunState, step: Step, path: str) -> bool:
    return check_write(services, _permissions(services, state, step), step.name, path) is None


def _permissions(services: Services, state: RunState, step: Step) -> Permissions:
    return permissions_of(services.rules(), state.plan, step)


def _meanwhile(state: RunState, own: StepState) -> Iterator[StepState]:
    """The other steps of the run that ran at some time while this one did."""
    for other in state.steps.values():
        ran = other.status is StepStatus.RUNNING or (other.ended_at and other.ended_at > own.started_at)
        if other.name != own.name and other.started_at and ran:
            yield other
