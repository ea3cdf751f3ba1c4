"""From checks to the outcome of a step.

A check is a small class for one program: it says where it applies, what it runs, and makes `Evidence` of what the
program reported. A gate is one or more checks, such as ruff for Python and eslint for JavaScript: those run that apply
to the project, and the gate passes only where every one of them does. All else is here once: what a failed start, a
signal or a time-out means, settings of the project, what is kept, what is told, what the step's outcome is.
A new check is a new module and one line in `handlers.registry`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from nofx_cli import errors
from nofx_cli.domain.findings import found_of
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.outcome import Failed, GateEvaluation, Outcome, StepError, Succeeded, Verdict
from nofx_cli.domain.project import GateSpec
from nofx_cli.domain.record import record
from nofx_cli.handlers.failures import invalid_inputs, see_log
from nofx_cli.handlers.gates.baseline import held_against_baseline, is_baselined
from nofx_cli.handlers.gates.ecosystem import is_project
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, merged, read_report, with_least
from nofx_cli.handlers.gates.findings import with_gathered
from nofx_cli.handlers.gates.kept import keep_findings, told
from nofx_cli.handlers.inputs import Field, faults_of, is_template
from nofx_cli.ports.handler import StepCancelled, StepContext
from nofx_cli.ports.processes import ProcessResult

FIELDS = {"paths": Field(("list",)), "args": Field(("list",)), "optional": Field(("flag",))}
_LISTS = ("paths", "args")
_OPTIONAL = "leave the step out, or write `inputs: {optional: true}` so that the run goes on without it"


@record
class Examination:
    """What a check is asked to do. `paths` (below the workspace; empty: all) and `args` come from step or settings.

    Attributes:
        spec: what `nofx.yaml` says of the gate; its defaults where it says nothing.
        reports: a folder of this check alone, for its reports and caches; it is gone when the attempt has ended.
    """

    ctx: StepContext
    spec: GateSpec
    paths: list[str]
    args: list[str]
    reports: Path

    @property
    def workspace(self) -> Path:
        return self.ctx.workspace

    @property
    def store(self) -> str:
        """Where nofx's own files lie below the workspace, which is nothing to examine; empty where they do not."""
        workspace, store = self.ctx.workspace, self.ctx.store
        return store.relative_to(workspace).as_posix() if store.is_relative_to(workspace) else ""

    @property
    def left_out(self) -> list[str]:
        """That place as tools are told it; nothing where it is elsewhere: a worktree lies in the store itself."""
        return [str(self.ctx.store)] if self.store else []


class Check(Protocol):
    """What is particular to one program of a gate. Its methods may be called from several threads at a time."""

    @property
    def name(self) -> str:
        """The program, in messages and as the name of what it found: `ruff`."""
        ...

    @property
    def refused_args(self) -> tuple[str, ...]:
        """Options that a plan may not pass, because they would change what is measured or how it is reported."""
        ...

    @property
    def report(self) -> str:
        """The name of the program's report, in the folder `reports` and as an artifact; unique in its gate."""
        ...

    # Optional: `finds_secrets` is True where the lines of findings hold secrets; then a digest is kept that is slow to
    # make, for a quick one of a short line could be guessed.

    def applies(self, workspace: Path) -> bool:
        """Whether the project's own files say that it is for this program. Cheap, and runs nothing."""
        ...

    def command(self, exam: Examination) -> list[str]:
        """The command that `examine` runs. Raises `NoEvidence` if there is none."""
        ...

    def examine(self, exam: Examination) -> Evidence:
        """Run the program (with `run_program`), read its report, and judge. Raises `NoEvidence`."""
        ...


class GateHandler:
    """Runs checks as a step. Inputs: `paths` to examine, below the workspace, and `args` for the program.

    Where none of the checks applies, the verdict is `skipped`: there is a project, but nothing in it for this gate.
    That is no pass; only a step that says `optional: true` in its inputs goes on then, and where the gate is switched
    off. Where there is no project at all, the first check is asked all the same: it tells that it examined nothing.
    """

    rerun_safe = True

    def __init__(self, tools: Sequence[str], *checks: Check, spec: GateSpec | None = None) -> None:
        self._tools, self._checks = tuple(tools), checks
        self._spec = spec or GateSpec(self._tools[0].removeprefix("gate:"))

    def match(self, tool: str) -> bool:
        return tool in self._tools

    def configured(self, spec: GateSpec) -> "GateHandler":
        """The same gate with settings of the project."""
        return GateHandler(self._tools, *self._checks, spec=spec)

    @property
    def default_severity(self) -> str:
        """What a step has that does not say; empty: nothing is said here either."""
        return self._spec.severity.value if self._spec.severity else ""

    @property
    def default_timeout_ms(self) -> int | None:
        """What a step has that does not say."""
        return self._spec.timeout_ms

    def check(self, inputs: JsonObject) -> list[str]:
        return faults_of(inputs, FIELDS) or [
            *(fault for path in texts(inputs, "paths") if (fault := _path_fault(path))),
            *(fault for arg in texts(inputs, "args") if (fault := self._arg_fault(arg))),
            *(f"`{name}` must list texts" for name in _LISTS if not _all_texts(inputs.get(name))),
        ]

    def preview(self, ctx: StepContext) -> JsonObject:
        """What would run: `argv` of the first program and, where there are more, all by name in `programs`."""
        if not self._spec.enabled:
            return {"argv": [], "fault": self._switched_off()}
        applying = self._applying(ctx)
        if not applying:
            return {"argv": [], "fault": self._not_applicable()}
        # The folder is another one at each attempt; what is approved must not differ by that.
        shown = [_shown(check, self._examination(ctx, Path("<scratch>"))) for check in applying]
        if len(shown) == 1:
            return shown[0]
        programs = {check.name: one for check, one in zip(applying, shown, strict=True)}
        return {**shown[0], "programs": programs}

    def run(self, ctx: StepContext) -> Outcome:
        faults = self.check(ctx.inputs)
        if faults:
            return invalid_inputs(faults)
        from nofx_cli.handlers.gates.integrity.watch import Watch

        watch = Watch(ctx, own=bool(self._spec.command))
        return watch.held(self._judged(ctx))

    def _judged(self, ctx: StepContext) -> Succeeded | Failed:
        if not self._spec.enabled:
            return self._conclude(ctx, Evidence(Verdict.SKIPPED, self._switched_off()), {})
        applying = self._applying(ctx)
        if not applying:
            return self._conclude(ctx, Evidence(Verdict.SKIPPED, self._not_applicable(), hint=_OPTIONAL), {})
        reports: dict[str, bytes] = {}
        evidence = []
        for check in applying:
            private = getattr(check, "finds_secrets", False)
            examined = with_gathered(self._examine(ctx, check), ctx.workspace, tool=check.name, private=private)
            evidence.append(examined)
            if examined.report:
                reports[check.report] = examined.report
        found = with_least(self._merged(ctx, evidence), self._spec.min_examined)
        return self._conclude(ctx, found, reports)

    def _merged(self, ctx: StepContext, parts: Sequence[Evidence]) -> Evidence:
        if not is_baselined(ctx.tool, self._spec, ctx.workspace):
            return merged(parts)
        paths = texts(ctx.inputs, "paths") or self._spec.paths
        return held_against_baseline(ctx.tool, ctx.workspace, parts, paths=paths)

    def _examine(self, ctx: StepContext, check: Check) -> Evidence:
        """Each check has a folder of its own: neither another check nor another gate sees its report or its cache."""
        reports = ctx.scratch / check.name
        reports.mkdir(exist_ok=True)
        try:
            return check.examine(self._examination(ctx, reports))
        except NoEvidence as exc:
            # What could not be believed is still what a person will want to see.
            return replace(exc.evidence, report=_left_behind(reports / check.report))

    def _examination(self, ctx: StepContext, reports: Path) -> Examination:
        paths = texts(ctx.inputs, "paths") or list(self._spec.paths)
        return Examination(ctx, self._spec, paths, texts(ctx.inputs, "args"), reports)

    def _applying(self, ctx: StepContext) -> list[Check]:
        applying = [check for check in self._checks if check.applies(ctx.workspace)]
        return applying if applying or is_project(ctx.workspace) else [self._checks[0]]

    def _not_applicable(self) -> str:
        return f"the project has nothing for {' or '.join(check.name for check in self._checks)}"

    def _switched_off(self) -> str:
        return f"it is switched off in {self._spec.source}"

    def _conclude(self, ctx: StepContext, evidence: Evidence, reports: Mapping[str, bytes]) -> Succeeded | Failed:
        kept = [ctx.put_artifact(name, report) for name, report in reports.items()]
        if evidence.findings:
            keep_findings(ctx, evidence)
        ctx.log("\n".join(told(ctx, evidence)))
        digest = kept[0].digest if kept else ""
        found = found_of(evidence.findings)
        gate = GateEvaluation(ctx.tool, evidence.verdict, evidence.summary, evidence.counts, digest, found)
        outputs: JsonObject = {"verdict": evidence.verdict.value, "summary": evidence.summary, **evidence.counts}
        let_through = evidence.verdict is Verdict.SKIPPED and ctx.inputs.get("optional") is True
        if evidence.verdict is Verdict.PASSED or let_through:
            return Succeeded(outputs, gate)
        # A time-out has one code, whatever was being done.
        code = "timeout" if evidence.verdict is Verdict.TIMED_OUT else f"gate-{evidence.verdict}"
        error = StepError(code, evidence.summary, evidence.hint or see_log(ctx))
        return Failed(error, retryable=evidence.retryable, outputs=outputs, gate=gate)

    def _arg_fault(self, arg: str) -> str:
        for refused in dict.fromkeys(option for check in self._checks for option in check.refused_args):
            short = not refused.startswith("--")
            if arg == refused or arg.startswith(refused if short else f"{refused}="):
                return f"`args` may not have {refused}: it would change what the gate measures"
        return "`args` may not have --: write what is to be examined under `paths`" if arg == "--" else ""


def _shown(check: Check, exam: Examination) -> JsonObject:
    try:
        return {"argv": tuple(check.command(exam))}
    except NoEvidence as exc:
        return {"argv": [], "fault": exc.evidence.summary, "hint": exc.evidence.hint}


def run_program(
    ctx: StepContext,
    name: str,
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdout: Path | None = None,
    stderr: Path | None = None,
    modules: Path | None = None,
    capture_limit: int = 0,
    of_nofx: bool = True,
) -> ProcessResult:
    """Run the program of a check, called `name` in messages; returns only when it exited by itself.

    `stdout` and `stderr` are files that take what it writes there; the log does not have it then. `modules` is a
    folder that Python looks for modules in, too. `of_nofx` and `capture_limit` are as in `ctx.process`.

    Raises:
        NoEvidence: it could not be started, was ended by a signal, or took too long.
    """
    ctx.log("$ " + " ".join(command))
    try:
        result = ctx.process(
            _redirected(_redirected(_with_modules(command, modules), ">", stdout), "2>", stderr),
            env=env,
            capture_limit=capture_limit,
            of_nofx=of_nofx,
        )
    except errors.PolicyDenied:
        raise
    except (errors.NotFound, errors.Denied) as exc:
        raise NoEvidence(exc.message, hint=exc.hint, retryable=False) from exc
    if result.stopped == "timeout":
        raise NoEvidence(f"{name} did not end within its time limit", verdict=Verdict.TIMED_OUT)
    if result.stopped:
        raise StepCancelled(result.stopped)
    if result.exit_code is None:
        raise NoEvidence(f"{name} was ended by {result.signal}{last_words(result)}")
    return result


def _redirected(command: Sequence[str], stream: str, file: Path | None) -> Sequence[str]:
    return command if file is None else ["/bin/sh", "-c", f'exec "$@" {stream}"$0"', str(file), *command]


def _with_modules(command: Sequence[str], folder: Path | None) -> Sequence[str]:
    """What the environment says of `PYTHONPATH` holds as well, and only the process knows it."""
    script = 'PYTHONPATH="$0${PYTHONPATH:+:$PYTHONPATH}" exec "$@"'
    return command if folder is None else ["/bin/sh", "-c", script, str(folder), *command]


def refuse_missing(exam: Examination) -> None:
    """Hold the paths that are to be examined against the workspace.

    Raises:
        NoEvidence: one of them is not there.
    """
    missing = [path for path in exam.paths if not (exam.workspace / path).exists()]
    if missing:
        raise NoEvidence(f"the workspace has no {', '.join(missing)}", hint="correct `paths`", retryable=False)


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
