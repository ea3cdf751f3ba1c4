"""`action.yml` and `docs/ci/gitlab.yml`: read, and their scripts run as their runners would, without their servers."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from nofx_cli.domain.events import ApprovalGranted
from tests.acceptance.checkouts import git
from tests.acceptance.ci_jobs import Job, check_reports, github, outputs, project, scripts, upload
from tests.acceptance.program import PATIENCE

pytestmark = pytest.mark.acceptance

REPOSITORY = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((REPOSITORY / "action.yml").read_text("utf-8"))
GITLAB = yaml.safe_load((REPOSITORY / "docs" / "ci" / "gitlab.yml").read_text("utf-8"))
EXPRESSION = re.compile(r"\$\{\{ ([\w.-]+) \}\}")
NOFX = f'exec {shlex.quote(sys.executable)} -m nofx_cli "$@"'
ENVIRONMENT = f"""\
set -e
if [ "$1 $2" = "-m venv" ]; then
  mkdir -p "$3/bin"; cp "$0" "$3/bin/python"
  printf '#!/bin/sh\\n%s\\n' {shlex.quote(NOFX)} > "$3/bin/nofx"; chmod +x "$3/bin/nofx"
else
  echo "$*" >> "$RUNNER_TEMP/installed"
fi
"""
"""A python3 that makes an environment without asking the network, and notes what pip was told."""


@dataclass
class Action:
    """The steps of the action, in a job.

    Attributes:
        artifacts: the folder that artifacts of all jobs lie in, by name.
        used: the actions that were called, with what they were given.
    """

    job: Job
    artifacts: Path
    inputs: Mapping[str, str]
    used: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    steps: dict[str, dict[str, str]] = field(default_factory=dict)
    log: str = ""

    def run(self) -> int:
        """Do what the runner does; the exit code of the step that failed, or 0."""
        failed = 0
        for step in ACTION["runs"]["steps"]:
            if not self._applies(step.get("if", ""), failed=failed):
                continue
            code = self._use(step) if "uses" in step else self._shell(step)
            failed = failed or code
        return failed

    @property
    def outputs(self) -> dict[str, str]:
        return {name: self._value(told["value"]) for name, told in ACTION["outputs"].items()}

    def _applies(self, condition: str, *, failed: int) -> bool:
        always, _, rest = condition.rpartition("always() && ")
        if failed and not always:
            return False
        name, sign, value = rest.partition(" != ")
        assert sign or not rest, condition
        return not rest or self._value(f"${{{{ {name} }}}}") != value.strip("'")

    def _value(self, text: str) -> str:
        return EXPRESSION.sub(lambda found: self._known(found[1]), str(text))

    def _known(self, name: str) -> str:
        first, _, rest = name.partition(".")
        if first == "inputs":
            return self.inputs.get(rest, ACTION["inputs"][rest]["default"])
        if first == "steps":
            step, _, output = rest.partition(".outputs.")
            return self.steps.get(step, {}).get(output, "")
        return {"github.action_path": "/the/action", "github.actor": "ada", "runner.temp": str(self.job.temp)}[name]

    def _use(self, step: Mapping[str, Any]) -> int:
        given = {name: self._value(value) for name, value in step["with"].items()}
        name = step["uses"].partition("@")[0]
        self.used.append((name, given))
        if name == "actions/upload-artifact":
            upload(Path(given["path"]), self.artifacts / given["name"])
        elif name == "actions/download-artifact":
            shutil.copytree(self.artifacts / given["name"], given["path"])
        return 0

    def _shell(self, step: Mapping[str, Any]) -> int:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "an input in a script is a script"
        given = {name: self._value(value) for name, value in step.get("env", {}).items()}
        output = self.job.temp / "output"
        output.unlink(missing_ok=True)
        more = (self.job.temp / "path").read_text().split() if (self.job.temp / "path").exists() else []
        path = os.pathsep.join([*more, scripts(self.job.temp / "fake", python3=ENVIRONMENT)])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.job.folder / self._value(step.get("working-directory", ".")),
            env={**os.environ, **self.job.environment, "PATH": path, **given},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.log += done.stdout + done.stderr
        if "id" in step and output.exists():
            self.steps[step["id"]] = outputs(output)
        return done.returncode


class TestTheFile:
    def test_every_input_is_used_and_told_and_has_a_default(self) -> None:
        text = (REPOSITORY / "action.yml").read_text("utf-8")
        for name, told in ACTION["inputs"].items():
            assert f"inputs.{name} " in text.partition("\nruns:\n")[2].replace("\n", " "), name
            assert told["description"].endswith(".")
            assert isinstance(told["default"], str), "GitHub gives texts"

    def test_every_expression_is_known(self) -> None:
        text = (REPOSITORY / "action.yml").read_text("utf-8")
        known = {f"inputs.{name}" for name in ACTION["inputs"]} | {"github.action_path", "github.actor", "runner.temp"}
        used = set(EXPRESSION.findall(text)) | set(re.findall(r"inputs\.[\w-]+", text))
        assert {name for name in used if not name.startswith("steps.run.outputs.")} <= known
        assert text.count("${{") == len(EXPRESSION.findall(text))

    def test_the_scripts_are_scripts(self) -> None:
        for step in ACTION["runs"]["steps"]:
            if "run" in step:
                subprocess.run(["bash", "-n", "-c", step["run"]], check=True)


def test_two_jobs_of_github(tmp_path: Path) -> None:
    origin = project(tmp_path / "origin")
    given = {"plan": "release.yaml", "params": "tag=v3\n\n", "args": "--priority\n5\n", "evidence": "checked"}
    first = Action(github(tmp_path / "first", origin), tmp_path / "artifacts", given)
    assert first.run() == 0, first.log  # a run that waits is no failure
    assert "::notice title=nofx::the run waits for a person" in first.log
    told = first.outputs
    assert (told["status"], told["exit-code"]) == ("waiting", "8")
    assert told["run-id"] == first.job.runs()[0]
    assert Path(told["evidence"]).parent == first.job.temp
    assert git(first.job.folder, "status", "--porcelain") == ""
    assert first.job.events()[0].actor.id == "ada"
    assert "/the/action[gates]" in (first.job.temp / "installed").read_text()
    assert [name for name, _ in first.used] == ["actions/setup-python", "actions/upload-artifact"]

    (tmp_path / "artifacts" / "checked" / "nofx.env").write_text("CARRIED_RUN=--help\n")  # no digest covers it
    note = "go; $(echo on)"
    then = {
        "restore": "checked",
        "approve": "release",
        "head": told["head"],
        "note": note,
        "version": "9.9",
    }
    second = Action(github(tmp_path / "second", origin), tmp_path / "artifacts", {**then, "python-version": ""})
    assert second.run() == 0, second.log
    assert second.outputs["status"] == "succeeded"
    assert second.outputs["run-id"] == told["run-id"]
    assert "published v3" in second.job.log("publish")
    assert [e.payload.note for e in second.job.events() if isinstance(e.payload, ApprovalGranted)] == [note]
    assert "nofx-cli[gates]==9.9" in (second.job.temp / "installed").read_text()
    assert [name for name, _ in second.used] == ["actions/download-artifact", "actions/upload-artifact"]
    check_reports(tmp_path / "artifacts" / "nofx-evidence")

    third = Action(github(tmp_path / "third", origin), tmp_path / "artifacts", {**then, "head": "ab" * 32})
    assert third.run() == 5, third.log
    assert not third.job.store.exists()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"plan": "release.yaml", "fail-on-waiting": "true"}, 8),
        ({"plan": "none.yaml"}, 4),
        ({"plan": "release.yaml", "params": "tag"}, 2),
        ({"plan": "release.yaml", "params": "other=1"}, 3),
        ({"plan": "release.yaml", "wait-approval": "soon"}, 2),
    ],
    ids=lambda value: "" if isinstance(value, int) else " ".join(value),
)
def test_the_job_fails_with_the_exit_code_of_nofx(tmp_path: Path, given: dict[str, str], code: int) -> None:
    action = Action(github(tmp_path / "job", project(tmp_path / "origin")), tmp_path / "artifacts", given)
    assert action.run() == code, action.log
    assert action.outputs["exit-code"] == str(code)


class TestGitlab:
    def job(self, name: str, job: Job, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run the scripts of a job of the template, as the runner does: one after the other, in one shell."""
        told = {**GITLAB[".nofx"], **GITLAB[name]}
        path = scripts(job.temp / "fake", nofx=NOFX, pip='[ "$1" = install ] && echo "$*" >> "$LOG"')
        given = {key: str(value) for key, value in told["variables"].items() if not str(value).startswith("$")}
        own = {"GITLAB_CI": "true", "CI_JOB_URL": "https://gitlab.invalid/1", "LOG": str(job.temp / "installed")}
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", "\n".join([*told["before_script"], *told["script"]])],
            cwd=job.folder,
            env={**os.environ, **job.environment, **own, **given, "PATH": path, "NOFX_ACTOR": "ada", **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def test_two_jobs(self, tmp_path: Path) -> None:
        origin = project(tmp_path / "origin")
        first, second = Job(tmp_path / "first", origin), Job(tmp_path / "second", origin)
        told = self.job("check", first)
        assert told.returncode in GITLAB["check"]["allow_failure"]["exit_codes"], told.stderr
        assert "section_start:" in told.stderr
        assert "nofx-cli[gates]" in (first.temp / "installed").read_text()
        reports = GITLAB[".nofx"]["artifacts"]["reports"]
        assert set(reports) == {"junit", "codequality", "sast", "dotenv"}
        for report in reports.values():
            assert (first.folder / report).is_file(), report
        (folder,) = GITLAB[".nofx"]["artifacts"]["paths"]
        shutil.copytree(first.folder / folder, second.folder / folder)
        lines = (first.folder / reports["dotenv"]).read_text("utf-8").splitlines()
        assert all(re.fullmatch(r"\w+=[\w:-]+", line) for line in lines)
        done = self.job("release", second, **dict(line.split("=", 1) for line in lines))
        assert done.returncode == 0, done.stderr
        assert second.events()[-1].type == "run.succeeded"
        check_reports(second.folder / folder)

    def test_jobs_are_in_stages_that_there_are_and_need_what_stands_before(self) -> None:
        jobs = {name: job for name, job in GITLAB.items() if isinstance(job, dict) and not name.startswith(".")}
        assert [job["stage"] for job in jobs.values()] == GITLAB["stages"]
        assert all(set(job.get("needs", [])) <= set(jobs) for job in jobs.values())
