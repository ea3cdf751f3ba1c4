"""What a view is given of the run it shows, and what a view is."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from nofx_cli.clock import Clock
from nofx_cli.domain.events import Event
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.state import RunState
from nofx_cli.domain.step_state import StepState
from nofx_cli.worker.attempts import Inbox
from nofx_cli.worker.observer import Observer

if TYPE_CHECKING:
    from nofx_cli.domain.findings import Finding
    from nofx_cli.engine.answer import Decision
    from nofx_cli.engine.open_run import OpenRun
    from nofx_cli.engine.services import Services

LEFT = "left"
"""The `Stop.signal` of a person who left a waiting run: it goes on waiting, and the command exits as for a wait."""


class Answer(Protocol):
    """Records a person's decision. It is called in a thread of its own."""

    def __call__(self, step: StepName, decision: "Decision", *, note: str, digest: str) -> None:
        """Record it, on a run opened for this alone; `digest` is of what the person was shown.

        Raises:
            errors.NofxError: it was not recorded; the view tells why and asks on.
        """
        ...


def _nothing(_step: StepState) -> "Sequence[Finding]":
    return ()


def _findings(services: "Services", run: RunId, step: StepState) -> "Sequence[Finding]":
    if step.gate is None:
        return ()
    from nofx_cli.engine.collect_findings import findings_of

    return findings_of(services, run, step)


@dataclass(frozen=True, slots=True)
class WatchedRun:
    """A run as a view sees it.

    Attributes:
        history: the events so far; a view that folds reads them once, when it begins.
        state: the run as its executor left it; asked for only when the execution is over.
        log_path: where the log of an attempt at a step lies.
        shown: the text that was kept for an approval, by `ApprovalRequested.path`.
        answer: records a decision; None where no key may be taken.
        findings: what the last attempt at a gate found.
        inbox: of the executor; a view puts `Stop(LEFT)` into it when the person leaves.
    """

    run: RunId
    plan: Plan
    clock: Clock
    inbox: Inbox
    history: Callable[[], Iterable[Event]]
    state: Callable[[], RunState]
    log_path: Callable[[StepName, int], Path]
    shown: Callable[[str], str]
    answer: Answer | None = None
    findings: "Callable[[StepState], Sequence[Finding]]" = _nothing

    @classmethod
    def of(
        cls, open_run: "OpenRun", *, inbox: Inbox, shown: Callable[[str], str], answer: Answer | None = None
    ) -> Self:
        """What an open run gives; `shown` and `answer` come from whoever knows the store."""
        services, run = open_run.services, open_run.run
        return cls(
            run=run,
            plan=open_run.plan,
            clock=services.clock,
            inbox=inbox,
            history=partial(services.store.read, run),
            state=lambda: open_run.state,
            log_path=partial(services.artifacts.log_path, run),
            shown=shown,
            answer=answer,
            findings=partial(_findings, services, run),
        )


class View(Observer, Protocol):
    """Shows a run from `__enter__` to `__exit__`, where it tells how the run ended and what to type next."""

    def stopping(self) -> None:
        """Say that the run is being stopped, and that a second Ctrl-C kills."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
