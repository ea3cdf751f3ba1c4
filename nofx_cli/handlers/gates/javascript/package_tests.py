"""The check of JavaScript and TypeScript behind `gate:unit`: the package's own script `test`, run by npm.

The verdict rests on the report that its runner is told to write, held against the exit code:

    exit code   report                                      verdict
    any         missing, or not the runner's                errored
    any         a test failed, or a file could not be run   failed
    1           no failure, some passed                     failed (a floor such as coverage's)
    not 0       otherwise                                   errored
    0           no test ran, or every one was skipped       vacuous
    0           otherwise                                   passed

A script whose runner is not known gives no evidence, whatever its exit code: `errored`. A file that node runs counts
as no test unless there is one in it.
"""

from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates.ecosystem import is_javascript, is_python
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.gate import Examination, last_words, refuse_missing, run_program
from nofx_cli.handlers.gates.javascript.manifest import FILE, script
from nofx_cli.handlers.gates.javascript.node_programs import node_program, npm
from nofx_cli.handlers.gates.javascript.runner_reports import read_tests
from nofx_cli.handlers.gates.javascript.runners import (
    NODE,
    find_test_script,
    report_environment,
    report_options,
)
from nofx_cli.handlers.gates.junit import Case, CaseStatus, Report

_VACUOUS_HINT = "see which tests the script `test` selects, and which are skipped, or leave the gate out"
_OPTIONS_HINT = "nofx asks for the report by NODE_OPTIONS, which the script sets itself: write them behind `node`"
_NO_FILES_OF_MOCHA = "No test files found"


class PackageTests:
    """The tests of a package, by the runner of Node.js, jest, vitest or mocha."""

    name = "package-tests"
    report = "package-tests.json"
    refused_args = (
        "--json", "--outputFile", "--reporter", "--reporters", "--reporter-option", "--reporter-options",
        "--test-reporter", "--test-reporter-destination", "--watch", "--watchAll", "--ui", "--listTests", "--dry-run",
        "--passWithNoTests", "--updateSnapshot", "--update", "--showConfig",
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        """Also where the package has no tests, unless there may be other tests."""
        return is_javascript(workspace) and (bool(script(workspace, "test")) or not is_python(workspace))

    def command(self, exam: Examination) -> list[str]:
        found = find_test_script(exam.workspace)
        if found.runner != NODE:
            node_program(exam.workspace, found.program)
        told = [*exam.args, *report_options(found.runner, exam.reports / self.report), *exam.paths]
        return [str(npm()), "run", found.name, *(["--", *told] if told else [])]

    def examine(self, exam: Examination) -> Evidence:
        refuse_missing(exam)
        found, report = find_test_script(exam.workspace), exam.reports / self.report
        runner, env = found.runner, report_environment(found.runner, report, found.command)
        result = run_program(exam.ctx, "npm", self.command(exam), env=env)
        last = last_words(result)
        if _NO_FILES_OF_MOCHA in last and not report.exists():
            return Evidence(Verdict.VACUOUS, "no test ran", {"tests": 0}, hint=_VACUOUS_HINT)
        try:
            data = read_report(report, by=runner)
        except NoEvidence as exc:
            hint = _OPTIONS_HINT if runner == NODE and "NODE_OPTIONS" in found.command else ""
            raise NoEvidence(f"{exc}; npm exited with code {result.exit_code}{last}", hint=hint) from exc
        return judge(data, runner=runner, exit_code=result.exit_code or 0, last=last, workspace=exam.workspace)


def judge(data: bytes, *, runner: str, exit_code: int, last: str, workspace: Path) -> Evidence:
    """Make evidence of a runner's report, as the table above says.

    Raises:
        NoEvidence: the report cannot be read, or contradicts the exit code or itself.
    """
    report = read_tests(runner, data, workspace=workspace)
    bad, passed = report.having(CaseStatus.FAILED, CaseStatus.ERROR), report.having(CaseStatus.PASSED)
    if bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        summary = f"{report.totals()}: {bad[0].file or FILE}: {bad[0].name}{more}"
        return Evidence(Verdict.FAILED, summary, report.counts(), tuple(map(_finding, bad)), data)
    if exit_code == 1 and passed:
        return Evidence(
            Verdict.FAILED, f"{report.totals()}, yet npm exited with code 1{last}", report.counts(), (), data
        )
    if exit_code:
        raise NoEvidence(f"npm exited with code {exit_code}, yet {runner} reported no failure{last}")
    return _judge_good(report, data)


def _judge_good(report: Report, data: bytes) -> Evidence:
    if report.having(CaseStatus.PASSED):
        return Evidence(Verdict.PASSED, report.totals(), report.counts(), (), data)
    summary = f"no test passed: {report.totals()}" if report.cases else "no test ran"
    return Evidence(Verdict.VACUOUS, summary, report.counts(), (), data, _VACUOUS_HINT)


def _finding(case: Case) -> Finding:
    return Finding(case.file or FILE, case.line, 0, case.name or "test", "error", case.message or "it failed")
