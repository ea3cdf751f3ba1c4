"""A hook of git becomes a run: of its plan, on the tree that git asks about, in a checkout that is kept for hooks.

A run that waits for a person is noted under what it is about: plan, rules, parameters, tree. The next time that git
asks about the same, that run answers, so that a commit which was approved passes.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, JsonValue, RunId, digest_of, is_run_id
from nofx_cli.domain.plan import Plan, WorkspaceMode
from nofx_cli.domain.record import record
from nofx_cli.domain.state import RunState, RunStatus
from nofx_cli.engine.create_run import NewRun, create_run
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.planning.catalogue import PlanFile, find_plan
from nofx_cli.planning.params import resolve_params
from nofx_cli.safety.git_command import Git
from nofx_cli.wiring.session import Session
from nofx_cli.workspace.checkout import Repository
from nofx_cli.workspace.hooks_checkout import HookCheckout
from nofx_cli.workspace.hooks_subject import HookedCheckout, Subject, changed_paths
from nofx_cli.workspace.places import FOLDER

FACTS = {
    "pre-commit": ("hook", "staged"),
    "commit-msg": ("hook", "staged", "message", "message_file"),
    "pre-push": ("hook", "staged", "remote", "url", "ref", "commit", "base"),
}
"""The parameters that a hook gives to a plan which declares them."""
_WAITING = "hooks.waiting"
_ORIGIN = "hook"
_KEPT_VARIABLES = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_SSH", "GIT_SSH_COMMAND")


@record
class HookPlan:
    """The plan of a hook, read and checked."""

    plan: Plan
    file: PlanFile


@record
class HookRun:
    """A run that examines a subject. `is_new` is False where it was made before, and waited for a person."""

    session: Session
    run: OpenRun
    subject: Subject
    about: str
    checkout: HookCheckout
    is_new: bool = True


def is_of_hook(state: RunState) -> bool:
    """Whether a run examines what git asked a hook about."""
    return state.created is not None and state.created.origin.get("kind") == _ORIGIN


def plan_of(session: Session, name: str, hook: str) -> HookPlan:
    """Read the plan of a hook; paths count from the working folder.

    Raises:
        errors.NotFound: there is none (code `plan-not-found`).
        errors.InvalidInput: it has faults, or requires a parameter that the hook does not give.
    """
    file = find_plan(name, project=session.project)
    plan = session.services.load_plan(file.text, file.source)
    given = {param.name: "" for param in plan.params if param.name in FACTS[hook]}
    resolve_params(plan, {**given, **({"hook": hook} if "hook" in given else {})}, source=hook)
    return HookPlan(plan, file)


def without_git(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what git says to hooks of its repository: a step with another one must not meet it."""
    return {name: value for name, value in environ.items() if not name.startswith("GIT_") or name in _KEPT_VARIABLES}


def begin(session: Session, hook: str, plan: HookPlan, subject: Subject, *, of: HookedCheckout) -> HookRun:
    """Make the run, or find the one that waited for a person and is about the same.

    Raises:
        errors.NofxError: it cannot be made.
    """
    params = _params(of.git, hook, plan.plan, subject)
    project, store = session.project, session.settings.store.value
    prefix = project.relative_to(of.top.resolve()).as_posix()
    repository = Repository(of.top, of.common, "" if prefix == "." else prefix)
    checkout = HookCheckout(project, store, repository, commit=subject.commit, tree=subject.tree)
    session = replace(session, services=replace(session.services, worktrees=lambda: checkout))
    about = _about(session, hook, plan.plan, subject, params)
    if (found := _waited(session, about)) is not None:
        return HookRun(session, found, subject, about, checkout, is_new=False)
    workspace: JsonObject = {
        "path": str(session.project),
        "mode": WorkspaceMode.WORKTREE.value,
        "commit": subject.commit,
        "branch": subject.branch,
        "dirty": False,
        "base": subject.tree,
    }
    new = NewRun(
        plan=plan.plan,
        text=plan.file.text,
        name=plan.file.name,
        params=params,
        workspace=workspace,
        origin={"kind": _ORIGIN, "hook": hook},
    )
    return HookRun(session, create_run(session.services, new, keys=session.keys), subject, about, checkout)


def end(hook_run: HookRun, state: RunState) -> None:
    """Put away what the run does not need any more, or note that it waits."""
    note = _note(hook_run.session, hook_run.about)
    if state.status is RunStatus.WAITING:
        hook_run.checkout.keep_base(hook_run.run.run)
        with suppress(OSError):  # then it is only asked anew
            note.parent.mkdir(exist_ok=True)
            note.write_text(hook_run.run.run, "ascii")
        return
    if not hook_run.is_new:
        note.unlink(missing_ok=True)
    if state.ended:
        with suppress(errors.NofxError):  # the next hook makes another checkout
            hook_run.checkout.give_back(hook_run.run.run)


def _params(git: Git, hook: str, plan: Plan, subject: Subject) -> JsonObject:
    wanted = {param.name for param in plan.params} & set(FACTS[hook])
    given: dict[str, JsonValue] = {name: subject.facts[name] for name in wanted & set(subject.facts)}
    if "hook" in wanted:
        given["hook"] = hook
    if "staged" in wanted:
        given["staged"] = "\n".join(changed_paths(git, subject))
    return resolve_params(plan, given, source=hook)


def _about(session: Session, hook: str, plan: Plan, subject: Subject, params: JsonObject) -> str:
    rules = session.services.rules().digest
    return digest_of([hook, plan.digest, rules, subject.commit, subject.tree, params])[:32]


def _note(session: Session, about: str) -> Path:
    return session.settings.store.value / FOLDER / _WAITING / about


def _waited(session: Session, about: str) -> OpenRun | None:
    """The run that waited for a person, unless it has failed since."""
    note = _note(session, about)
    try:
        text = note.read_text("ascii")
        run = OpenRun.load(session.services, RunId(text)) if is_run_id(text) else None
    except (OSError, UnicodeError, errors.NotFound, errors.InvalidInput):
        return None
    if run is None or run.state.status in (RunStatus.FAILED, RunStatus.CANCELLED):
        with suppress(OSError):
            os.unlink(note)
        return None
    return run
