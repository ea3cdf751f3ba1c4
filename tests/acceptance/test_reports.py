"""What gates found, from the real ruff to the files and lines that other programs read."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from junitparser import JUnitXml

from tests.acceptance.program import PATIENCE, Ended, Program
from tests.sarif import log_of

pytestmark = pytest.mark.acceptance

LINT = '  - {name: lint, tool: "gate:lint", needs: [], inputs: {args: ["--select", "F401"]}}\n'
ASK = '  - {name: release, tool: "manual:release", inputs: {message: Release?}}\n'
TWO = "import os\nimport sys\n"
GITHUB = {"CI": "true", "GITHUB_ACTIONS": "true"}


def project(nofx: Program, code: str = TWO) -> None:
    (nofx.folder / "pyproject.toml").touch()
    (nofx.folder / "a.py").write_text(code, "utf-8")


def obeyed(text: str) -> list[str]:
    """The lines that the runner of GitHub Actions takes for commands and obeys, as it reads them.

    Groups are left out: what they hold stands in the fence, and `test_ci_story` looks at them.
    """
    commands, token = [], ""
    for line in map(str.strip, text.splitlines()):
        if token:
            token = "" if line == f"::{token}::" else token
        elif stop := re.fullmatch(r"::stop-commands::(.+)", line):
            token = stop[1]
        elif line.startswith("::") or "##[" in line or "##vso[" in line:
            commands.append(line)
    assert not token, "the fence was not closed"
    return [command for command in commands if not command.startswith(("::group::", "::endgroup::"))]


class TestFiles:
    def words(self, folder: Path) -> list[str]:
        return [word for name in ("sarif", "junit", "gitlab") for word in (f"--{name}", str(folder / name))]

    def test_of_a_run_that_failed(self, nofx: Program, tmp_path: Path) -> None:
        project(nofx)
        assert nofx("run", nofx.plan(LINT), *self.words(tmp_path)).code == 1
        (run,) = log_of((tmp_path / "sarif").read_text("utf-8"))["runs"]
        regions = [result["locations"][0]["physicalLocation"]["region"] for result in run["results"]]
        assert regions == [{"startLine": 1, "startColumn": 8}, {"startLine": 2, "startColumn": 8}]
        junit = JUnitXml.fromfile(str(tmp_path / "junit"))
        assert (junit.tests, junit.failures) == (2, 2)
        gitlab = json.loads((tmp_path / "gitlab").read_text("utf-8"))
        assert [entry["location"]["lines"]["begin"] for entry in gitlab] == [1, 2]
        kept = log_of(next(nofx.store.rglob("findings.sarif")).read_text("utf-8"))["runs"][0]
        assert kept["results"] == run["results"]

    def test_of_a_run_that_waits(self, nofx: Program, tmp_path: Path) -> None:
        project(nofx, "x = 1\n")
        assert nofx("run", nofx.plan(LINT + ASK), "--no-wait", *self.words(tmp_path)).code == 8
        assert JUnitXml.fromfile(str(tmp_path / "junit")).tests == 1
        assert json.loads((tmp_path / "gitlab").read_text("utf-8")) == []


class TestGithub:
    def test_annotations_stand_outside_of_the_fence_and_all_else_inside(self, nofx: Program, tmp_path: Path) -> None:
        project(nofx)
        summary = tmp_path / "summary.md"
        told = nofx("run", nofx.plan(LINT), env={**GITHUB, "GITHUB_STEP_SUMMARY": str(summary)})
        assert told.code == 1
        assert obeyed(told.err) == [
            "::error file=a.py,line=1,col=8,title=gate%3Alint F401::`os` imported but unused",
            "::error file=a.py,line=2,col=8,title=gate%3Alint F401::`sys` imported but unused",
        ]
        assert obeyed(told.out) == []
        assert "| error | a.py&#58;1&#58;8 | F401 | &#96;os&#96; imported but unused |" in summary.read_text("utf-8")

    def test_what_steps_print_is_never_obeyed(self, nofx: Program) -> None:
        evil = "  ::error::boom\n##[error]boom\n::stop-commands::x\n::x::\n::add-mask::a"
        command = f"printf '%s\\n' {' '.join(repr(line) for line in evil.splitlines())}; exit 1"
        steps = f"  - {{name: evil, tool: shell, inputs: {{command: {json.dumps(command)}}}}}\n"
        for words in ([], ["--json"], ["--quiet"]):
            told = nofx("run", nofx.plan(steps), *words, env=GITHUB)
            assert told.code == 1
            assert obeyed(told.err) == obeyed(told.out) == []
        told = nofx("run", "plan.yaml", env=GITHUB)
        first, *inside, last = told.err.splitlines()
        assert first.startswith("::stop-commands::nofx-")
        words = [line.removeprefix("::stop-commands::") for line in told.err.splitlines() if "::stop-comm" in line]
        assert last == f"::{words[-1]}::"
        assert len(set(words)) == len(words) == 3  # another one behind each line that is to be obeyed
        assert any("boom" in line for line in inside)

    def test_in_a_folder_of_the_repository_paths_are_those_of_the_repository(self, nofx: Program) -> None:
        project(nofx)
        told = nofx("run", nofx.plan(LINT), env={**GITHUB, "GITHUB_WORKSPACE": str(nofx.folder.parent)})
        assert obeyed(told.err)[0].startswith("::error file=project/a.py,line=1,")

    def test_a_report_afterwards_tells_the_same(self, nofx: Program) -> None:
        project(nofx)
        first = nofx("run", nofx.plan(LINT), env=GITHUB)
        assert obeyed(nofx("gates", "report", "--github").err) == obeyed(first.err)

    def test_elsewhere_there_is_neither_fence_nor_annotation(self, nofx: Program, tmp_path: Path) -> None:
        project(nofx)
        summary = tmp_path / "summary.md"
        told = nofx("run", nofx.plan(LINT), env={"GITHUB_STEP_SUMMARY": str(summary)})
        assert "::" not in told.err + told.out
        assert not summary.exists()


def test_the_worst_findings_are_shown_at_the_end_of_a_run(nofx: Program) -> None:
    project(nofx, "".join(f"import m{number}\n" for number in range(15)))
    told = nofx("run", nofx.plan(LINT))
    assert "  | a.py:1:8 F401 `m0` imported but unused\n" in told.err
    assert f"  | … and 5 more: nofx gates report {nofx.runs()[0]}\n" in told.err


class TestBaseline:
    def run(self, nofx: Program, code: str) -> Ended:
        project(nofx, code)
        return nofx("run", nofx.plan(LINT))

    def test_only_what_is_new_blocks_and_what_is_gone_is_told(self, nofx: Program) -> None:
        assert self.run(nofx, TWO).code == 1
        assert nofx("gates", "baseline").out == "nofx-baseline.json: 2 known, 2 added, 0 removed\n"
        known = self.run(nofx, "# a line more\n\n" + TWO)
        assert known.code == 0
        assert "2 findings in 1 file, all of them in the baseline" in known.err
        new = self.run(nofx, TWO + "import re\n")
        assert new.code == 1
        assert "3 findings in 1 file, 2 of them in the baseline" in new.err
        gone = self.run(nofx, "import os\n")
        assert gone.code == 0
        assert "1 finding of the baseline is gone" in gone.err
        assert nofx("gates", "baseline", "--prune").out == "nofx-baseline.json: 1 known, 0 added, 1 removed\n"
        assert self.run(nofx, TWO).code == 1

    def test_a_file_that_does_not_parse_is_never_let_through(self, nofx: Program) -> None:
        assert self.run(nofx, "def (\n").code == 1
        assert "has no baseline" in nofx("gates", "baseline").err
        assert self.run(nofx, "def (\n").code == 1

    def test_a_baseline_that_is_broken_lets_nothing_pass(self, nofx: Program) -> None:
        (nofx.folder / "nofx-baseline.json").write_text("{")
        told = self.run(nofx, "x = 1\n")
        assert told.code == 1
        assert "nofx-baseline.json cannot be read" in told.err

    def test_scanners_find_no_secret_in_it(self, nofx: Program) -> None:
        assert self.run(nofx, "".join(f"import m{number}\n" for number in range(50))).code == 1
        assert nofx("gates", "baseline").code == 0
        scan = [sys.executable, "-m", "detect_secrets", "scan", "--no-verify", "nofx-baseline.json"]
        told = subprocess.run(scan, cwd=nofx.folder, capture_output=True, text=True, check=True, timeout=PATIENCE)
        assert json.loads(told.stdout)["results"] == {}
