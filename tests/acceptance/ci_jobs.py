"""Jobs of CI systems: each in a clone and a store of its own, with the environment that its runner gives it."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from junitparser import JUnitXml

from tests.acceptance.checkouts import git
from tests.acceptance.program import Program
from tests.sarif import log_of

PLAN = """\
version: 1
goal: Release
params: {tag: {type: string, default: v1}}
steps:
  - {name: lint, tool: "gate:lint", severity: warning, inputs: {args: ["--select", "F401"]}}
  - {name: build, tool: shell, inputs: {command: "echo built > $NOFX_ARTIFACTS/out.txt; echo '::error::foreign'"}}
  - {name: release, tool: "manual:release", needs: [build, lint], inputs: {message: "Publish {{ params.tag }}?"}}
  - {name: publish, tool: shell, inputs: {command: "echo published {{ params.tag | sh }} in \\"$PWD\\""}}
"""


class Job(Program):
    """`nofx` in a job: a clone of the project, a store that goes with the job, and files for the runner."""

    def __init__(self, folder: Path, origin: Path, **environment: str) -> None:
        git(folder.parent, "clone", "-q", "--no-local", str(origin), str(folder))  # a local one has all objects
        super().__init__(folder, folder / "local_data")
        self.temp = folder.parent / f"{folder.name}.temp"
        self.temp.mkdir()
        self.environment = {"CI": "true", "NOFX_HOME": str(self.store), **environment}

    def start(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        stdin: int | IO[str] = subprocess.DEVNULL,
        before: object = None,
    ) -> "subprocess.Popen[str]":
        return super().start(*words, env={**self.environment, **(env or {})}, stdin=stdin)


def github(folder: Path, origin: Path) -> Job:
    """A job of GitHub Actions."""
    job = Job(folder, origin, GITHUB_ACTIONS="true")
    job.environment |= {
        "GITHUB_OUTPUT": str(job.temp / "output"),
        "GITHUB_PATH": str(job.temp / "path"),
        "GITHUB_STEP_SUMMARY": str(job.temp / "summary.md"),
        "GITHUB_WORKSPACE": str(folder),
        "RUNNER_TEMP": str(job.temp),
    }
    return job


def project(folder: Path, plan: str = PLAN) -> Path:
    """The repository that jobs clone."""
    folder.mkdir()
    (folder / "nofx.yaml").touch()
    (folder / "pyproject.toml").touch()
    (folder / "a.py").write_text("import os\n", "utf-8")
    (folder / "release.yaml").write_text(plan, "utf-8")
    git(folder, "init", "-q", "-b", "trunk")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def outputs(path: Path) -> dict[str, str]:
    """The file `$GITHUB_OUTPUT`, as the runner reads it: the last of a name counts."""
    found, lines = {}, iter(path.read_text("utf-8").splitlines())
    for line in lines:
        if heredoc := re.fullmatch(r"([\w-]+)<<(.+)", line):
            block = []
            while (line := next(lines)) != heredoc[2]:
                block.append(line)
            found[heredoc[1]] = "\n".join(block)
        else:
            name, _, value = line.partition("=")
            found[name] = value
    return found


def upload(folder: Path, to: Path) -> Path:
    """Keep a folder as an artifact of the job. Hidden files are left out, as by `actions/upload-artifact`."""
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns(".*"))
    return to


def scripts(folder: Path, **programs: str) -> str:
    """A PATH on which these programs come first, each a shell script."""
    folder.mkdir(exist_ok=True)
    for name, text in programs.items():
        place = folder / name
        place.write_text(f"#!/bin/bash\n{text}\n", "utf-8")
        place.chmod(0o755)
    return os.pathsep.join([str(folder), os.environ["PATH"]])


def check_reports(folder: Path) -> None:
    """The reports in a folder of evidence are what their readers take, and tell the one finding that there is."""
    junit = JUnitXml.fromfile(str(folder / "junit.xml"))
    assert (junit.tests, junit.failures + junit.skipped) == (1, 1)
    (run,) = log_of((folder / "findings.sarif").read_text("utf-8"))["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["F401"]
    assert [entry["check_name"] for entry in json.loads((folder / "code-quality.json").read_text("utf-8"))] == ["F401"]
    assert json.loads((folder / "gl-sast-report.json").read_text("utf-8"))["scan"]["type"] == "sast"
