"""`gate:typecheck`: mypy, or pyright where the project is set up for pyright alone.

The verdict of mypy rests on the messages that it prints and on its last line, which says how many files it checked;
the verdict of pyright on its JSON report. mypy keeps its cache in the step's scratch folder: a cache that another
gate writes at the same time is never read. It resolves imports in the project's own environment.
"""

import re
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates import mypy_settings, pyproject
from nofx_cli.handlers.gates.ecosystem import is_python
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.gate import Examination, GateHandler, last_words, refuse_missing, run_program
from nofx_cli.handlers.gates.javascript.tsc import Tsc
from nofx_cli.handlers.gates.options import abbreviated
from nofx_cli.handlers.gates.parsers import mypy
from nofx_cli.handlers.gates.parsers.conclusion import conclude, severity
from nofx_cli.handlers.gates.parsers.reading import amount, json_of, line_of, mapping, objects, relative
from nofx_cli.handlers.gates.programs import PROJECT_ENVIRONMENT, is_installed, is_program, program

_CRASHED = re.compile(r"^.*(?:INTERNAL ERROR|Traceback \(most recent call last\)).*$", re.MULTILINE)
_VACUOUS_HINT = mypy_settings.VACUOUS_HINT


class Mypy:
    """mypy, for every project of Python that is not set up for pyright."""

    name = "mypy"
    report = "mypy.txt"
    refused_args = abbreviated(
        "--output", "-O", "--cache-dir", "--no-error-summary", "--pretty", "--command", "-c", "--version", "-V",
        "--help", "-h", "--install-types", "--shadow-file", "--scripts-are-modules", "--hide-error-codes",
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        return is_python(workspace) and not is_for_pyright(workspace)

    def command(self, exam: Examination) -> list[str]:
        own = [
            *("--no-pretty", "--no-color-output", "--error-summary", "--show-column-numbers", "--show-error-codes"),
            *("--hide-error-context", "--no-incremental", "--cache-dir", str(exam.reports / "cache")),
        ]
        store = ["--exclude", f"^{re.escape(exam.store)}/"] if exam.store else []
        mypy = [*program(exam.workspace, "mypy"), *_environment(exam)]
        return [*mypy, *exam.args, *own, *store, "--", *_targets(exam)]

    def examine(self, exam: Examination) -> Evidence:
        refuse_missing(exam)
        printed, messages = exam.reports / self.report, exam.reports / "messages.txt"
        # An environment variable would go before the option.
        env = {"MYPY_CACHE_DIR": str(exam.reports / "cache")}
        result = run_program(exam.ctx, "mypy", self.command(exam), env=env, stdout=printed, stderr=messages)
        said = read_report(messages, by="mypy").decode(errors="replace")
        report = read_report(printed, by="mypy")
        exam.ctx.log(said)
        last = (
            f": {lines[-1]}"
            if (lines := (said.strip() or report.decode(errors="replace").strip()).splitlines())
            else ""
        )
        if crash := _CRASHED.search(said):
            raise NoEvidence(f"mypy broke: {crash[0].strip()}")
        if result.exit_code not in (0, 1, 2):
            raise NoEvidence(f"mypy exited with code {result.exit_code}{last}")
        evidence = mypy.judge(report, exit_code=result.exit_code, last=last, workspace=exam.workspace)
        if evidence.verdict is Verdict.VACUOUS and "files" not in evidence.counts:
            raise NoEvidence(f"mypy ended without saying what it checked{last}")
        return mypy_settings.held_against_settings(evidence, said, exam)


class Pyright:
    """pyright, where `pyrightconfig.json` or `[tool.pyright]` says so, or where there is no other type checker."""

    name = "pyright"
    report = "pyright.json"
    refused_args = (
        "--outputjson", "--watch", "-w", "--version", "--help", "-h", "--createstub", "--verifytypes", "--stats",
        "--level", "--dependencies", "--files", "--skipunannotated",
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        return is_python(workspace) and is_for_pyright(workspace)

    def command(self, exam: Examination) -> list[str]:
        own = exam.workspace / PROJECT_ENVIRONMENT / "bin/python"
        python = ["--pythonpath", str(own)] if is_program(own) else []
        return [*program(exam.workspace, "pyright"), *python, *exam.args, "--outputjson", *exam.paths]

    def examine(self, exam: Examination) -> Evidence:
        refuse_missing(exam)
        printed = exam.reports / self.report
        result = run_program(exam.ctx, "pyright", self.command(exam), stdout=printed)
        last = last_words(result)
        if result.exit_code not in (0, 1):
            raise NoEvidence(f"pyright exited with code {result.exit_code}{last}")
        report = read_report(printed, by="pyright")
        return judge_pyright(report, exit_code=result.exit_code, last=last, exam=exam)


def is_for_pyright(workspace: Path) -> bool:
    """Whether the project is checked by pyright: it has settings of it and none of mypy, or nothing but it is there."""
    if mypy_settings.are_there(workspace):
        return False
    if (workspace / "pyrightconfig.json").is_file() or pyproject.table(workspace, "tool", "pyright") is not None:
        return True
    return not is_installed(workspace, "mypy") and is_installed(workspace, "pyright")


def judge_pyright(data: bytes, *, exit_code: int, last: str, exam: Examination) -> Evidence:
    """Make evidence of pyright's JSON report: errors fail; warnings do where the exit code says so.

    pyright cannot be told to leave out nofx's store as well, so what it finds there is left out here.

    Raises:
        NoEvidence: the report is not pyright's, or contradicts itself or the exit code.
    """
    report = mapping(json_of(data, by="pyright"), "the report of pyright")
    summary = mapping(report.get("summary"), "`summary` in the report of pyright")
    told = objects(report.get("generalDiagnostics"), "`generalDiagnostics` in the report of pyright")
    findings = [_finding(item, exam.workspace) for item in told if item.get("severity") != "information"]
    claimed = amount(summary.get("errorCount"), "`errorCount` in the report of pyright")
    errors = sum(finding.severity == "error" for finding in findings)
    if claimed > errors:
        raise NoEvidence(f"pyright's report contradicts itself: it lists {errors} errors of {claimed}")
    left_out = exam.left_out
    own = [
        finding for finding in findings if not any((exam.workspace / finding.path).is_relative_to(p) for p in left_out)
    ]
    only_others = bool(findings) and not own
    return conclude(
        "pyright",
        own,
        data=data,
        exit_code=0 if only_others else exit_code,
        last=last,
        examined=amount(summary.get("filesAnalyzed"), "`filesAnalyzed` in the report of pyright"),
        blocking=("error",),
        hint=_VACUOUS_HINT,
    )


def _finding(item: dict[str, object], workspace: Path) -> Finding:
    span = item.get("range")
    start = span.get("start") if isinstance(span, dict) else None
    line, column = (start.get(name) for name in ("line", "character")) if isinstance(start, dict) else (None, None)
    return Finding(
        path=relative(item.get("file"), workspace),
        # pyright counts from 0.
        line=line + 1 if isinstance(line, int) else 0,
        column=column + 1 if isinstance(column, int) else 0,
        rule=line_of(item.get("rule")) or "pyright",
        severity=severity(item.get("severity")),
        message=line_of(item.get("message")),
    )


def _environment(exam: Examination) -> list[str]:
    """mypy need not be installed in the environment whose packages the code imports."""
    own = exam.workspace / PROJECT_ENVIRONMENT / "bin/python"
    return ["--python-executable", str(own)] if is_program(own) else []


def _targets(exam: Examination) -> list[str]:
    """What is to be checked; nothing where the project's settings say it."""
    if exam.paths:
        return exam.paths
    return [] if mypy_settings.say_what_to_check(exam.workspace) else ["."]


HANDLER = GateHandler(("gate:typecheck",), Mypy(), Pyright(), Tsc())
