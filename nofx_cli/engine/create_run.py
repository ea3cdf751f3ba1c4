"""Make a run from a plan: durably, and at most once for an idempotency key."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import field, replace
from typing import Protocol

from nofx_cli import __version__, errors
from nofx_cli.clock import format_at
from nofx_cli.domain.events import Draft, RunCreated
from nofx_cli.domain.ids import JsonObject, JsonValue, RunId, digest_of, new_run_id
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.record import record
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.plan_secrets import check_key_secrets, check_path_secrets, check_plan_secrets
from nofx_cli.engine.services import Services
from nofx_cli.engine.snapshots import snapshot_event, snapshot_text
from nofx_cli.engine.worktree import is_worktree, make_worktree, services_in


@record
class NewRun:
    """What a run is made from. `origin` is `{"kind": "new"}`, or names the run it repeats."""

    plan: Plan
    text: str
    name: str
    params: JsonObject
    workspace: JsonObject
    origin: JsonObject = field(default_factory=lambda: {"kind": "new"})
    idempotency_key: str = ""
    priority: int = 0


class KeyIndex(Protocol):
    """Which run was made for an idempotency key."""

    def claim(self, key: str, propose: Callable[[], RunId]) -> AbstractContextManager[RunId]:
        """The run of `key`, or a proposed id that is noted for it; other claims of any key wait until the end."""
        ...


def create_run(services: Services, new: NewRun, *, keys: KeyIndex) -> OpenRun:
    """Make the run, or find the one that the same key made from the same plan and parameters.

    Raises:
        errors.Conflict: the key was used with another plan or other parameters (code `idempotency-conflict`).
        errors.InvalidInput: the plan, the key or the project's path holds a secret (codes `secret-in-plan`,
            `secret-in-key`, `secret-in-path`).
        errors.StoreFailure: it could not be written; there is no run.
    """
    check_plan_secrets(services, new.text, new.name)
    check_key_secrets(services, new.idempotency_key)
    check_path_secrets(services, str(new.workspace.get("path", "")))
    if not new.idempotency_key:
        return _make(services, new, _propose(services))
    with keys.claim(new.idempotency_key, lambda: _propose(services)) as run:
        try:
            found = OpenRun.load(services, run)
        except errors.NotFound:
            return _make(services, new, run)
        _check_same(found, new, params=_masked(services.mask(new.params)))
        return found


def repeat(old: OpenRun, *, workspace: JsonObject) -> NewRun:
    """What makes a new run from the plan and the parameters of an old one."""
    created = old.state.created
    return NewRun(
        plan=old.plan,
        text=old.services.store.plan_text(old.run),
        name=created.plan_name if created else "",
        params=created.params if created else {},
        workspace=workspace,
        origin={"kind": "rerun", "run": old.run},
        priority=old.state.priority,
    )


def _propose(services: Services) -> RunId:
    at = format_at(services.clock.now_us())
    return new_run_id(at=at, randomness=int.from_bytes(os.urandom(4)))


def _make(services: Services, new: NewRun, run: RunId) -> OpenRun:
    workspace = make_worktree(services, new.workspace, run)
    try:
        return _record(services_in(services, workspace), replace(new, workspace=workspace), run)
    except BaseException:
        if is_worktree(workspace) and services.worktrees is not None:
            services.worktrees().discard(run)
        raise


def _record(services: Services, new: NewRun, run: RunId) -> OpenRun:
    created = RunCreated(
        plan_digest=new.plan.digest,
        plan_name=new.name,
        goal=new.plan.goal,
        params=_masked(services.mask(new.params)),
        steps=len(new.plan.steps),
        workspace=new.workspace,
        origin=new.origin,
        idempotency_key=new.idempotency_key,
        nofx=__version__,
        priority=new.priority,
    )
    drafts = [Draft(created)]
    snapshot = snapshot_text(services, new.plan)
    if snapshot:
        drafts.append(Draft(snapshot_event(snapshot)))
    at = format_at(services.clock.now_us())
    events = services.store.create(run, new.text, drafts, at=at, actor=services.actor)
    if snapshot:
        services.artifacts.put_snapshot(run, snapshot)
    return OpenRun(services, run, new.plan, events)


def _masked(params: JsonValue) -> JsonObject:
    return params if isinstance(params, dict) else {}


def _check_same(found: OpenRun, new: NewRun, *, params: JsonObject) -> None:
    created = found.state.created
    if created and created.plan_digest == new.plan.digest and digest_of(created.params) == digest_of(params):
        return
    raise errors.Conflict(
        f"the idempotency key {new.idempotency_key!r} belongs to run {found.run}, made from another plan "
        "or with other parameters",
        code="idempotency-conflict",
        hint=f"use another key, or look at that run: nofx show {found.run}",
        context={"run": found.run},
    )
