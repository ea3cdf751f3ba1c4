"""Handlers: the code that runs a tool. This module is the public face for plugins too (`nofx_cli.plugin`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from nofx_cli.domain.databases import AsksFor
from nofx_cli.domain.effects import Intent, Reconciled
from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.ids import JsonObject, JsonValue, RunId, StepName
from nofx_cli.domain.outcome import Outcome
from nofx_cli.domain.record import record
from nofx_cli.ports.processes import ProcessResult, ShowLine

if TYPE_CHECKING:  # runs that ask no model do not load them
    from nofx_cli.domain.evidence import Evidence
    from nofx_cli.domain.findings import Finding
    from nofx_cli.domain.models import EditFormat, ModelAnswer, ModelRequest


class StepCancelled(Exception):
    """The step is to stop now; raised by `ctx.check_cancelled()` and by `ctx.process(...)`. Handlers let it pass.

    `reason` is `timeout`, `cancelled`, `interrupted` or `killed`, as `Cancellation.reason`.
    """

    def __init__(self, reason: str = "cancelled") -> None:
        super().__init__(reason)
        self.reason = reason


@record
class Granted:
    """The approval that the step runs under."""

    by: str
    at: str
    note: str
    digest: str


class Effect(Protocol):
    """A change to the outside world that `StepContext.effect` put on record as intended."""

    @property
    def result(self) -> JsonObject | None:
        """What came of it where it was made already, by this attempt or an earlier one; else None: it is to be made."""
        ...

    def done(self, result: JsonObject) -> None:
        """Say that it was made, and where it can be seen; returns when that is durably on record.

        Raises:
            StepCancelled: the attempt was given up. What was made stays made; the next attempt reconciles.
        """
        ...


@record
class Feedback:
    """Why the step is done again in a repair.

    Attributes:
        gate: the name of the step whose gate failed.
        round: of the attempt that begins, from 2. `of` is the most there are.
        summary: of the gate, in one sentence.
        findings: deduplicated, worst first; those that block.
        output: the end of what the gate's tools printed.
        before: how many findings each earlier round had.
    """

    gate: StepName
    round: int
    of: int
    summary: str
    findings: "tuple[Finding, ...]"
    output: str = ""
    before: tuple[int, ...] = ()


@record
class RunTrees:
    """What a run changed in its worktree: two trees of git.

    Attributes:
        project: the project's own folder, in the checkout that the worktree belongs to; git finds the trees from there.
        before: what the run began with.
        now: what the worktree has now.
    """

    project: Path
    before: str
    now: str


class StepContext(Protocol):
    """All that a handler may use. Attributes do not change while the handler runs."""

    run_id: RunId
    step: StepName
    attempt: int
    tool: str
    idempotency_key: str
    inputs: JsonObject
    """The step's inputs, templates already rendered."""
    params: JsonObject
    outputs: Mapping[StepName, JsonObject]
    """The outputs of the steps that have ended."""
    needs: tuple[StepName, ...]
    workspace: Path
    """The folder that the run works on; absolute, without links."""
    store: Path
    """The folder of nofx's own files. Where it lies in the workspace, it is no part of what is worked on."""
    approval: Granted | None
    previewed: JsonValue
    """What the handler's `preview` gave just now, when it was found to be what a person approved. None where nobody was
    asked, or where the step goes on with what was approved: after a change outside that is on record as made."""

    @property
    def secrets(self) -> Mapping[str, str]:
        """The secrets of the step's scopes, by name; its processes have them in their environment.

        Raises:
            errors.NofxError: one of them cannot be had (code `secret-unavailable`).
        """
        ...

    @property
    def database_approval(self) -> AsksFor:
        """Which changes of databases ask a person first: the strictest of what project, plan and step say."""
        ...

    @property
    def time_left_ms(self) -> int:
        """How long the step may still take, 1 at least; before it runs, all the time that it may take."""
        ...

    @property
    def scratch(self) -> Path:
        """A folder of the attempt's own for temporary files; made when asked for, gone when the attempt has ended."""
        ...

    @property
    def work(self) -> str:
        """What names this work: the same in an attempt that is made again because one was cut off, else another."""
        ...

    def log(self, text: str) -> None:
        """Write lines to the step's log, masked."""
        ...

    def put_artifact(self, name: str, data: bytes | str | Path) -> ArtifactCreated:
        """Keep a file with the run, under a relative name."""
        ...

    def artifacts_of(self, step: StepName) -> tuple[ArtifactCreated, ...]:
        """The artifacts of an ended step."""
        ...

    def read_artifact(self, artifact: ArtifactCreated) -> bytes:
        """The bytes of an artifact."""
        ...

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
        """Run a child process under the step's limits; `cwd` is below the workspace.

        The environment is PATH, HOME, LANG, TMPDIR, what policy allows, the secrets of the step's scopes, the step's
        `env`, the `NOFX_*` of the step, and `env`. `of_nofx` says that the command is one of nofx's own, which goes
        with the tool: the policy's rules on commands are about those that plans and settings write. `stdin` is a file
        that it reads instead of nothing; `show` makes of each line of its output what the log has of it.

        Raises:
            errors.PolicyDenied: a rule does not allow the command; the step fails by it in any case.
            StepCancelled: the run was cancelled, or the step's time is over; the process has been ended.
            errors.NotFound, errors.Denied: as `ProcessRunner.run`.
        """
        ...

    def check_write(self, path: str) -> None:
        """Ask the policy before a path below the workspace is written by the handler itself.

        Raises:
            errors.PolicyDenied: a rule does not allow it; the step fails by it in any case.
        """
        ...

    def check_host(self, url: str) -> None:
        """Ask the policy before the host of an address is reached. Raises `errors.PolicyDenied`."""
        ...

    def check_table(self, table: str, operation: str) -> None:
        """Ask the policy before an operation on a database table is done. Raises `errors.PolicyDenied`."""
        ...

    def read_outputs(self) -> JsonObject:
        """What processes wrote to the file `$NOFX_OUTPUT`: `key=value` lines and heredocs.

        Raises:
            errors.InvalidInput: a line is neither (code `output-syntax`), names line and remedy.
        """
        ...

    def is_granted(self, shown: JsonObject) -> bool:
        """Whether a person granted exactly this: the `shown` of the `Waiting` that the step asked with before."""
        ...

    def snapshots(self) -> tuple[JsonObject, JsonObject] | None:
        """What gates rest on, as it was when the run was made, and as it is now; None where the run has no snapshot.

        Raises:
            errors.Conflict: what was kept is not what the journal says, or is gone (code `snapshot-changed`).
        """
        ...

    def effect(self, kind: str, target: str, digest: str) -> Effect:
        """Put on record, durably, that the outside world is about to be changed.

        ```python
        effect = ctx.effect("git.push", f"{remote} {branch}", digest)
        if effect.result is None:
            effect.done({"commit": push()})
        ```

        What is left open, by a crash or a failure in between, is reconciled before the step's next attempt: its handler
        is asked whether it was made. A step that ends well with an effect left open fails (code `effect-left-open`).

        Args:
            kind: what is done, such as `git.push`; with `target` it names the effect within the step.
            target: what it is done to; never a secret.
            digest: SHA-256 of what is written there.

        Raises:
            StepCancelled: the step is to stop; the change must not be made.
        """
        ...

    def made_before(self, kind: str, target: str) -> JsonObject | None:
        """What came of an effect that an earlier attempt has on record as made, whatever was written; else None.

        Under an approval, only of what was begun after that was asked for: what was made before is no part of it.
        """
        ...

    def trees(self) -> RunTrees | None:
        """What the run changed so far, by this step and those before; None where it works in the project's folder.

        Raises:
            errors.Unavailable: git could not tell.
        """
        ...

    def evidence(self) -> "Evidence":
        """What speaks for the work that the step rests on: gates, cost, and the end of the journal as it is now."""
        ...

    def ask_model(self, request: "ModelRequest") -> "ModelAnswer":
        """Ask a model, or take the answer from the archive. On record, within budgets; the answer streams to the log.

        Raises:
            errors.BudgetExhausted: a budget does not leave what it can cost at most; nobody was asked. The step waits
                for a person or fails, as its budget says, whatever the handler makes of the error.
            errors.NofxError: as `ports.models.Models.route` and `ask`; in a replay, that the answer is not in the
                archive (code `not-in-archive`).
            StepCancelled: the step is to stop.
        """
        ...

    def edit_format(self, request: "ModelRequest") -> "EditFormat":
        """How the model that would be asked first is asked to write changes. Raises as `ports.models.Models.route`."""
        ...

    @property
    def feedback(self) -> Feedback | None:
        """In a repair, what the gate found that failed; else None."""
        ...

    def check_cancelled(self) -> None:
        """Raise `StepCancelled` when the step is to stop."""
        ...


@runtime_checkable
class StepHandler(Protocol):
    """Runs the tools that it matches. Its methods may be called from several threads at a time.

    Optional attributes, all False where a handler does not have them:

    - `rerun_safe`: an attempt that was cut off may simply run again;
    - `needs_approval`: every step of this tool asks a person first;
    - `writes`: the tool changes the workspace;
    - `instant`: `run` returns at once, without a process, a network or a long computation, so it is called where the
      run is decided, without a thread. A time limit cannot stop it.

    Optional methods:

    - `check(inputs) -> list[str]`: what is wrong with the inputs of a plan, before anything runs. Values may still
      be templates.
    - `writes_with(inputs) -> bool`: whether the tool changes the workspace when it has these inputs, in the place of
      `writes`. Values may still be templates; what depends on one is taken to write.
    - `preview(ctx) -> JsonObject`: what would be done, without doing it; shown by `--dry-run` and bound by approvals.
    - `asks_with(ctx) -> bool`: whether the step asks a person first, in the place of `needs_approval`.
    - `reconcile(ctx, intent: Intent) -> Done | NotDone | Unclear`: whether an effect that an earlier attempt intended,
      and of which nothing more is on record, was made. It looks, and changes nothing. A step of a handler that has it
      goes on by itself after a crash; where it is unclear, a person decides. It has the step's secrets and inputs, but
      runs no processes with `ctx.process`.
    """

    def match(self, tool: str) -> bool:
        """Whether this handler runs `tool`."""
        ...

    def run(self, ctx: StepContext) -> Outcome:
        """Do the step's work.

        A `NofxError` that it raises is a failure with that error's code, any other exception that is not
        `StepCancelled` one with code `handler-fault`; neither is retryable.
        """
        ...


class Handlers(Protocol):
    """The tools that plans may use."""

    def find(self, tool: str) -> StepHandler | None:
        """The handler of a tool, loaded now; None where nothing matches.

        Raises:
            errors.InvalidInput: the plugin that would have it is broken (code `plugin-broken`).
        """
        ...

    def patterns(self) -> tuple[str, ...]:
        """What can be written under `tool:`, for messages and completion."""
        ...


def handler_flag(handler: StepHandler, name: str) -> bool:
    """An optional attribute of a handler."""
    return bool(getattr(handler, name, False))


def handler_asks(handler: StepHandler, ctx: StepContext) -> bool:
    """Whether a step of the handler's asks a person before it runs."""
    asks_with = getattr(handler, "asks_with", None)
    return handler_flag(handler, "needs_approval") if asks_with is None else bool(asks_with(ctx))


def handler_reconciles(handler: StepHandler) -> bool:
    """Whether it can find out about effects of its own."""
    return getattr(handler, "reconcile", None) is not None


def reconcile_with(handler: StepHandler, ctx: StepContext, intent: Intent) -> Reconciled:
    """What the handler finds out about an effect that was intended; it must be able to."""
    found: Reconciled = handler.reconcile(ctx, intent)  # type: ignore[attr-defined]  # optional, asked for before
    return found


def handler_writes(handler: StepHandler, inputs: JsonObject) -> bool:
    """Whether a step of the handler's with these inputs changes the workspace; values may still be templates."""
    writes_with = getattr(handler, "writes_with", None)
    return handler_flag(handler, "writes") if writes_with is None else bool(writes_with(inputs))


def handler_preview(handler: StepHandler, ctx: StepContext) -> JsonValue:
    """What the handler would do, None where it cannot say."""
    preview = getattr(handler, "preview", None)
    return None if preview is None else preview(ctx)
