"""The check of TypeScript behind `gate:typecheck`: tsc.

The verdict rests on what tsc prints: its errors, and with `--listFiles` every file that it read, of which those of the
project count; see `parsers.tsc`. tsc writes nothing into the workspace: no output, and what it keeps for the next time
goes to the step's scratch folder.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates.ecosystem import is_typescript
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.gate import Examination, last_words, refuse_missing, run_program
from nofx_cli.handlers.gates.javascript.node_programs import node_program, version
from nofx_cli.handlers.gates.javascript.tsconfig import FILE, projects
from nofx_cli.handlers.gates.parsers import tsc as parser

_NOT_BUILT = ("TS6305", "TS6306")
_VACUOUS_HINT = f"see what `include`, `files` and `exclude` in {FILE} name"
_REFUSED = frozenset({
    "all", "b", "build", "d", "declaration", "generatecpuprofile", "generatetrace", "h", "help", "incremental", "init",
    "listfiles", "listfilesonly", "locale", "nocheck", "noemit", "outdir", "outfile", "p", "pretty", "project",
    "showconfig", "tsbuildinfofile", "v", "version", "w", "watch",
})  # fmt: skip
"""tsc takes its options with one dash or two, and in any case."""
_CAN_LEAVE_OUT_CHECKS = (5, 6)
_OPTIONS = ("--noEmit", "--pretty", "false", "--listFiles", "--incremental")


class Tsc:
    """tsc, where there is a `tsconfig.json`."""

    name = "tsc"
    report = "tsc.txt"
    refused_args = (
        *sorted(f"--{name}" for name in _REFUSED if len(name) > 1),
        "--noEmit",
        "--noCheck",
    )

    def applies(self, workspace: Path) -> bool:
        return is_typescript(workspace)

    def command(self, exam: Examination) -> list[str]:
        return next(self._commands(exam))

    def examine(self, exam: Examination) -> Evidence:
        refuse_missing(exam)
        printed, exit_code, last = b"", 0, ""
        for number, command in enumerate(self._commands(exam)):
            part = exam.reports / f"tsc-{number}.txt"
            result = run_program(exam.ctx, "tsc", command, stdout=part)
            printed += read_report(part, by="tsc")
            exit_code, last = max(exit_code, result.exit_code or 0), last_words(result) or last
        (exam.reports / self.report).write_bytes(printed)
        return judge(printed, exit_code=exit_code, last=last, workspace=exam.workspace)

    def _commands(self, exam: Examination) -> Iterator[list[str]]:
        """One a project: tsc checks one at a time, unless it may build them."""
        refused = [arg for arg in exam.args if arg.startswith("@") or arg.lstrip("-").lower() in _REFUSED]
        if refused:
            raise NoEvidence(f"`args` may not have {refused[0]}: it would change what is measured", retryable=False)
        tsc = node_program(exam.workspace, "tsc", package="typescript", paths=exam.paths)
        # With `noCheck` in its settings tsc would name its files, and look for no fault of types in them.
        checking = ["--noCheck", "false"] if version(tsc, "typescript") >= _CAN_LEAVE_OUT_CHECKS else []
        for number, project in enumerate(_projects(exam)):
            kept = str(exam.reports / f"{number}.tsbuildinfo")
            yield [str(tsc), *exam.args, "-p", project, *_OPTIONS, *checking, "--tsBuildInfoFile", kept]


def judge(printed: bytes, *, exit_code: int, last: str, workspace: Path) -> Evidence:
    """Make evidence of what tsc printed.

    Raises:
        NoEvidence: as the parser; or it named no file at all; or it needs what another project would have built.
    """
    evidence = parser.judge(printed, exit_code=exit_code, last=last, workspace=workspace)
    if any(finding.rule in _NOT_BUILT for finding in evidence.findings):
        raise NoEvidence(
            "tsc needs what other projects of the workspace build first",
            hint="declare the gate in nofx.yaml: {command: [npx, tsc, --build, --listFiles], parser: tsc}",
            retryable=False,
        )
    if evidence.verdict is not Verdict.VACUOUS:
        return evidence
    if "files" not in evidence.counts:
        raise NoEvidence(f"tsc ended without saying what it examined{last}")
    return replace(evidence, hint=_VACUOUS_HINT)


def _projects(exam: Examination) -> list[str]:
    """What is checked: all of the workspace, or the projects that `paths` name by their folder or settings file."""
    named = [path if path.endswith(".json") else str(Path(path, FILE)) for path in exam.paths]
    missing = [path for path in named if not (exam.workspace / path).is_file()]
    if missing:
        raise NoEvidence(
            f"there is no {missing[0]}: tsc examines whole projects",
            hint=f"let `paths` name folders with a {FILE}, or leave it out",
            retryable=False,
        )
    found = [project for path in named or [FILE] for project in projects(exam.workspace, path)]
    return list(dict.fromkeys(found)) or [FILE]
