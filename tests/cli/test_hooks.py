"""`nofx hooks`: what the options ask for, what is told of it, and the fields that scripts rely on."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from nofx_cli.cli.app import app
from nofx_cli.workspace.hooks_script import HookScript, read_script
from tests.cli.console import Console

REPOSITORY = Path(__file__).resolve().parents[2]
PLAN = "steps:\n  - {name: a, tool: 'test:echo'}\n"
FAILS = "steps:\n  - {name: a, tool: 'test:fail'}\n"
NEEDS = "params: {message: {required: true}, since: {required: true}}\n" + PLAN
TELLS = """
params: {message: {type: string}, message_file: {type: string}, ref: {type: string}, hook: {type: string}}
steps:
  - name: a
    tool: test:echo
    inputs: {message: "{{ params.message }}", ref: "{{ params.ref }}", hook: "{{ params.hook }}"}
"""


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(cli: Console) -> Console:
    git(cli.folder, "init", "-q", "--template=")
    (cli.folder / "plans").mkdir()
    for name, text in {"one": PLAN, "fails": FAILS, "needs": NEEDS, "tells": TELLS}.items():
        (cli.folder / "plans" / f"{name}.yaml").write_text(text)
    return cli


def hook(cli: Console, name: str = "pre-commit") -> Path:
    return cli.folder / ".git" / "hooks" / name


def script_of(path: Path) -> HookScript:
    read = read_script(path.read_bytes())
    assert read is not None
    return read.script


class TestInstall:
    def test_alone_it_is_the_plan_for_commits(self, repository: Console) -> None:
        assert repository.ok("hooks", "install") == "pre-commit  installed: runs pre-commit\n"
        assert script_of(hook(repository)).plan == "pre-commit"
        assert repository.ok("hooks", "install") == "pre-commit  was installed before: runs pre-commit\n"

    def test_what_is_recorded(self, repository: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        (repository.folder / "deep").mkdir()
        monkeypatch.chdir(repository.folder / "deep")
        repository.ok("hooks", "install", "--pre-commit", "one", "--pre-push", "../plans/one.yaml")
        program = str(Path(sys.executable).parent / "nofx")
        assert script_of(hook(repository)) == HookScript("pre-commit", "one", program, made_folder=True)
        assert script_of(hook(repository, "pre-push")).plan == "plans/one.yaml"

    def test_a_project_below_the_top(self, repository: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        below = repository.folder / "back" / "end"
        below.mkdir(parents=True)
        (below / "nofx.yaml").touch()
        (below / "p.yaml").write_text(PLAN)
        monkeypatch.chdir(below)
        repository.ok("hooks", "install", "--pre-commit", "p.yaml")
        script = script_of(hook(repository))
        assert (script.plan, script.project) == ("back/end/p.yaml", "back/end")

    @pytest.mark.parametrize(
        ("option", "plan", "code", "told"),
        [
            ("--pre-commit", "nowhere", 4, "there is no plan `nowhere`"),
            ("--commit-msg", "needs", 3, "parameter `since` is required"),
            ("--pre-commit", "needs", 3, "parameter `message` is required"),
        ],
    )
    def test_a_plan_that_cannot_be_run_is_refused_before(
        self, repository: Console, option: str, plan: str, code: int, told: str
    ) -> None:
        result = repository("hooks", "install", option, plan)
        assert result.exit_code == code
        assert told in result.stderr
        assert not hook(repository).parent.exists()

    def test_where_there_is_no_repository(self, cli: Console) -> None:
        result = cli("hooks", "install")
        assert result.exit_code == 3
        assert result.stderr.startswith("error[no-repository]: hooks belong to a checkout of git, and ")

    def test_a_part_of_the_checkout_is_told(self, repository: Console) -> None:
        git(repository.folder, "config", "core.hooksPath", ".githooks")
        told = repository.ok("hooks", "install", "--pre-commit", "one")
        assert ".githooks is a part of the checkout: commit it, and others have the hook too" in told


class TestStatus:
    def test_in_words(self, repository: Console) -> None:
        hook(repository).parent.mkdir()
        hook(repository).write_text("#!/bin/sh\n")
        repository.ok("hooks", "install", "--pre-commit", "one", "--pre-push", "fails")
        (repository.folder / "plans" / "fails.yaml").unlink()
        hook(repository, "commit-msg").write_text("#!/bin/sh\n")
        program = str(Path(sys.executable).parent / "nofx")
        assert repository.ok("hooks", "status").splitlines() == [
            str(hook(repository).parent),
            "pre-commit  installed  plan one",
            f"            by {program}",
            f"            after {hook(repository)}.nofx-kept",
            "commit-msg  another hook",
            "pre-push    installed  plan fails",
            f"            by {program}",
            "            there is no plan `fails`",
        ]

    def test_as_json(self, repository: Console) -> None:
        repository.ok("hooks", "install", "--pre-commit", "one")
        text = hook(repository).read_text()
        hook(repository, "pre-push").write_text(text.replace("exit 1", "exit 0"))
        told = repository.json("hooks", "status")
        nothing = {
            "plan": None, "plan_fault": None, "program": None, "program_fault": None, "project": None,
            "everywhere": False, "kept": None,
        }  # fmt: skip
        of_one = {**nothing, "plan": "one", "program": str(Path(sys.executable).parent / "nofx"), "project": ""}
        folder = hook(repository).parent
        assert told == {
            "folder": str(folder),
            "setting": "",
            "scope": "",
            "shared": False,
            "in_checkout": False,
            "hooks": [
                {"hook": "pre-commit", "state": "installed", "path": str(folder / "pre-commit"), **of_one},
                {"hook": "commit-msg", "state": "absent", "path": str(folder / "commit-msg"), **nothing},
                {"hook": "pre-push", "state": "edited", "path": str(folder / "pre-push"), **of_one},
            ],
        }

    def test_install_and_uninstall_as_json(self, repository: Console) -> None:
        hook(repository).parent.mkdir()
        hook(repository).write_text("#!/bin/sh\n")
        installed = repository.json("hooks", "install", "--pre-commit", "one")
        assert installed["changed"] == ["pre-commit"]
        assert [one["state"] for one in installed["hooks"]] == ["installed"]
        assert repository.json("hooks", "uninstall", "pre-push") == {"removed": [], "restored": []}
        assert repository.json("hooks", "uninstall") == {"removed": ["pre-commit"], "restored": ["pre-commit"]}

    def test_uninstall_in_words(self, repository: Console) -> None:
        result = repository("hooks", "uninstall")
        assert (result.exit_code, result.stderr) == (0, "no hook of nofx is installed here\n")
        repository.ok("hooks", "install", "--pre-commit", "one")
        assert repository.ok("hooks", "uninstall", "pre-commit") == "pre-commit  removed\n"
        assert repository("hooks", "uninstall", "post-merge").exit_code == 2


class TestRun:
    def test_words_of_the_hook_reach_the_plan(self, repository: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        (repository.folder / "MESSAGE").write_text("subject\n\n# kept: nothing was edited\n")
        monkeypatch.setenv("GIT_EDITOR", ":")
        result = repository("hooks", "run", "commit-msg", "--plan", "tells", "--", "MESSAGE")
        assert result.exit_code == 0
        assert result.stderr.startswith("nofx/commit-msg: passed")
        [step] = repository.json("show")["steps"]
        assert step["outputs"] == {
            "message": "subject\n\n# kept: nothing was edited", "ref": None, "hook": "commit-msg",
        }  # fmt: skip

    def test_an_edited_message_loses_what_git_takes_away(self, repository: Console) -> None:
        scissors = "# ------------------------ >8 ------------------------"
        (repository.folder / "MESSAGE").write_text(f"\nsubject  \n# comment\nbody\n{scissors}\ndiff --git\n")
        assert repository("hooks", "run", "commit-msg", "--plan", "tells", "--", "MESSAGE").exit_code == 0
        assert repository.json("show")["steps"][0]["outputs"]["message"] == "subject\nbody"

    @pytest.mark.parametrize(("variable", "value"), [("NOFX_HOOKS", "off"), ("NOFX_RUN_ID", "20260101-120000-aaaaaa")])
    def test_when_it_does_nothing(
        self, repository: Console, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable, value)
        assert repository("hooks", "run", "pre-commit", "--plan", "fails").exit_code == 0

    def test_a_plan_that_others_do_not_have(self, repository: Console) -> None:
        assert repository("hooks", "run", "pre-commit", "--plan", "nowhere").exit_code == 4
        assert repository("hooks", "run", "pre-commit", "--plan", "nowhere", "--everywhere").exit_code == 0
        assert repository("hooks", "run", "pre-commit", "--plan", "fails", "--everywhere").exit_code == 1

    def test_what_git_does_not_say(self, repository: Console) -> None:
        bad = repository.terminal.invoke(app, ["hooks", "run", "pre-push", "--plan", "one"], input="one two\n")
        assert (bad.exit_code, "lines of four words" in bad.stderr) == (2, True)
        no_text = repository.terminal.invoke(app, ["hooks", "run", "pre-push", "--plan", "one"], input=b"a\xff two\n")
        assert (no_text.exit_code, r"'a\udcff two'" in no_text.stderr) == (2, True)
        missing = repository("hooks", "run", "commit-msg", "--plan", "one")
        assert (missing.exit_code, "error[no-message]" in missing.stderr) == (2, True)
        unknown = repository("hooks", "run", "post-merge")
        assert (unknown.exit_code, "there are pre-commit, commit-msg, pre-push" in unknown.stderr) == (2, True)


class TestPreCommit:
    """What users of pre-commit get: `.pre-commit-hooks.yaml`, run as that program would."""

    HOOKS = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())

    def test_the_manifest_has_what_pre_commit_requires(self) -> None:
        known = {
            "id", "name", "entry", "language", "description", "stages", "always_run", "pass_filenames",
            "require_serial", "minimum_pre_commit_version",
        }  # fmt: skip
        assert [one["id"] for one in self.HOOKS] == ["nofx-pre-commit", "nofx-commit-msg", "nofx-pre-push"]
        for one in self.HOOKS:
            assert {"id", "name", "entry", "language"} <= set(one) <= known
            assert one["stages"] == [one["id"].removeprefix("nofx-")]
            assert (one["language"], one["always_run"]) == ("python", True)

    @pytest.mark.parametrize("manifest", HOOKS, ids=lambda one: str(one["id"]))
    def test_its_entry_runs_the_plan_of_the_args(
        self, repository: Console, manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("NAME", "EMAIL"):
            monkeypatch.setenv(f"GIT_AUTHOR_{name}", "x@example.invalid")
        (repository.folder / "MESSAGE").write_text("subject\n")
        git(repository.folder, "commit", "-q", "--allow-empty", "-m", "x")
        monkeypatch.setenv("PRE_COMMIT_TO_REF", git(repository.folder, "rev-parse", "HEAD").strip())
        entry = shlex.split(manifest["entry"])
        assert entry.pop(0) == "nofx"
        names = ["MESSAGE"] if manifest["stages"] == ["commit-msg"] else []
        assert repository(*entry, "--plan", "one", *names).exit_code == 0
        assert repository(*entry, "--plan", "fails", *names).exit_code == 1
        assert os.getcwd() == str(repository.folder)
