"""What the script `test` of a package runs, and how it is told to write a report."""

import json
from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.javascript.runners import (
    JEST,
    MOCHA,
    NODE,
    RUNNERS,
    VITEST,
    RunnerScript,
    find_test_script,
    report_environment,
    report_options,
    runner_program,
)


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("node --test", "node"),
        ("node --test tests/", "node"),
        ("tsx --test", "tsx"),
        ("jest", "jest"),
        ("jest --coverage", "jest"),
        ("npx jest", "jest"),
        ("react-scripts test", "react-scripts"),
        ("./node_modules/.bin/jest", "jest"),
        ("node --experimental-vm-modules node_modules/jest/bin/jest.js", "jest"),
        ("vitest run", "vitest"),
        ("mocha 'test/**/*.js'", "mocha"),
        ("NODE_ENV=test mocha", "mocha"),
        ("cross-env NODE_ENV=test c8 --reporter=lcov mocha", "mocha"),
        ("c8 node --test", "node"),
        ("tsc && node --test dist/", "node"),
        ("eslint . && jest", "jest"),
        ("jest && echo done", ""),
        ("jest || true", ""),
        ("jest; true", ""),
        ("jest | tee log", ""),
        ("jest > log", ""),
        ("jest &", ""),
        ("echo $(jest)", ""),
        ("echo jest", ""),
        ("make test", ""),
        ("jest 'x", ""),
        ("X=1", ""),
        ("", ""),
    ],
)
def test_the_runner_that_gets_what_is_added(command: str, program: str) -> None:
    assert runner_program(command) == program


def package(folder: Path, **scripts: str) -> Path:
    (folder / "package.json").write_text(json.dumps({"scripts": scripts}))
    return folder


@pytest.mark.parametrize(
    ("scripts", "found"),
    [
        ({"test": "jest"}, RunnerScript("test", "jest", JEST, "jest")),
        ({"test": "npm run unit", "unit": "vitest"}, RunnerScript("unit", "vitest", VITEST, "vitest")),
        ({"test": "yarn test:unit", "test:unit": "mocha"}, RunnerScript("test:unit", "mocha", MOCHA, "mocha")),
        ({"test": "pnpm run a", "a": "npm run b", "b": "tsx --test"}, RunnerScript("b", "tsx", NODE, "tsx --test")),
    ],
)
def test_the_script_that_is_run(tmp_path: Path, scripts: dict[str, str], found: RunnerScript) -> None:
    assert find_test_script(package(tmp_path, **scripts)) == found


@pytest.mark.parametrize(
    ("scripts", "verdict", "summary"),
    [
        ({}, Verdict.VACUOUS, "package.json has no script `test`"),
        (
            {"test": 'echo "Error: no test specified" && exit 1'},
            Verdict.VACUOUS,
            "package.json has npm's placeholder for a script `test`",
        ),
        (
            {"test": "make check"},
            Verdict.ERRORED,
            "the script `test` of package.json runs nothing that can be asked for a report: make check",
        ),
        (
            {"test": "npm run test"},
            Verdict.ERRORED,
            "the script `test` of package.json runs nothing that can be asked for a report: npm run test",
        ),
    ],
)
def test_a_script_that_gives_no_evidence(
    tmp_path: Path, scripts: dict[str, str], verdict: Verdict, summary: str
) -> None:
    with pytest.raises(NoEvidence) as caught:
        find_test_script(package(tmp_path, **scripts))
    assert (caught.value.evidence.verdict, caught.value.evidence.summary) == (verdict, summary)
    assert not caught.value.evidence.retryable


@pytest.mark.parametrize("runner", sorted(set(RUNNERS.values()) - {NODE}))
def test_every_runner_is_told_where_its_report_goes(runner: str) -> None:
    assert any("/scratch/report.json" in option for option in report_options(runner, Path("/scratch/report.json")))


def test_node_is_told_by_its_environment_also_where_the_folder_has_blanks() -> None:
    told = report_environment(NODE, Path('/my scratch/a"b.json'))["NODE_OPTIONS"]
    assert told.endswith('--test-reporter-destination="/my scratch/a\\"b.json"')
    assert "node_reporter.mjs" in told
    assert report_environment(JEST, Path("/scratch/report.json")).get("NODE_OPTIONS") is None


def test_snapshots_are_not_written_and_files_not_watched() -> None:
    assert all(report_environment(runner, Path("/r"))["CI"] == "true" for runner in RUNNERS.values())
