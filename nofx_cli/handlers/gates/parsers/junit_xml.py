"""JUnit XML of any test runner.

exit code    report                                   verdict
any          missing, or not JUnit                    errored
any          a test failed or errored                 failed
1            no failure, some passed                  failed (a floor such as coverage's)
not 0        otherwise                                errored; but 5, pytest's for no test, with none: vacuous
0            totals with failures that it has not     errored
0            no test ran, or every one was skipped    vacuous
0            otherwise                                passed
"""

from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates import junit
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.junit import Case, CaseStatus, Report
from nofx_cli.handlers.gates.parsers.reading import line_of, relative

_HINT = "see which tests the command selects, and which are skipped"
_NO_TESTS_OF_PYTEST = 5


def judge(data: bytes, *, exit_code: int, last: str = "", workspace: Path) -> Evidence:
    """Judge by the table above.

    Raises:
        NoEvidence: the report cannot be read, or contradicts the exit code or itself.
    """
    try:
        report = junit.parse(data, first_line=0 if b'name="pytest"' in data[:4096] else 1)
    except junit.NotJunit as exc:
        raise NoEvidence(f"the report is no JUnit XML: {line_of(str(exc))}") from exc
    bad, passed = report.having(CaseStatus.FAILED, CaseStatus.ERROR), report.having(CaseStatus.PASSED)
    findings = tuple(_finding(case, workspace) for case in bad)
    if bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        summary = f"{report.totals()}: {findings[0].rule}{more}"
        return Evidence(Verdict.FAILED, summary, report.counts(), findings, data)
    if exit_code == 1 and passed:
        summary = f"{report.totals()}, yet the command exited with code 1{last}"
        return Evidence(Verdict.FAILED, summary, report.counts(), (), data)
    if exit_code and not (exit_code == _NO_TESTS_OF_PYTEST and not report.cases):
        raise NoEvidence(f"the command exited with code {exit_code}, yet reported no failure{last}")
    return _judge_good(report, data, passed=len(passed))


def _judge_good(report: Report, data: bytes, *, passed: int) -> Evidence:
    claimed = report.claimed
    if claimed["failures"] or claimed["errors"] or (claimed["tests"] and not report.cases):
        raise NoEvidence(f"the report contradicts itself: its totals are {claimed}, it lists {report.totals()}")
    if not passed:
        summary = f"no test passed: {report.totals()}" if report.cases else "no test ran"
        return Evidence(Verdict.VACUOUS, summary, report.counts(), (), data, _HINT)
    return Evidence(Verdict.PASSED, report.totals(), report.counts(), (), data)


def _finding(case: Case, workspace: Path) -> Finding:
    rule = line_of(".".join(filter(None, (case.classname, case.name)))) or "test"
    said = case.message.strip() or case.text.strip()
    message = line_of(said.splitlines()[0]) if said else "it failed"
    return Finding(relative(case.file, workspace), case.line, 0, rule, "error", message)
