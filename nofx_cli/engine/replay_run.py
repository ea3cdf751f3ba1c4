"""Run a run again with the answers of the archive alone, and compare what comes of it with what came of it before.

The replay is a run of its own, whose origin says what it repeats; `ask_model` then takes every answer from what that
run got, and asks nobody. It begins from the same commit, with the same plan and parameters, and people's decisions are
repeated, with their dates and notes. What is compared is what steps came to: their status, their outputs and artifacts
byte for byte, the tree of the worktree. Of a gate it is the verdict and what was found: reports of its tools tell times
and places.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nofx_cli import errors
from nofx_cli.domain.findings import FINDINGS_FILE
from nofx_cli.domain.ids import JsonObject, StepName, digest_of
from nofx_cli.domain.record import record
from nofx_cli.domain.state import REPLAY, RunState
from nofx_cli.domain.step_state import StepState, StepStatus
from nofx_cli.engine.answer import answer
from nofx_cli.engine.create_run import NewRun, repeat
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.replayed import decisions
from nofx_cli.engine.services import Services
from nofx_cli.engine.worktree import is_worktree


@record
class Difference:
    """What is not as it was. `what` is `status`, `outputs`, `artifact <name>`, `tree`, `verdict` or `findings`."""

    step: StepName
    what: str
    was: str
    now: str


@record
class Comparison:
    """A run and its replay. `compared` counts the steps, `outputs` and `artifacts` what was held side by side."""

    differences: tuple[Difference, ...]
    steps: int
    artifacts: int

    @property
    def same(self) -> bool:
        return not self.differences


def new_replay(old: OpenRun, services: Services, *, writes: bool) -> NewRun:
    """What makes the replay of a run. `writes` tells whether steps of its plan change the workspace.

    Raises:
        errors.Conflict: the run has not ended (code `run-not-ended`), it worked in another folder than this project
            (code `other-project`), or what it worked on is not there any more as it was (code `not-replayable`).
    """
    if not old.state.ended:
        raise errors.Conflict(
            f"run {old.run} is {old.state.status}; only what has ended can be replayed",
            code="run-not-ended",
            hint=f"nofx resume {old.run}",
        )
    workspace = _workspace(old, services, writes=writes)
    origin: JsonObject = {"kind": REPLAY, "run": old.run}
    return replace(repeat(old, workspace=workspace), origin=origin)


def _workspace(old: OpenRun, services: Services, *, writes: bool) -> JsonObject:
    was = old.state.created.workspace if old.state.created else {}
    if was.get("path") != str(services.workspace):
        raise errors.Conflict(
            f"run {old.run} was made in {was.get('path')}, and not in this project",
            code="other-project",
            hint="replay it there",
        )
    kept = {name: value for name, value in was.items() if name != "tree"}
    if is_worktree(was) or not writes:
        return kept
    commit = str(was.get("commit", ""))
    if not commit or was.get("dirty") or services.worktrees is None:
        raise errors.Conflict(
            f"run {old.run} changed the folder itself, and what was in it before is not kept",
            code="not-replayable",
            hint="what works in a worktree can be replayed: `workspace: worktree` in the plan, in a git repository",
        )
    return {**kept, "mode": "worktree", "base": services.worktrees().base_tree(commit)}


def answer_as_before(replay: OpenRun, old: OpenRun) -> list[StepName]:
    """Repeat people's decisions on what the replay waits for; returns the steps that were answered."""
    answered, store = [], replay.services.store
    for step in replay.state.in_status(StepStatus.WAITING):
        asked = step.approval
        if asked is None or asked.decision is not None:
            continue
        given = sum(1 for one in decisions(store, replay.run, step.name) if one.reason is asked.reason)
        before = [one for one in decisions(store, old.run, step.name) if one.reason is asked.reason]
        if given < len(before):
            was = before[given]
            note = f"as in run {old.run}" + (f": {was.note}" if was.note else "")
            answer(replay, step.name, was.decision, note=note)
            answered.append(step.name)
    return answered


def compare(old: RunState, new: RunState) -> Comparison:
    """Hold what the steps came to side by side."""
    differences: list[Difference] = []
    artifacts = 0
    for name, was in old.steps.items():
        now = new.steps[name]
        differences += _step_differences(old, was, now)
        artifacts += len(_digests(old, was))
    return Comparison(tuple(differences), len(old.steps), artifacts)


def _step_differences(run: RunState, was: StepState, now: StepState) -> Iterator[Difference]:
    name = was.name
    if was.status is not now.status:
        told = f"{now.status.value}: {now.error.message}" if now.error else now.status.value
        yield Difference(name, "status", was.status.value, told)
    if _is_gate(run, was):
        yield from _gate_differences(was, now)
    elif digest_of(was.outputs) != digest_of(now.outputs):
        yield Difference(name, "outputs", digest_of(was.outputs), digest_of(now.outputs))
    before, after = _digests(run, was), _digests(run, now)
    for file in sorted(before.keys() | after.keys()):
        if before.get(file) != after.get(file):
            yield Difference(name, f"artifact {file}", before.get(file, "missing"), after.get(file, "missing"))
    if was.tree and now.tree and was.tree != now.tree:
        yield Difference(name, "tree", was.tree, now.tree)


def _gate_differences(was: StepState, now: StepState) -> Iterator[Difference]:
    before, after = was.gate, now.gate
    if (before.verdict if before else "") != (after.verdict if after else ""):
        yield Difference(was.name, "verdict", before.verdict if before else "none", after.verdict if after else "none")
    if (before.found if before else "") != (after.found if after else ""):
        yield Difference(was.name, "findings", before.found if before else "", after.found if after else "")


def _digests(run: RunState, step: StepState) -> Mapping[str, str]:
    """The artifacts that must be the same; of a gate only its findings."""
    gate = _is_gate(run, step)
    return {file.name: file.digest for file in step.artifacts if not gate or file.name == FINDINGS_FILE}


def _is_gate(run: RunState, step: StepState) -> bool:
    return run.plan.steps[step.place].is_gate
