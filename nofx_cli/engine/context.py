"""The context of one attempt: all that its handler may use."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.ids import JsonObject, RunId, StepName, digest_of, key_of_digest
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.state import RunState
from nofx_cli.engine.cancellation import StopRequest
from nofx_cli.engine.output_file import read_output_file
from nofx_cli.engine.services import Services
from nofx_cli.ports.artifacts import ARTIFACTS
from nofx_cli.ports.handler import Granted, StepCancelled
from nofx_cli.ports.processes import RECORD, ProcessResult, ProcessSpec
from nofx_cli.safety.environment import base_environment
from nofx_cli.safety.paths import contained
from nofx_cli.safety.policy import allowed_env

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
        self.cancellation = StopRequest()
        self.on_line: Callable[[str], None] | None = None
        self.touched_files = False
        self._scratch: Path | None = None
        self._deadline_ms = 0.0

    def begin(self) -> float:
        """Let the step's time run from now; returns when it is over, on the monotonic clock."""
        self._deadline_ms = self._services.clock.monotonic_ms() + self._spec.timeout_ms
        return self._deadline_ms

    @property
    def scratch(self) -> Path:
        if self._scratch is None:
            self.touched_files = True
            self._scratch = self._services.artifacts.scratch(self.run_id, self.step, self.attempt)
        return self._scratch

    def log(self, text: str) -> None:
        line = self._services.mask_text(text)
        with open(self._log_path(), "a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(line if line.endswith("\n") else line + "\n")
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
    ) -> ProcessResult:
        self.check_cancelled()
        left_ms = max(round(self._deadline_ms - self._services.clock.monotonic_ms()), 1)
        scratch = self.scratch
        spec = ProcessSpec(
            argv=argv,
            cwd=self._folder(cwd),
            env=self._environment(scratch, env or {}),
            log=self._log_path(),
            record=scratch / RECORD,
            time_limit_ms=min(left_ms, time_limit_ms or left_ms),
            output_limit=self._services.limits.output_limit,
            capture_limit=capture_limit,
            grace_ms=self._services.limits.grace_ms,
        )
        result = self._services.processes.run(spec, self.cancellation, on_line=self.on_line)
        if result.stopped == "timeout" and spec.time_limit_ms == left_ms:
            self.cancellation.stop("timeout")
        self.check_cancelled()
        return result

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

    def _environment(self, scratch: Path, more: Mapping[str, str]) -> dict[str, str]:
        environment = base_environment(allowed_env(self._plan.policy, self._spec), self._services.environ)
        environment.update(self.env)
        environment.update(more)
        environment.update(marks(self.run_id, self.step, self.attempt))
        environment["NOFX_IDEMPOTENCY_KEY"] = self.idempotency_key
        environment["NOFX_OUTPUT"] = str(scratch / OUTPUT_FILE)
        artifacts = scratch / ARTIFACTS
        artifacts.mkdir(exist_ok=True)
        environment["NOFX_ARTIFACTS"] = os.fspath(artifacts)
        return environment


def marks(run: RunId, step: StepName, attempt: int) -> dict[str, str]:
    """What every process of an attempt carries in its environment, by which it is found after a crash."""
    return {"NOFX_RUN_ID": run, "NOFX_STEP": step, "NOFX_ATTEMPT": str(attempt)}
