"""Which changes of a setting are weaker, and what is said of them."""

import pytest

from nofx_cli.domain.ids import JsonValue
from nofx_cli.handlers.gates.integrity.thresholds import weaker

LINT = "tool.ruff.lint."
SAID: list[tuple[str, JsonValue, JsonValue, str]] = [
    ("tool.coverage.report.fail_under", 90, 50, "coverage.report.fail_under lowered from 90 to 50"),
    ("report.fail_under", "90", "50.5", "report.fail_under lowered from 90 to 50.5"),
    ("tool.coverage.report.fail_under", 90, None, "coverage.report.fail_under was removed (it was 90)"),
    ("jest.coverageThreshold.global.lines", 80, 10, "jest.coverageThreshold.global.lines lowered from 80 to 10"),
    ("gates.unit.min_examined", 10, 1, "gates.unit.min_examined lowered from 10 to 1"),
    (LINT + "ignore", ["E501"], ["E501", "F401"], "ruff.lint.ignore has F401 more"),
    (LINT + "ignore", None, ["F401"], "ruff.lint.ignore has F401 more"),
    (LINT + "per-file-ignores.src/*.py", ["E501"], ["E501", "F"], "ruff.lint.per-file-ignores.src/*.py has F more"),
    ("flake8.extend-ignore", "E1, E2", "E1,E2,E3", "flake8.extend-ignore has E3 more"),
    ("run.omit", "a\nb", "a\nb\nc", "run.omit has c more"),
    (LINT + "select", ["E", "F"], ["E"], "ruff.lint.select has F no more"),
    (LINT + "select", None, ["E"], "ruff.lint.select was added"),
    ("pytest.testpaths", "a b", "a", "pytest.testpaths has b no more"),
    ("tool.mypy.strict", True, False, "mypy.strict is off"),
    ("mypy.strict", "True", None, "mypy.strict was removed"),
    ("compilerOptions.noImplicitAny", True, False, "compilerOptions.noImplicitAny is off"),
    ("tool.mypy.overrides[a].ignore_errors", None, True, "mypy.overrides[a].ignore_errors is on"),
    ("gates.lint.enabled", None, False, "gates.lint.enabled is off"),
    ("gates.lint.severity", "blocking", "warning", "gates.lint.severity lowered from blocking to warning"),
    ("gates.lint.severity", None, "warning", "gates.lint.severity was added"),
    ("rules.no-eval", "error", "off", "rules.no-eval lowered from error to off"),
    ("rules.no-eval", 2, 1, "rules.no-eval lowered from 2 to 1"),
    ("rules.no-eval", ["error", {}], ["warn", {}], "rules.no-eval lowered from error to warn"),
    ("rules.no-eval", ["error", "a"], ["error", "b"], "rules.no-eval was changed"),
    ("rules.no-eval", "error", None, "rules.no-eval was removed"),
    ("reportMissingImports", "error", "none", "reportMissingImports lowered from error to none"),
    ("typeCheckingMode", "strict", "basic", "typeCheckingMode lowered from strict to basic"),
    ("tool.ruff.lint.mccabe.max-complexity", 10, 20, "ruff.lint.mccabe.max-complexity raised from 10 to 20"),
    ("tool.pytest.ini_options.python_files", None, ["x_*.py"], "pytest.ini_options.python_files was added"),
    ("pytest.addopts", "-q", "-q --deselect tests/a.py::b", "pytest.addopts has --deselect=tests/a.py::b more"),
    ("pytest.addopts", "", "-k 'not slow'", "pytest.addopts has -k=not slow more"),
    ("pytest.addopts", "--strict-markers", "", "pytest.addopts has --strict-markers no more"),
    ("pytest.addopts", "--cov --cov-fail-under=90", "--cov --cov-fail-under 50",
     "--cov-fail-under lowered from 90 to 50"),
    ("pytest.addopts", ["--cov-fail-under=90"], [], "--cov-fail-under was removed (it was 90)"),
    ("scripts.test", "jest", "true", "scripts.test was changed"),
    ("scripts.test", "jest", None, "scripts.test was removed"),
    ("scripts.pretest", None, "rm -r tests", "scripts.pretest was added"),
    ("tool.pytest.ini_options.usefixtures", None, ["x"], "pytest.ini_options.usefixtures was added"),
    ("tool.mypy.plugins", ["a"], ["b"], "mypy.plugins was changed"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "was", "now", "said"), SAID, ids=[f"{row[0]}-{row[2]}" for row in SAID])
def test_weaker(key: str, was: JsonValue, now: JsonValue, said: str) -> None:
    assert weaker(key, was, now) == said


@pytest.mark.parametrize(
    ("key", "was", "now"),
    [
        ("tool.coverage.report.fail_under", 50, 90),
        ("tool.coverage.report.fail_under", None, 90),
        (LINT + "ignore", ["E501", "F401"], ["E501"]),
        (LINT + "ignore", ["E501"], None),
        (LINT + "ignore", ["A", "B"], ["B", "A"]),
        (LINT + "select", ["E"], ["E", "F"]),
        (LINT + "extend-select", None, ["B"]),
        ("tool.mypy.strict", False, True),
        ("tool.mypy.warn_unreachable", None, True),
        ("mypy-a.*.ignore_missing_imports", "True", None),
        ("compilerOptions.skipLibCheck", True, False),
        ("gates.lint.severity", "warning", "blocking"),
        ("rules.no-eval", "warn", "error"),
        ("rules.no-eval", None, "error"),
        ("tool.ruff.lint.mccabe.max-complexity", 20, 10),
        ("pytest.addopts", "-q --deselect a", "-vv --tb=short"),
        ("pytest.addopts", "--cov-fail-under=50", "--cov-fail-under=90"),
        ("scripts.dev", None, "vite"),
        ("tool.ruff.cache-dir", "a", "b"),
        ("any", 1, 1),
    ],
)
def test_no_weaker(key: str, was: JsonValue, now: JsonValue) -> None:
    assert weaker(key, was, now) == ""
