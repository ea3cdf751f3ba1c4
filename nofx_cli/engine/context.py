"""The context of one attempt: all that its handler may use."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nofx_cli import errors
from nofx_cli.domain.databases import AsksFor, strictest
from nofx_cli.domain.events import ArtifactCreated, Event
from nofx_cli.domain.ids import JsonObject, JsonValue, RunId, StepName, digest_of, key_of_digest
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.project import limits_time
from nofx_cli.domain.state import RunState, is_replay
from nofx_cli.engine.cancellation import StopRequest
from nofx_cli.engine.output_file import read_output_file
from nofx_cli.engine.services import Services
from nofx_cli.engine.shown_text import asked_text
from nofx_cli.engine.snapshots import snapshots
from nofx_cli.engine.worktree import is_worktree, surroundings_of
from nofx_cli.ports.artifacts import ARTIFACTS
from nofx_cli.ports.handler import Feedback, Granted, StepCancelled
from nofx_cli.ports.processes import RECORD, ProcessResult, ProcessSpec, ShowLine
from nofx_cli.safety.environment import base_environment
from nofx_cli.safety.paths import contained
from nofx_cli.safety.policy import Denial, permissions_of

if TYPE_CHECKING:
    from nofx_cli.domain.evidence import Evidence
    from nofx_cli.domain.models import EditFormat, ModelAnswer, ModelRequest
    from nofx_cli.engine.budgets import Shortage
    from nofx_cli.engine.effects import BegunEffect
    from nofx_cli.engine.open_run import Batch
    from nofx_cli.ports.handler import RunTrees
    from nofx_cli.ports.workspaces import Surroundings

OUTPUT_FILE = "output"


class EndedOutputs(Mapping[StepName, JsonObject]):
    """The outputs of the steps that have ended, looked up as they are asked for."""

    def __init__(self, state: RunState) -> None:
        self._steps = state.steps

    def __getitem__(self, name: StepName) -> JsonObject:
        step = self._steps[name]
        if not step.ended:
            raise KeyError(name)
        return step.outputs

    def __iter__(self) -> Iterator[StepName]:
        return (name for name, step in self._steps.items() if step.ended)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class EngineContext:
    """Implements `ports.handler.StepContext`. Files and folders are made when they are first needed."""

    def __init__(
        self,
        services: Services,
        plan: Plan,
        state: RunState,
        step: Step,
        *,
        attempt: int,
        inputs: JsonObject,
        env: Mapping[str, str],
    ) -> None:
        assert state.run is not None
        self._services, self._plan, self._state, self._spec = services, plan, state, step
        self.run_id: RunId = state.run
        self.step, self.attempt, self.tool, self.inputs = step.name, attempt, step.tool, inputs
        self.inputs_digest = digest_of(inputs)
        self.idempotency_key = key_of_digest(self.run_id, step.name, self.inputs_digest)
        self.params: JsonObject = state.created.params if state.created else {}
        self.outputs: Mapping[StepName, JsonObject] = EndedOutputs(state)
        self.needs = step.needs
        self.env: Mapping[str, str] = env
        self.worker = services.actor.id
        self.workspace, self.store = services.workspace, services.store_folder
        self.approval: Granted | None = None
        self.previewed: JsonValue = None
        self.rules, self.began_with = services.rules(), state.rules
        self.permissions = permissions_of(self.rules, plan, step)
        self.denials: list[Denial] = []
        self._secrets: Mapping[str, str] | None = None
        self.cancellation = StopRequest()
        self.on_line: Callable[[str], None] | None = None
        self.touched_files = False
        self.append: Callable[[Callable[[Batch], None]], Sequence[Event]] = _nothing_to_append
        """Have something on record before the attempt goes on; raises `StepCancelled` where it was given up."""
        self.shortage: Shortage | None = None
        """The budget that holds the step up, whatever its handler makes of that."""
        self._shortage_of_time: Callable[[], Shortage] | None = None
        self._calls = 0
        self._effects: dict[tuple[str, str], BegunEffect] = {}
        self._scratch: Path | None = None
        self._deadline_ms = 0.0

    @property
    def secrets(self) -> Mapping[str, str]:
        """Got when they are first asked for. Raises `errors.NofxError` where one of them cannot be had."""
        if self._secrets is None:
            scopes = self._spec.secrets_scope
            self._secrets = self._services.secrets_of(scopes) if scopes else {}
        return self._secrets

    def deny(self, denial: Denial) -> errors.PolicyDenied:
        """Keep a denial for the record: whatever the handler makes of the error, the step fails by it."""
        self.denials.append(denial)
        context = {"rule": denial.rule, "source": denial.source}
        return errors.PolicyDenied(denial.message, hint=denial.hint, context=context)

    @property
    def limit_ms(self) -> int:
        """How long the step may take."""
        return self._spec.timeout_ms

    def begin(self) -> float:
        """Let the step's time run from now; returns when it is over, on the monotonic clock."""
        self._deadline_ms = self._services.clock.monotonic_ms() + self._time_left_ms()
        return self._deadline_ms

    def _time_left_ms(self) -> int:
        """What the step's own limit leaves, and budgets of time do; where those leave less, they hold the step up."""
        if not limits_time(self.rules, self._plan, self._spec):
            return self._spec.timeout_ms
        from nofx_cli.engine.budgets import wall_left

        left = wall_left(self._services, self._state, self._spec, now_us=self._services.clock.now_us())
        if left is None or left.ms >= self._spec.timeout_ms:
            return self._spec.timeout_ms
        self._shortage_of_time = left.shortage
        return left.ms

    @property
    def time_left_ms(self) -> int:
        if not self._deadline_ms:
            return self._spec.timeout_ms
        return max(round(self._deadline_ms - self._services.clock.monotonic_ms()), 1)

    @property
    def database_approval(self) -> AsksFor:
        return strictest(self.rules.database_approval, self._plan.database_approval, self._spec.database_approval)

    def note_timeout(self) -> None:
        """Its time is over; where that was a budget's, the budget holds it up."""
        if self._shortage_of_time is not None:
            self.shortage = self._shortage_of_time()

    @property
    def in_worktree(self) -> bool:
        """Whether the run works in a worktree of its own."""
        return self._state.created is not None and is_worktree(self._state.created.workspace)

    @property
    def tree(self) -> str:
        """The newest tree of that worktree that is kept."""
        return self._state.tree

    @property
    def surroundings(self) -> "Surroundings | None":
        """What the worktree needs that lies outside of it; None where there is none."""
        return surroundings_of(self._services, self.run_id) if self.in_worktree else None

    @property
    def is_shut_in(self) -> bool:
        """Whether its processes run in a sandbox."""
        return self._spec.sandbox is not None

    @property
    def scratch(self) -> Path:
        if self._scratch is None:
            self.touched_files = True
            self._scratch = self._services.artifacts.scratch(self.run_id, self.step, self.attempt)
        return self._scratch

    @property
    def work(self) -> str:
        return f"{self.run_id}/{self.step}/{self._state.steps[self.step].tried_since}"

    def log(self, text: str) -> None:
        line = self._services.mask_text(text)
        path = self._log_path()
        try:
            with open(path, "a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(line if line.endswith("\n") else line + "\n")
        except OSError as exc:
            from nofx_cli.safety.output import not_written

            raise not_written(path, exc) from exc
        if self.on_line is not None:
            self.on_line(line.rstrip("\n").rpartition("\n")[2])

    def put_artifact(self, name: str, data: bytes | str | Path) -> ArtifactCreated:
        self.touched_files = True
        content = data.encode() if isinstance(data, str) else data
        return self._services.artifacts.put(self.run_id, self.step, self.attempt, name, content)

    def artifacts_of(self, step: StepName) -> tuple[ArtifactCreated, ...]:
        found = self._state.steps.get(step)
        return tuple(found.artifacts) if found else ()

    def read_artifact(self, artifact: ArtifactCreated) -> bytes:
        with self._services.artifacts.open(self.run_id, artifact) as file:
            return file.read()

    def process(
        self,
        argv: Sequence[str],
        *,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        time_limit_ms: int | None = None,
        capture_limit: int = 0,
        of_nofx: bool = False,
        stdin: Path | None = None,
        show: ShowLine | None = None,
    ) -> ProcessResult:
        self.check_cancelled()
        left_ms = self.time_left_ms
        scratch, folder = self.scratch, self._folder(cwd)
        environment = self._environment(scratch, env or {})
        self._check_command(argv, environment, folder, of_nofx=of_nofx)
        spec = ProcessSpec(
            argv=argv,
            cwd=folder,
            env=environment,
            log=self._log_path(),
            record=scratch / RECORD,
            time_limit_ms=min(left_ms, time_limit_ms or left_ms),
            output_limit=self._services.limits.output_limit,
            capture_limit=capture_limit,
            grace_ms=self._services.limits.grace_ms,
            sandbox=self._spec.sandbox,
            workspace=self.workspace,
            writable=(scratch,),
            readonly=(self.store, *self._needed_outside()),
            stdin=stdin,
            show=show,
        )
        result = self._services.processes.run(spec, self.cancellation, on_line=self.on_line)
        if result.stopped == "timeout" and spec.time_limit_ms == left_ms:
            self.cancellation.stop("timeout")
        self.check_cancelled()
        return result

    def check_write(self, path: str) -> None:
        from nofx_cli.engine.written import check_write

        self._refuse(check_write(self._services, self.permissions, self.step, path))

    def check_host(self, url: str) -> None:
        self._refuse(self.permissions.check_host(url))

    def check_table(self, table: str, operation: str) -> None:
        self._refuse(self.permissions.check_table(table) or self.permissions.check_operation(operation))

    def _refuse(self, denial: Denial | None) -> None:
        if denial is not None:
            raise self.deny(denial)

    def read_outputs(self) -> JsonObject:
        if not self.touched_files:
            return {}
        return read_output_file(self.scratch / OUTPUT_FILE)

    def collect_artifacts(self) -> list[ArtifactCreated]:
        """Take in what the attempt and its processes made; nothing of it runs any more."""
        if not self.touched_files:
            return []
        store = self._services.artifacts
        store.adopt(self.run_id, self.step, self.attempt, self.scratch / ARTIFACTS)
        return store.collect(self.run_id, self.step, self.attempt)

    def is_granted(self, shown: JsonObject) -> bool:
        return self.approval is not None and self.approval.digest == asked_text(self._services, shown)[1]

    def snapshots(self) -> tuple[JsonObject, JsonObject] | None:
        return snapshots(self._services, self._state)

    def effect(self, kind: str, target: str, digest: str) -> "BegunEffect":
        from nofx_cli.domain.effects import Intent
        from nofx_cli.engine.effects import begin_effect

        self.check_cancelled()
        mask = self._services.mask_text
        intent = Intent(mask(kind), mask(target), digest, self.attempt)
        name = intent.kind, intent.target
        begun = self._effects.get(name)
        if begun is None or not begun.is_of(intent):
            if is_replay(self._state):
                from nofx_cli.engine.from_record import refuse_effect

                refuse_effect(self._state, *name)
            known = None if begun else self._state.steps[self.step].effects.get(name)
            begun = self._effects[name] = begin_effect(self, known, intent)
        return begun

    def made_before(self, kind: str, target: str) -> JsonObject | None:
        mask = self._services.mask_text
        step = self._state.steps[self.step]
        known = step.effects.get((mask(kind), mask(target)))
        if known is None or known.done is None or not step.is_of_standing_approval(known):
            return None
        return known.done.result

    def trees(self) -> "RunTrees | None":
        from nofx_cli.engine.worktree import trees_of

        return trees_of(self._services, self._state, self.step)

    def evidence(self) -> "Evidence":
        from nofx_cli.engine.evidence import evidence_of

        return evidence_of(self._services, self._state, self.step)

    def ask_model(self, request: "ModelRequest") -> "ModelAnswer":
        from nofx_cli.engine.ask_model import ask_model

        self.check_cancelled()
        return ask_model(self, request, services=self._services, state=self._state)

    def edit_format(self, request: "ModelRequest") -> "EditFormat":
        models = self._services.models()
        return models.edit_format(models.route(request)[0])

    def next_call(self) -> int:
        """The number of the next call to a model in this attempt, from 1."""
        self._calls += 1
        return self._calls

    def hold_up(self, short: "Shortage") -> errors.BudgetExhausted:
        """A budget does not leave what is needed: whatever the handler makes of the error, that is how it ends."""
        self.shortage = short
        return errors.BudgetExhausted(short.message, hint=short.hint)

    @property
    def feedback(self) -> Feedback | None:
        told = self._state.steps[self.step].feedback
        if not told:
            return None
        from nofx_cli.engine.feedback import feedback_of
        from nofx_cli.engine.replayed import feedback_before

        before = feedback_before(self._services, self._state, self.step, told)
        return before or feedback_of(self._services, self.run_id, told)

    def check_cancelled(self) -> None:
        if self.cancellation.reason:
            raise StepCancelled(self.cancellation.reason)

    def _log_path(self) -> Path:
        path = self._services.artifacts.log_path(self.run_id, self.step, self.attempt)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _folder(self, cwd: str | Path | None) -> Path:
        if cwd is None or Path(cwd) == self.workspace:
            folder = self.workspace
        else:
            place = Path(cwd)
            name = place.relative_to(self.workspace) if place.is_relative_to(self.workspace) else place
            folder = contained(self.workspace, str(name))
        if not folder.is_dir():
            raise errors.NotFound(
                f"the working folder {folder} of step {self.step} does not exist",
                code="cwd-not-found",
                hint="make it in an earlier step, or mend `cwd` in the plan",
            )
        return folder

    def _check_command(
        self, argv: Sequence[str], environment: Mapping[str, str], folder: Path, *, of_nofx: bool
    ) -> None:
        base, permissions = self._base_environment(), self.permissions
        if of_nofx:  # nofx chose the program; the plan may not choose another one behind it
            self._refuse(permissions.check_environment(argv, env={**base, **self.env}, base_env=base))
            return
        self._refuse(
            permissions.check_command(argv, env=environment, base_env=base, cwd=folder, workspace=self.workspace)
        )

    def _needed_outside(self) -> tuple[Path, ...]:
        """What processes in a worktree must see, and may not write."""
        around = self.surroundings
        return (around.git, *around.lent) if around else ()

    def _base_environment(self) -> dict[str, str]:
        sees = self.permissions.sees if self.permissions.lists_env else None
        around = self.surroundings
        return {**base_environment(sees, self._services.environ), **(around.env if around else {}), **self.secrets}

    def _environment(self, scratch: Path, more: Mapping[str, str]) -> dict[str, str]:
        environment = self._base_environment()
        environment.update(self.env)
        environment.update(more)
        environment.update(marks(self.run_id, self.step, self.attempt))
        environment["NOFX_IDEMPOTENCY_KEY"] = self.idempotency_key
        environment["NOFX_OUTPUT"] = str(scratch / OUTPUT_FILE)
        artifacts = scratch / ARTIFACTS
        artifacts.mkdir(exist_ok=True)
        environment["NOFX_ARTIFACTS"] = os.fspath(artifacts)
        return environment


def _nothing_to_append(_build: "Callable[[Batch], None]") -> Sequence[Event]:
    raise TypeError("a handler that is `instant` has no effects and asks no models: nobody could put that on record")


def marks(run: RunId, step: StepName, attempt: int) -> dict[str, str]:
    """What every process of an attempt carries in its environment, by which it is found after a crash."""
    return {"NOFX_RUN_ID": run, "NOFX_STEP": step, "NOFX_ATTEMPT": str(attempt)}
