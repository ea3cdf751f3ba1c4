"""`gate:sast`: bandit.

bandit exits with 0 although it could not parse a file, and with `--exit-zero` in its settings whatever it found: the
verdict rests on its JSON report, which names every file that was examined and every one that could not be.
Any result fails, at whatever severity: what is not to be reported is said in bandit's own settings. Where a project
has none, asserts in tests are not reported, as `bandit.yaml` says in bandit's own words.
"""

from dataclasses import replace
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates import pyproject
from nofx_cli.handlers.gates.ecosystem import is_python
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.gate import Examination, GateHandler, last_words, refuse_missing, run_program
from nofx_cli.handlers.gates.options import abbreviated
from nofx_cli.handlers.gates.parsers import bandit_json
from nofx_cli.handlers.gates.parsers.reading import amount, json_of, mapping
from nofx_cli.handlers.gates.programs import program

_NOT_CODE = (".svn", "CVS", ".bzr", ".hg", ".git", "__pycache__", ".tox", ".nox", ".eggs", "*.egg")
_NOT_ITS_OWN = (".venv", "venv", "node_modules")
_MARK_OF_ENVIRONMENT = "pyvenv.cfg"
_OUR_SETTINGS = Path(__file__).with_name("bandit.yaml")
_VACUOUS_HINT = "point `paths` at the code, see what bandit's settings exclude, or leave the gate out"


class Bandit:
    """The check of Python behind `gate:sast`."""

    name = "bandit"
    report = "bandit.json"
    refused_args = (
        "-f", "-o", "-x", "-r", "-b", "-d", "-q", "-h",
        *abbreviated(
            "--format", "--output", "--exclude", "--ini", "--baseline", "--exit-zero", "--debug", "--quiet", "--silent",
            "--version", "--help", "--msg-template",
        ),
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        return is_python(workspace)

    def command(self, exam: Examination) -> list[str]:
        own = ["-r", "-x", _excluded(exam), "-f", "json", "-o", str(exam.reports / self.report)]
        # Paths begin with `./`, as bandit's own patterns for what is excluded expect it.
        paths = [f"./{path}" for path in exam.paths] or ["."]
        return [*program(exam.workspace, "bandit"), *_settings(exam), *exam.args, *own, "--", *paths]

    def examine(self, exam: Examination) -> Evidence:
        refuse_missing(exam)
        if broken := pyproject.fault(exam.workspace):
            told = f"{pyproject.FILE}, which may have settings of bandit, is no TOML: {broken}"
            raise NoEvidence(told, hint=f"correct {pyproject.FILE}", retryable=False)
        result = run_program(exam.ctx, "bandit", self.command(exam))
        last = last_words(result)
        if result.exit_code not in (0, 1):
            raise NoEvidence(f"bandit exited with code {result.exit_code}{last}")
        report = read_report(exam.reports / self.report, by="bandit")
        if not report.strip():
            raise NoEvidence(f"bandit exited with code {result.exit_code} and an empty report{last}")
        evidence = bandit_json.judge(report, exit_code=result.exit_code, last=last, workspace=exam.workspace)
        hint = _VACUOUS_HINT if evidence.verdict is Verdict.VACUOUS else evidence.hint
        return _with_suppressed(replace(evidence, hint=hint), report)


def _with_suppressed(evidence: Evidence, report: bytes) -> Evidence:
    """Tell also how many lines bandit did not look at, because a comment `nosec` says so."""
    metrics = mapping(json_of(report, by="bandit").get("metrics"), "`metrics` in the report of bandit")
    totals = mapping(metrics.get("_totals", {}), "`_totals` in the report of bandit")
    lines = sum(amount(totals.get(name, 0), f"`{name}` of bandit") for name in ("nosec", "skipped_tests"))
    told = f"; {counted(lines, 'line')} marked nosec" if lines else ""
    return replace(evidence, summary=evidence.summary + told, counts={**evidence.counts, "nosec": lines})


def _settings(exam: Examination) -> list[str]:
    """bandit finds its own file, but reads `pyproject.toml` only where it is told to."""
    if any(arg.startswith(("-c", "--configfile")) for arg in exam.args):
        return []
    if pyproject.table(exam.workspace, "tool", "bandit") is not None:
        return ["-c", pyproject.FILE]
    return [] if (exam.workspace / ".bandit").exists() else ["-c", str(_OUR_SETTINGS)]


def _excluded(exam: Examination) -> str:
    """The option replaces bandit's own list and that of the file `.bandit`, so they are repeated."""
    said = pyproject.ini_value(exam.workspace / ".bandit", "bandit", "exclude")
    environments = sorted(mark.parent.name for mark in exam.workspace.glob(f"*/{_MARK_OF_ENVIRONMENT}"))
    own = [f"./{name}/" for name in dict.fromkeys((*_NOT_ITS_OWN, *environments))]
    if exam.store:
        own.append(f"./{exam.store}/")
    return ",".join([*_NOT_CODE, *own, *filter(None, said.split(","))])


HANDLER = GateHandler(("gate:sast",), Bandit())
