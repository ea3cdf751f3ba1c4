"""The truth table of the built-in gates for Python, with the real programs.

A cell is a verdict and the counts that it must have at least. In the last four columns the program is not there, or a
script stands in for the one that the project would have: it prints a fine report of no finding and is killed, ends
well without having written anything, or never ends. An advisory service is not asked by tests: a script stands in for
pip-audit too where it would answer.
"""

import json
import re
import sys
from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Failed
from nofx_cli.handlers.registry import BUILT_INS
from nofx_cli.testing import FakeContext
from tests.acceptance.gate_bench import cells, evaluation, handler, run_gate, stand_in, write
from tests.acceptance.real_processes import RealProcesses

pytestmark = pytest.mark.acceptance

TABLE = """
gate      | clean                        | finding                       | syntax error              | empty folder        | missing | killed  | silent  | hangs
format    | passed files=3 findings=0    | failed files=3 findings=1     | failed files=4 unparsed=1 | vacuous files=0     | errored | errored | errored | timed_out
lint      | passed files=3 findings=0    | failed files=3 findings=1     | failed files=4            | vacuous files=0     | errored | errored | errored | timed_out
typecheck | passed files=3 findings=0    | failed files=3 findings=1     | failed                    | vacuous files=0     | errored | errored | errored | timed_out
unit      | passed tests=1 passed=1      | failed tests=2 failed=1       | failed tests=1 errors=1   | vacuous tests=0     | errored | errored | errored | timed_out
test      | passed tests=1 passed=1      | failed tests=2 failed=1       | failed tests=1 errors=1   | vacuous tests=0     | errored | errored | errored | timed_out
coverage  | passed tests=1 statements=5  | failed tests=1 findings=1     | failed tests=1 errors=1   | vacuous             | errored | errored | errored | timed_out
sast      | passed files=2 findings=0    | failed files=2 findings=1     | errored                   | vacuous files=0     | errored | errored | errored | timed_out
secrets   | passed files=5 findings=0    | failed files=6 findings=1     | errored                   | vacuous files=0     | errored | errored | errored | timed_out
audit     | passed packages=2 findings=0 | failed packages=2 findings=1  | errored                   | vacuous             | errored | errored | errored | timed_out
build     | passed artifacts=2           | failed artifacts=0 findings=1 | failed                    | vacuous artifacts=0 | errored | errored | errored | timed_out
"""  # noqa: E501 - a table is read across

SETTINGS = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "shop"
version = "1.0"

[tool.coverage.report]
fail_under = 90

[tool.pytest.ini_options]
pythonpath = ["."]

[tool.bandit]
exclude_dirs = ["tests"]
"""
PRICE = "def total(amount: int, rate: int) -> int:\n    return amount * rate\n"
TEST = "from shop.price import total\n\n\ndef test_total() -> None:\n    assert total(2, 3) == 6\n"
CLEAN: dict[str, str | bytes] = {
    "pyproject.toml": SETTINGS,
    "requirements.txt": "six==1.16.0\nidna==3.6\n",
    "shop/__init__.py": "",
    "shop/price.py": PRICE,
    "tests/test_price.py": TEST,
}
UNPARSED = "def (\n"

FINDING: dict[str, dict[str, str | bytes]] = {
    "format": {"shop/price.py": PRICE.replace("* rate", "*rate")},
    "lint": {"shop/price.py": "import os\n\n\n" + PRICE},
    "typecheck": {"shop/price.py": PRICE.replace("-> int", "-> str")},
    "unit": {"tests/test_price.py": TEST + "\n\ndef test_none() -> None:\n    assert total(0, 3) == 1\n"},
    "coverage": {"shop/price.py": PRICE + "\n\ndef free() -> bool:\n    a = 1\n    return a > 0\n"},
    "sast": {"shop/price.py": PRICE + '\n\nPAGE = eval("1")\n'},
    "secrets": {"shop/aws.txt": "key AKIAIOSFODNN7EXAMPLQ\n"},  # pragma: allowlist secret
    "audit": {},
    "build": {"pyproject.toml": SETTINGS.replace('version = "1.0"', 'version = "1.0"\nreadme = "README.md"')},
}
SYNTAX_ERROR: dict[str, dict[str, str | bytes]] = {
    **{gate: {"shop/broken.py": UNPARSED} for gate in ("format", "lint", "typecheck", "sast")},
    **{gate: {"tests/test_price.py": UNPARSED} for gate in ("unit", "coverage")},
    "secrets": {".secrets.baseline": "{"},
    "audit": {"requirements.txt": "six==\n"},
    "build": {"pyproject.toml": "[project\n"},
}
PROGRAMS = {
    "format": ("ruff",),
    "lint": ("ruff",),
    "typecheck": ("mypy",),
    "unit": ("pytest",),
    "coverage": ("pytest", "coverage"),
    "sast": ("bandit",),
    "secrets": ("detect-secrets",),
    "audit": ("pip-audit",),
    "build": ("pyproject-build",),
}
SAME = {"test": "unit"}

_PIP_AUDIT = """\
while [ $# -gt 0 ]; do [ "$1" = --output ] && out=$2; shift; done
cat > "$out" <<'END'
{report}
END
exit {code}
"""
_FINE_REPORTS = """\
echo '5 files already formatted'; echo 'Success: no issues found in 5 source files'; echo '[]'
for word in "$@"; do case $word in
  --junit-xml=*) echo '<testsuites><testsuite tests="1"><testcase name="a"/></testsuite></testsuites>' > "${word#*=}";;
  */ruff.json) echo '[]' > "$word";;
  */bandit.json) echo '{"errors": [], "results": [], "metrics": {"a.py": {}}}' > "$word";;
  */pip-audit.json) echo '{"dependencies": [{"name": "six", "version": "1", "vulns": []}]}' > "$word";;
esac; done
"""


def advisories(*vulnerabilities: dict[str, object]) -> str:
    packages = [
        {"name": "six", "version": "1.16.0", "vulns": []},
        {"name": "idna", "version": "3.6", "vulns": vulnerabilities},
    ]
    code = 1 if vulnerabilities else 0
    return _PIP_AUDIT.format(report=json.dumps({"dependencies": packages, "fixes": []}), code=code)


IDNA: dict[str, object] = {
    "id": "PYSEC-2024-60",
    "fix_versions": ["3.7"],
    "aliases": [],
    "description": "Quadratic complexity.",
}


class Conditions:
    """How the workspace and its programs are, by the columns of the table."""

    def __init__(self, ctx: FakeContext, gate: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ctx, self.gate, self.monkeypatch = ctx, SAME.get(gate, gate), monkeypatch

    def clean(self) -> None:
        write(self.ctx, CLEAN)
        if self.gate == "audit":
            stand_in(self.ctx, "pip-audit", advisories())

    def finding(self) -> None:
        write(self.ctx, {**CLEAN, **FINDING[self.gate]})
        if self.gate == "audit":
            stand_in(self.ctx, "pip-audit", advisories(IDNA))

    def syntax_error(self) -> None:
        write(self.ctx, {**CLEAN, **SYNTAX_ERROR[self.gate]})

    def empty_folder(self) -> None:
        pass

    def missing(self) -> None:
        write(self.ctx, CLEAN)
        self.monkeypatch.setattr(sys, "executable", str(self.ctx.folder / "bin/python"))
        self.monkeypatch.setenv("PATH", str(self.ctx.folder))

    def killed(self) -> None:
        self._stands_in(f"{_FINE_REPORTS}\nkill -SEGV $$")

    def silent(self) -> None:
        self._stands_in("exit 0")

    def hangs(self) -> None:
        self._stands_in("exec sleep 60")
        self.ctx.processes = RealProcesses(time_limit_seconds=0.3)

    def _stands_in(self, script: str) -> None:
        write(self.ctx, CLEAN)
        for program in PROGRAMS[self.gate]:
            stand_in(self.ctx, program, script)


@pytest.fixture
def ctx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeContext:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    return FakeContext(tmp_path, processes=RealProcesses())


@pytest.mark.parametrize(("gate", "condition", "cell"), [*cells(TABLE)], ids=lambda text: text.split()[0])
def test_the_verdict_is_as_the_table_says(
    ctx: FakeContext, gate: str, condition: str, cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    getattr(Conditions(ctx, gate, monkeypatch), condition.replace(" ", "_"))()
    verdict, *counts = cell.split()
    expected = {name: int(number) for name, _, number in (count.partition("=") for count in counts)}

    told = evaluation(run_gate(ctx, handler(gate), f"gate:{gate}"))

    assert (told.verdict, {name: told.counts.get(name) for name in expected}) == (verdict, expected), told.summary
    assert told.digest or told.verdict != "passed", "a pass rests on a report that is kept"


def test_the_table_has_every_built_in_gate() -> None:
    assert {f"gate:{gate}" for gate, _, _ in cells(TABLE)} == {tool for tool in BUILT_INS if tool.startswith("gate:")}


@pytest.mark.parametrize("gate", sorted(PROGRAMS))
def test_a_missing_program_is_told_with_its_remedy(
    ctx: FakeContext, gate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Conditions(ctx, gate, monkeypatch).missing()
    outcome = run_gate(ctx, handler(gate), f"gate:{gate}")
    assert isinstance(outcome, Failed)
    assert outcome.error.message == f"{PROGRAMS[gate][0]} is not installed"
    assert re.match(r"pip install [a-z-]+, in the project's environment", outcome.error.hint)
