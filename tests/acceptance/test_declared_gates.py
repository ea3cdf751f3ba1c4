"""Gates declared in `nofx.yaml`, with real commands, from the file to the exit code."""

import json
import os
import sys
from typing import Any

import pytest

from nofx_cli.domain.events import GateEvaluated
from tests.acceptance.program import Program

pytestmark = pytest.mark.acceptance

PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
BIN = os.path.dirname(sys.executable)
UNDER_TEST = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
MYPY = [f"{BIN}/mypy", "--cache-dir=/dev/null", "{paths}"]
BANDIT = [f"{BIN}/bandit", "-q", "-f", "json", "a.py"]
RUFF = [f"{BIN}/ruff", "check", "--no-cache", "a.py"]
SECRETS = [f"{BIN}/detect-secrets", "scan", "--all-files", "a.py"]
IN_ONE = "no findings in 1 file"
ONE = "def test_one(): pass\n"


def declare(nofx: Program, command: object, **settings: Any) -> None:
    gate = {"command": command, **settings}
    (nofx.folder / "nofx.yaml").write_text(json.dumps({"gates": {"own": gate}}), "utf-8")


def evaluate(nofx: Program, *, code: int, inputs: str = "{}") -> GateEvaluated:
    """Run a plan of the gate alone."""
    env = ", ".join(f'{name}: "{value}"' for name, value in UNDER_TEST.items())
    told = nofx("run", nofx.plan(f'  - {{name: a, tool: "gate:own", inputs: {inputs}, env: {{{env}}}}}\n'))
    assert told.code == code, told
    (found,) = [event.payload for event in nofx.events() if isinstance(event.payload, GateEvaluated)]
    return found


@pytest.mark.parametrize(
    ("files", "code", "verdict", "counts"),
    [
        ({"test_a.py": ONE}, 0, "passed", (1, 1, 0)),
        ({"test_a.py": "def test_one(): assert 0\n" + ONE.replace("one", "two")}, 1, "failed", (2, 1, 1)),
        ({"test_a.py": "def (\n"}, 1, "failed", (1, 0, 0)),
        ({"readme": ""}, 1, "vacuous", (0, 0, 0)),
    ],
)
@pytest.mark.parametrize("report", ["{report}", "out/junit.xml"])
def test_a_test_runner_by_its_junit_report(
    nofx: Program, files: dict[str, str], code: int, verdict: str, counts: tuple[int, ...], report: str
) -> None:
    named = {} if report == "{report}" else {"report": report}
    declare(nofx, [*PYTEST, f"--junit-xml={report}", "{paths}"], parser="junit", **named)
    for name, text in files.items():
        (nofx.folder / name).write_text(text)
    found = evaluate(nofx, code=code)
    assert found.verdict == verdict
    assert tuple(found.counts[name] for name in ("tests", "passed", "failed")) == counts
    assert found.digest


def test_an_old_report_does_not_count(nofx: Program) -> None:
    (nofx.folder / "junit.xml").write_text('<testsuite tests="1"><testcase name="a"/></testsuite>')
    declare(nofx, ["true"], parser="junit", report="junit.xml")
    found = evaluate(nofx, code=1)
    assert (found.verdict, found.summary) == (
        "errored",
        "own (exit code 0) did not write its report: junit.xml is an old one",
    )


@pytest.mark.parametrize(
    ("command", "parser", "text", "code", "verdict", "summary"),
    [
        (MYPY, "mypy", "x: int = 1\n", 0, "passed", IN_ONE),
        (MYPY, "mypy", "x: int = ''\n", 1, "failed", "1 finding in 1 file"),
        (MYPY, "mypy", "def (\n", 1, "failed", "2 findings"),
        (BANDIT, "bandit-json", "x = 1\n", 0, "passed", IN_ONE),
        (BANDIT, "bandit-json", "exec('x')\n", 1, "failed", "1 finding in 1 file"),
        (BANDIT, "bandit-json", "def (\n", 1, "errored", "bandit could not examine a.py: syntax error"),
        (SECRETS, "detect-secrets", 'key = "AKIA2E0A8F3B244C9986"\n', 1, "failed", "1 finding"),
        (SECRETS, "detect-secrets", "x = 1\n", 1, "vacuous", "no findings, but detect-secrets does not say"),
        ([*RUFF, "--output-format=json"], "ruff-json", "import os\n", 1, "failed", "1 finding"),
        ([*RUFF, "--output-format=json"], "ruff-json", "x = 1\n", 1, "vacuous", "no findings, but ruff does not say"),
        ([*RUFF, "--output-format=sarif"], "sarif", "import os\n", 1, "failed", "1 finding"),
        ([*PYTEST, "a.py"], "pytest", ONE, 0, "passed", "1 test: 1 passed, 0 failed"),
        (["sh", "-c", "echo no; exit 3"], "exit-code", "", 1, "failed", "the command exited with code 3: no"),
        (["sh", "-c", "nosuchtool"], "exit-code", "", 1, "errored", "a program was not found (exit code 127)"),
        (["sh", "-c", "kill -9 $$"], "exit-code", "", 1, "errored", "own was ended by SIGKILL"),
        (["nosuchtool"], "sarif", "", 1, "errored", "the program 'nosuchtool' was not found"),
    ],
)
def test_real_commands(
    nofx: Program, command: list[str], parser: str, text: str, code: int, verdict: str, summary: str
) -> None:
    (nofx.folder / "a.py").write_text(text)
    declare(nofx, command, parser=parser)
    found = evaluate(nofx, code=code, inputs="{paths: [a.py]}" if "{paths}" in command else "{}")
    assert (found.verdict, found.summary[: len(summary)]) == (verdict, summary)


def test_a_hang_is_ended_and_told(nofx: Program) -> None:
    declare(nofx, "sleep 600", timeout="300ms")
    assert evaluate(nofx, code=1).verdict == "timed_out"


def test_a_warning_is_told_and_does_not_block(nofx: Program) -> None:
    declare(nofx, ["false"], severity="warning")
    found = evaluate(nofx, code=0)
    assert (found.verdict, found.severity) == ("failed", "warning")


def test_what_is_printed_beside_the_report_is_in_the_log(nofx: Program) -> None:
    declare(nofx, ["sh", "-c", "echo '[]'; echo aside >&2"], parser="eslint-json")
    assert evaluate(nofx, code=1).verdict == "vacuous"
    assert "aside" in nofx("logs", "latest", "a").out


def test_a_command_that_policy_does_not_allow_is_denied_and_not_errored(nofx: Program) -> None:
    (nofx.folder / "nofx.yaml").write_text(
        json.dumps({"gates": {"own": {"command": ["true"]}}, "policy": {"commands": {"deny": ["true"]}}})
    )
    told = nofx("run", nofx.plan('  - {name: a, tool: "gate:own"}\n'))
    assert told.code == 6, told
    assert "policy.denied a" in nofx.types()
