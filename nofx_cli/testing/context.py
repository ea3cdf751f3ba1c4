"""A context for testing a handler without a run: it keeps what the handler says and makes, in memory.

```python
ctx = FakeContext(tmp_path, inputs={"to": "staging"}, processes=[process_result(exit_code=1, last_line="no route")])
outcome = Deploy().run(ctx)
assert ctx.calls[0].argv == ("ssh", "staging", "deploy")
```
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from nofx_cli import errors
from nofx_cli.domain.databases import DEFAULT_APPROVAL, AsksFor
from nofx_cli.domain.effects import Intent
from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.evidence import Evidence
from nofx_cli.domain.ids import JsonObject, JsonValue, RunId, StepName, digest_of_bytes, idempotency_key
from nofx_cli.domain.models import EditFormat, ModelAnswer, ModelReply, ModelRequest, request_digest
from nofx_cli.ports.handler import Feedback, Granted, RunTrees, StepCancelled
from nofx_cli.ports.processes import ProcessResult, ShowLine

_RUN = RunId("20260101-000000-aaaaaa")
_STEP = StepName("step")


@dataclass(frozen=True, slots=True)
class ProcessCall:
    """What a handler asked to run. `cwd` is absolute; `env` holds only what the handler added."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    time_limit_ms: int | None
    capture_limit: int
    of_nofx: bool = field(default=False, compare=False)
    stdin: str = ""
    """What it would read."""
    show: ShowLine | None = field(default=None, compare=False)
    """What the handler makes of its output; a function that answers `process` may feed it lines."""


def process_result(
    exit_code: int | None = 0,
    *,
    signal: str = "",
    stopped: str = "",
    stdout: str = "",
    last_line: str = "",
    survivors: int = 0,
    duration_ms: int = 1,
) -> ProcessResult:
    """How a process ended, for scripts; give `signal` or `stopped` together with `exit_code=None`."""
    return ProcessResult(
        exit_code=exit_code,
        signal=signal,
        stopped=stopped,
        stdout=stdout,
        last_line=last_line or stdout.strip().rpartition("\n")[2],
        log_bytes=len(stdout),
        cut_bytes=0,
        survivors=survivors,
        duration_ms=duration_ms,
    )


class FakeEffect:
    """A `ports.handler.Effect` that a handler under test began; `result` is None until it says that it was made."""

    def __init__(self, intent: Intent, result: JsonObject | None = None) -> None:
        self.intent, self.result = intent, result

    def done(self, result: JsonObject) -> None:
        assert self.result is None, f"{self.intent.kind} on {self.intent.target} is on record as made already"
        self.result = result


@dataclass
class FakeContext:
    """A `StepContext`. The workspace and the scratch folder are made below `folder`.

    Attributes:
        processes: answers `process`: a function of the call, or results (or exceptions to raise) in order.
        written_outputs: what `read_outputs` gives, as if processes had written it to `$NOFX_OUTPUT`.
        needed_artifacts: the artifacts of other steps: bytes by name, by step.
        answers: what a person granted: the `shown` of what the handler asked.
        snapshot: what gates rest on, as it was when the run was made and as it is now, or a function that gives them.
        feedback: in a repair, what the gate found.
        stop: the reason for which the step is to stop (`timeout`, `cancelled`, …); empty while there is none.
        run_trees: what the run changed in its worktree, where it has one.
        speaks_for_it: the gates, the cost and the end of the journal.
        made: what an earlier attempt has on record as made: results, by kind and target.
        on_intended: called with each effect that is put on record as intended; it may raise, as a crash would.
        effects: the effects that the handler began, in order.
        logged, artifacts, calls: what the handler wrote to its log, kept and ran so far.
    """

    folder: Path
    inputs: JsonObject = field(default_factory=dict)
    tool: str = "test:fake"
    run_id: RunId = _RUN
    step: StepName = _STEP
    attempt: int = 1
    params: JsonObject = field(default_factory=dict)
    outputs: Mapping[StepName, JsonObject] = field(default_factory=dict)
    needs: tuple[StepName, ...] = ()
    approval: Granted | None = None
    previewed: JsonValue = None
    database_approval: AsksFor = DEFAULT_APPROVAL
    time_left_ms: int = 60_000
    secrets: Mapping[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """What the policy was asked for; it allows everything."""
    processes: Callable[[ProcessCall], ProcessResult] | Sequence[ProcessResult | Exception] = ()
    written_outputs: JsonObject = field(default_factory=dict)
    needed_artifacts: Mapping[StepName, Mapping[str, bytes]] = field(default_factory=dict)
    answers: Sequence[JsonObject] = ()
    snapshot: tuple[JsonObject, JsonObject] | Callable[[], tuple[JsonObject, JsonObject]] | None = None
    stop: str = ""
    replies: Sequence[str | ModelReply | Exception] = ()
    """What models answer, in order; exceptions are raised."""
    edits: EditFormat = EditFormat.WHOLE
    feedback: Feedback | None = None
    work: str = "work"
    """The same for attempts of which one takes up what another left."""
    made: Mapping[tuple[str, str], JsonObject] = field(default_factory=dict)
    on_intended: Callable[[Intent], None] | None = None
    run_trees: RunTrees | None = None
    speaks_for_it: Evidence = field(default_factory=Evidence)
    workspace: Path = field(init=False)
    store: Path = field(init=False)
    scratch: Path = field(init=False)
    idempotency_key: str = field(init=False)
    logged: list[str] = field(init=False, default_factory=list)
    artifacts: dict[str, bytes] = field(init=False, default_factory=dict)
    calls: list[ProcessCall] = field(init=False, default_factory=list)
    effects: list[FakeEffect] = field(init=False, default_factory=list)
    requests: list[ModelRequest] = field(init=False, default_factory=list)
    """What models were asked."""

    def __post_init__(self) -> None:
        self.workspace = self.folder.resolve() / "workspace"
        self.store = self.workspace / "local_data"
        self.scratch = self.folder.resolve() / "scratch"
        self.workspace.mkdir(parents=True, exist_ok=True)
        self.scratch.mkdir(exist_ok=True)
        self.idempotency_key = idempotency_key(self.run_id, self.step, self.inputs)

    def log(self, text: str) -> None:
        self.logged.extend(text.splitlines())

    def put_artifact(self, name: str, data: bytes | str | Path) -> ArtifactCreated:
        place = PurePosixPath(name)
        if not name or place.is_absolute() or ".." in place.parts:
            raise errors.InvalidInput(f"{name!r} is not a name for an artifact", code="artifact-name")
        content = data.read_bytes() if isinstance(data, Path) else data.encode() if isinstance(data, str) else data
        self.artifacts[name] = content
        return _artifact(self.step, name, content)

    def artifacts_of(self, step: StepName) -> tuple[ArtifactCreated, ...]:
        return tuple(_artifact(step, name, data) for name, data in self.needed_artifacts.get(step, {}).items())

    def read_artifact(self, artifact: ArtifactCreated) -> bytes:
        for step, kept in {self.step: self.artifacts, **self.needed_artifacts}.items():
            if artifact.name in kept and artifact.path == _path(step, artifact.name):
                return kept[artifact.name]
        raise errors.NotFound(f"there is no artifact {artifact.path}")

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
        place = self.workspace / cwd if cwd else self.workspace
        read = stdin.read_text("utf-8") if stdin else ""
        call = ProcessCall(tuple(argv), place, dict(env or {}), time_limit_ms, capture_limit, of_nofx, read, show)
        self.calls.append(call)
        return self._answer(call)

    def check_write(self, path: str) -> None:
        self.asked.append(("write", path))

    def check_host(self, url: str) -> None:
        self.asked.append(("host", url))

    def check_table(self, table: str, operation: str) -> None:
        self.asked.append((operation, table))

    def read_outputs(self) -> JsonObject:
        return dict(self.written_outputs)

    def is_granted(self, shown: JsonObject) -> bool:
        return self.approval is not None and shown in self.answers

    def snapshots(self) -> tuple[JsonObject, JsonObject] | None:
        return self.snapshot() if callable(self.snapshot) else self.snapshot

    def effect(self, kind: str, target: str, digest: str) -> FakeEffect:
        self.check_cancelled()
        intent = Intent(kind, target, digest, self.attempt)
        begun = next((effect for effect in self.effects if effect.intent == intent), None)
        if begun is None:
            begun = FakeEffect(intent, self.made.get((kind, target)))
            self.effects.append(begun)
            if begun.result is None and self.on_intended is not None:
                self.on_intended(intent)
        return begun

    def made_before(self, kind: str, target: str) -> JsonObject | None:
        return self.made.get((kind, target))

    def trees(self) -> RunTrees | None:
        return self.run_trees

    def evidence(self) -> Evidence:
        return self.speaks_for_it

    def ask_model(self, request: ModelRequest) -> ModelAnswer:
        self.check_cancelled()
        self.requests.append(request)
        if len(self.requests) > len(self.replies):
            raise AssertionError(f"no reply is scripted for question {len(self.requests)}")
        reply = self.replies[len(self.requests) - 1]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, str):
            reply = ModelReply(reply, request.model or "fake/model")
        return ModelAnswer(reply, request_digest(request.canonical((reply.model,))))

    def edit_format(self, request: ModelRequest) -> EditFormat:
        return self.edits

    def check_cancelled(self) -> None:
        if self.stop:
            raise StepCancelled(self.stop)

    def _answer(self, call: ProcessCall) -> ProcessResult:
        if callable(self.processes):
            return self.processes(call)
        if len(self.calls) > len(self.processes):
            raise AssertionError(f"no result is scripted for process {len(self.calls)}: {' '.join(call.argv)}")
        result = self.processes[len(self.calls) - 1]
        if isinstance(result, Exception):
            raise result
        return result


def _artifact(step: StepName, name: str, data: bytes) -> ArtifactCreated:
    return ArtifactCreated(name, _path(step, name), digest_of_bytes(data), len(data))


def _path(step: StepName, name: str) -> str:
    return f"artifacts/{step}/{name}"
