"""A run as one process sees it: the state folded so far, and the compare-and-swap that changes it.

A change is built as a batch: each draft is applied to the state as it is added, so that `decide` can say what
follows, and the whole goes to the journal in one append. When somebody else appended first, the state is folded
anew from the journal and the batch is built again from what is true now: a builder must therefore look at the
state it is given and may find that nothing is left to do.
"""

import contextlib
from collections.abc import Callable, Iterable
from typing import Self, TypeAlias

from nofx_cli import errors
from nofx_cli.clock import format_at
from nofx_cli.domain.decide import decide
from nofx_cli.domain.events import Draft, Event, Payload, RunCreated
from nofx_cli.domain.ids import JsonObject, RunId, StepName, digest_of_bytes
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.state import RunState, fold
from nofx_cli.engine.place import settle, workspace_of
from nofx_cli.engine.services import Services
from nofx_cli.engine.worktree import services_in
from nofx_cli.ports.journal import AppendConflict
from nofx_cli.ports.rendering import Renderer

_ATTEMPTS = 100

ServicesAt: TypeAlias = Callable[[JsonObject], Services]
"""The services of a project, given the workspace of `run.created`. Raises `errors.NotFound` where that is gone."""


class Batch:
    """Drafts that will be appended together. `at` is the instant they all carry."""

    def __init__(self, open_run: "OpenRun", at: str) -> None:
        self.drafts: list[Draft] = []
        self.at = at
        self._open_run = open_run

    @property
    def state(self) -> RunState:
        """The run as it will be after the drafts so far."""
        return self._open_run.state

    def add(self, payload: Payload, step: StepName | None = None, attempt: int | None = None) -> None:
        """Put a draft behind the others and apply it to the state."""
        draft = Draft(payload, step, attempt)
        self.drafts.append(draft)
        self.state.apply(draft, at=self.at, actor=self._open_run.services.actor)

    def extend(self, drafts: Iterable[Draft]) -> None:
        for draft in drafts:
            self.add(draft.payload, draft.step, draft.attempt)

    def settle(self) -> None:
        """Add all that follows from the state, until nothing more does."""
        renderer = self._open_run.renderer
        while drafts := decide(self.state, self.at, renderer.holds):
            self.extend(drafts)


Builder: TypeAlias = Callable[[Batch], None]


class OpenRun:
    """The plan, the state and the templates of one run."""

    def __init__(self, services: Services, run: RunId, plan: Plan, events: Iterable[Event]) -> None:
        self.run, self.plan, self.seq = run, plan, 0
        self._store = services.store
        self.state = self._folded(events)
        created = self.state.created
        self.services = services_in(services, created.workspace) if created else services
        self.renderer: Renderer = services.renderer_for(plan, created.params if created else {}, run)

    @classmethod
    def load(cls, services: Services, run: RunId, *, at: "ServicesAt | None" = None) -> Self:
        """Open a run of the store.

        Args:
            at: gives the services of the project that the run was made in, where that may be another one.

        Raises:
            errors.NotFound: there is no such run.
            errors.InvalidInput: its plan cannot be used any more: a plugin it needs is gone, or it was changed.
        """
        events = list(services.store.read(run))
        if at is not None and events and isinstance(events[0].payload, RunCreated):
            services = at(workspace_of(services.store, run, events[0].payload.workspace))
        text = services.store.plan_text(run)
        plan = services.load_plan(text, f"the plan of run {run}")
        opened = cls(services, run, plan, events)
        _check_plan(opened, text)
        return opened

    def refresh(self) -> list[Event]:
        """Take in what others appended."""
        events = list(self.services.store.read(self.run, after_seq=self.seq))
        for event in events:
            self.state.apply(event, at=event.at, actor=event.actor)
            self.seq = event.seq
        if self.state.outdated:
            self.reload()
        return events

    def changed_by_others(self) -> bool:
        """Whether there is something to `refresh`; cheap."""
        return self.services.store.head(self.run).seq != self.seq

    def commit(self, build: Builder) -> list[Event]:
        """Build a batch and append it; an empty one changes nothing. Returns the events at their places.

        Raises:
            errors.StoreFailure: it could not be written; the state is that of the journal again.
        """
        for _ in range(_ATTEMPTS):
            batch = Batch(self, format_at(self.services.clock.now_us()))
            try:
                build(batch)
                if not batch.drafts:
                    return []
                events = self.services.store.append(
                    self.run, self.seq, batch.drafts, at=batch.at, actor=self.services.actor
                )
            except AppendConflict:
                self.reload()
            except BaseException:
                with contextlib.suppress(errors.NofxError):  # the first failure is the one to tell
                    self.reload()
                raise
            else:
                self.seq = events[-1].seq
                masked = any(e.payload is not d.payload for e, d in zip(events, batch.drafts, strict=True))
                if masked or self.state.outdated:  # the state is what the journal says, not what was meant
                    self.reload()
                return events
        raise errors.Conflict(f"run {self.run} is being changed all the time by others", code="run-is-busy")

    def reload(self) -> None:
        """Fold the state anew from the journal."""
        self.state = self._folded(self.services.store.read(self.run))

    def _folded(self, events: Iterable[Event]) -> RunState:
        events = list(events)
        self.seq = events[-1].seq if events else 0
        state = fold(self.plan, events)
        state.run = self.run
        settle(self._store, self.run, state)
        return state


def _check_plan(opened: OpenRun, text: str) -> None:
    created = opened.state.created
    if created is not None and created.plan_digest and created.plan_digest != digest_of_bytes(text.encode()):
        raise errors.InvalidInput(
            f"the plan kept with run {opened.run} was changed after the run was made",
            code="plan-changed",
            hint=f"restore plan.yaml of that run, or start anew: nofx rerun {opened.run}",
            context={"run": opened.run},
        )
