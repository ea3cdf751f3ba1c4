"""From a check to the outcome of a step.

A check is a small class that says which program it runs and makes `Evidence` of what that program reported. All
else is here once: what a failed start, a signal or a time-out means, what is kept, what is told, what the step's
outcome is. A new gate is a new module with one check, and one line in `handlers.registry`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.outcome import Failed, GateEvaluation, Outcome, StepError, Succeeded, Verdict
from nofx_cli.handlers.failures import invalid_inputs, see_log
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.findings import findings_json
from nofx_cli.handlers.inputs import Field, faults_of, is_template
from nofx_cli.ports.handler import StepCancelled, StepContext
from nofx_cli.ports.processes import ProcessResult

LOGGED_FINDINGS = 20
_STDERR_TO_FILE = ("/bin/sh", "-c", 'exec "$@" 2>"$0"')
FIELDS = {"paths": Field(("list",)), "args": Field(("list",))}


class Check(Protocol):
    """What is particular to a gate. Its methods may be called from several threads at a time."""

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that plans may write for it."""
        ...

    @property
    def refused_args(self) -> tuple[str, ...]:
        """Options that a plan may not pass, because they would change what is measured or how it is reported."""
        ...

    @property
    def report(self) -> str:
        """The name of the program's report, in the folder that `command` is given and as an artifact."""
        ...

    def command(self, ctx: StepContext, reports: Path) -> list[str]:
        """The command that `examine` runs, with its report in that folder. Raises `NoEvidence` if there is none."""
        ...

    def examine(self, ctx: StepContext) -> Evidence:
        """Run the program (with `run_program`), read its report, and judge. Raises `NoEvidence`."""
        ...


class GateHandler:
    """Runs a check as a step. Inputs: `paths` to examine, below the workspace, and `args` for the program."""

    rerun_safe = True

    def __init__(self, check: Check) -> None:
        self._check = check

    def match(self, tool: str) -> bool:
        return tool in self._check.tools

    def check(self, inputs: JsonObject) -> list[str]:
        return faults_of(inputs, FIELDS) or [
            *(fault for path in texts(inputs, "paths") if (fault := _path_fault(path))),
            *(fault for arg in texts(inputs, "args") if (fault := self._arg_fault(arg))),
            *(f"`{name}` must list texts" for name in FIELDS if not _all_texts(inputs.get(name))),
        ]

    def preview(self, ctx: StepContext) -> JsonObject:
        try:
            # The folder is another one at each attempt; what is approved must not differ by that.
            return {"argv": tuple(self._check.command(ctx, Path("<scratch>")))}
        except NoEvidence as exc:
            return {"argv": [], "fault": exc.evidence.summary, "hint": exc.evidence.hint}

    def run(self, ctx: StepContext) -> Outcome:
        faults = self.check(ctx.inputs)
        if faults:
            return invalid_inputs(faults)
        try:
            evidence = self._check.examine(ctx)
        except NoEvidence as exc:
            # What could not be believed is still what a person will want to see.
            evidence = replace(exc.evidence, report=_left_behind(ctx.scratch / self._check.report))
        return self._conclude(ctx, evidence)

    def _conclude(self, ctx: StepContext, evidence: Evidence) -> Outcome:
        digest = ctx.put_artifact(self._check.report, evidence.report).digest if evidence.report else ""
        if evidence.findings:
            ctx.put_artifact("findings.json", findings_json(evidence.findings))
        ctx.log("\n".join(_told(evidence)))
        gate = GateEvaluation(ctx.tool, evidence.verdict, evidence.summary, evidence.counts, digest)
        outputs: JsonObject = {"verdict": evidence.verdict.value, "summary": evidence.summary, **evidence.counts}
        if evidence.verdict is Verdict.PASSED:
            return Succeeded(outputs, gate)
        # A time-out has one code, whatever was being done.
        code = "timeout" if evidence.verdict is Verdict.TIMED_OUT else f"gate-{evidence.verdict}"
        error = StepError(code, evidence.summary, evidence.hint or see_log(ctx))
        return Failed(error, retryable=evidence.retryable, outputs=outputs, gate=gate)

    def _arg_fault(self, arg: str) -> str:
        for refused in self._check.refused_args:
            short = not refused.startswith("--")
            if arg == refused or arg.startswith(refused if short else f"{refused}="):
                return f"`args` may not have {refused}: it would change what the gate measures"
        return "`args` may not have --: write what is to be examined under `paths`" if arg == "--" else ""


def run_program(
    ctx: StepContext,
    name: str,
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stderr: Path | None = None,
) -> ProcessResult:
    """Run the program of a check, called `name` in messages; returns only when it exited by itself.

    `stderr` is a file that takes what it writes there.

    Raises:
        NoEvidence: it could not be started, was ended by a signal, or took too long.
    """
    ctx.log("$ " + " ".join(command))
    try:
        result = ctx.process(command if stderr is None else [*_STDERR_TO_FILE, str(stderr), *command], env=env)
    except (errors.NotFound, errors.Denied) as exc:
        raise NoEvidence(exc.message, hint=exc.hint, retryable=False) from exc
    if result.stopped == "timeout":
        raise NoEvidence(f"{name} did not end within its time limit", verdict=Verdict.TIMED_OUT)
    if result.stopped:
        raise StepCancelled(result.stopped)
    if result.exit_code is None:
        raise NoEvidence(f"{name} was ended by {result.signal}{last_words(result)}")
    return result


def texts(inputs: JsonObject, name: str) -> list[str]:
    """The texts of a list among the inputs; none where it is not there."""
    value = inputs.get(name)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []


def last_words(result: ProcessResult) -> str:
    """The last line that the program printed, to go behind a message."""
    return f": {result.last_line}" if result.last_line else ""


def _all_texts(value: JsonValue) -> bool:
    return not isinstance(value, list | tuple) or all(isinstance(item, str) for item in value)


def _path_fault(path: str) -> str:
    if is_template(path):
        return ""
    if not path or path.startswith(("-", "/", "~")) or ".." in path.split("/"):
        return f"`paths` may not have `{path}`: it is not a path below the workspace"
    return ""


def _left_behind(report: Path) -> bytes:
    try:
        return read_report(report, by="")
    except NoEvidence:
        return b""


def _told(evidence: Evidence) -> list[str]:
    lines = [str(finding) for finding in evidence.findings[:LOGGED_FINDINGS]]
    more = len(evidence.findings) - len(lines)
    if more:
        lines.append(f"… and {more} more in findings.json")
    return [*lines, f"{evidence.verdict}: {evidence.summary}"]
