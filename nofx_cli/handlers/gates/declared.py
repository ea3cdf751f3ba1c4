"""`gate:<name>`: a command that the project declares in `nofx.yaml`, and how its report is read.

The words of the command are the project's: nothing is added but what they have a place for.

    {report}   in a word: a file for the report, new at each attempt
    {paths}    as a word: the paths to examine, `.` where none are given
    {args}     as a word: the `args` of the step

The report is `{report}`, else the file that `report` names, else what the command prints on standard output. Only a
report of this very execution is read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.project import GateSpec, Parser
from nofx_cli.handlers.gates.evidence import EXAMINED, REPORT_LIMIT, Evidence, NoEvidence
from nofx_cli.handlers.gates.gate import Examination, GateHandler, last_words, refuse_missing, run_program
from nofx_cli.handlers.gates.parsers.table import judge_of
from nofx_cli.handlers.gates.report_file import ReportFile
from nofx_cli.ports.handler import StepHandler
from nofx_cli.ports.processes import ProcessResult

_REPORT, _PATHS, _ARGS = "{report}", "{paths}", "{args}"
_ENDINGS: Mapping[Parser, str] = {
    Parser.SARIF: "sarif",
    Parser.JUNIT: "xml",
    Parser.MYPY: "txt",
    Parser.PYTEST: "txt",
    Parser.TSC: "txt",
}
# Such a command lists what it would examine, in the same words as one that does.
_ONLY_LISTS: Mapping[Parser, str] = {Parser.TSC: "--listFilesOnly"}
_MORE_THAN_LIMIT = REPORT_LIMIT + 4  # room for a last character that is cut


def declared_gate(spec: GateSpec) -> StepHandler:
    """The handler of a gate of the project's own."""
    return GateHandler((f"gate:{spec.name}",), DeclaredCheck(spec), spec=spec)


class DeclaredCheck:
    """The check behind such a gate. It always applies: the project says so."""

    refused_args: tuple[str, ...] = ()

    def __init__(self, spec: GateSpec) -> None:
        self._spec = spec
        self.name = spec.name
        self.report = f"report.{_ENDINGS.get(spec.parser, 'json')}"

    def applies(self, workspace: Path) -> bool:
        return True

    def command(self, exam: Examination) -> list[str]:
        self._refuse(exam)
        return list(self._words(exam))

    def examine(self, exam: Examination) -> Evidence:
        command = self.command(exam)
        refuse_missing(exam)
        written = self._written(exam)
        printed = _MORE_THAN_LIMIT if written is None and self._spec.parser is not Parser.EXIT_CODE else 0
        result = run_program(exam.ctx, self.name, command, capture_limit=printed, of_nofx=False)
        data = self._read(written, result)
        try:
            evidence = judge_of(self._spec.parser)(
                data,
                exit_code=-1 if result.exit_code is None else result.exit_code,
                last=last_words(result),
                workspace=exam.workspace,
            )
        except NoEvidence:
            # The gate keeps what lies there, though it could not be believed.
            (exam.reports / self.report).write_bytes(data)
            raise
        return self._taken_as_it_is(evidence)

    def _refuse(self, exam: Examination) -> None:
        """Nothing that was asked for is left out in silence."""
        for given, place, name in ((exam.paths, _PATHS, "paths"), (exam.args, _ARGS, "args")):
            if given and place not in self._spec.command:
                hint = f"write {place} as a word of its `command` in {self._spec.source or 'nofx.yaml'}"
                message = f"gate {self.name} takes no `{name}`: its command has no place for them"
                raise NoEvidence(message, hint=hint, retryable=False)
        only_lists = _ONLY_LISTS.get(self._spec.parser)
        if only_lists in self._spec.command:
            raise NoEvidence(f"with {only_lists} the command of gate {self.name} checks nothing", retryable=False)

    def _words(self, exam: Examination) -> Iterator[str]:
        for word in self._spec.command:
            if word == _PATHS:
                yield from exam.paths or ["."]
            elif word == _ARGS:
                yield from exam.args
            else:
                yield word.replace(_REPORT, str(exam.reports / self.report))

    def _written(self, exam: Examination) -> ReportFile | None:
        """The file that the report is to be read from, as it is before the command; None: what it prints is it."""
        mark = exam.reports / "began"
        if any(_REPORT in word for word in self._spec.command if word not in (_PATHS, _ARGS)):
            return ReportFile.expected(exam.reports, self.report, mark=mark)
        if self._spec.report:
            return ReportFile.expected(exam.workspace, self._spec.report, mark=mark)
        return None

    def _read(self, written: ReportFile | None, result: ProcessResult) -> bytes:
        if self._spec.parser is Parser.EXIT_CODE:
            return b""
        if written is None:
            data = result.stdout.encode(errors="replace")
            if len(data) > REPORT_LIMIT:
                limit = REPORT_LIMIT // 1024 // 1024
                raise NoEvidence(f"{self.name} printed more than {limit} MiB", hint="let it write to {report}")
            return data
        return written.read(by=f"{self.name} (exit code {result.exit_code}{last_words(result)})")

    def _taken_as_it_is(self, evidence: Evidence) -> Evidence:
        """A report that does not say how much was examined is a pass only where the project says that it will do."""
        counted = any(name in evidence.counts for name in EXAMINED)
        if evidence.verdict is not Verdict.VACUOUS or counted or self._spec.min_examined:
            return evidence
        return replace(evidence, verdict=Verdict.PASSED, hint="")
