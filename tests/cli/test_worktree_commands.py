"""`nofx diff`, `nofx apply`, `nofx clean`: what runs left in their worktrees, looked at, taken over, cleared away."""

import shutil
import subprocess
from pathlib import Path

import pytest

from nofx_cli.domain.ids import RunId
from tests.cli.console import EVIL, Console, harmless
from tests.cli.runner import Runner
from tests.cli.terminals import pretend_terminal

WRITE = '  - {name: write, tool: "workspace:write", inputs: {path: made.txt, content: "made\\n"}}\n'
CHANGE = '  - {name: change, tool: "workspace:write", inputs: {path: a.txt, content: "1\\n2\\n"}}\n'
ASK = '  - {name: ok, tool: "manual:ok"}\n'


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(project: Path) -> Path:
    """The project is a repository, with one file."""
    git(project, "init", "-q", "-b", "trunk")
    (project / "a.txt").write_text("1\n")
    (project / ".gitignore").write_text("plan.yaml\n")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "first")
    return project


def tree_of(nofx: Runner, run: RunId) -> Path:
    return nofx.records.layout.root / ".worktrees" / run


class TestDiff:
    def test_the_fields_are_pinned(self, nofx: Runner, checkout: Path) -> None:
        run = nofx.run(WRITE)
        base = git(checkout, "rev-parse", "HEAD^{tree}").strip()
        ref = f"refs/nofx/{run}/write/1"
        tree = git(checkout, "rev-parse", f"{ref}^{{tree}}").strip()
        text = (
            "diff --git a/made.txt b/made.txt\nnew file mode 100644\nindex 0000000..c5f1b8e\n--- /dev/null\n"
            "+++ b/made.txt\n@@ -0,0 +1 @@\n+made\n"
        )
        change = {
            "from": base, "to": tree, "ref": ref,
            "files": [{"path": "made.txt", "status": "A", "added": 1, "removed": 0}], "diff": text,
        }  # fmt: skip
        assert nofx.json("diff") == {"run": run, "step": None, "changes": [{**change, "attempts": []}]}
        assert nofx.json("diff", run, "write") == {
            "run": run, "step": "write", "changes": [{**change, "attempts": [1]}]
        }  # fmt: skip
        assert nofx("diff").stdout == text

    def test_of_a_step_is_only_what_it_changed(self, nofx: Runner, checkout: Path) -> None:
        nofx.run(WRITE + CHANGE)
        assert nofx("diff", "change", "--stat").stdout == "M  +1  -0  a.txt\n"
        assert nofx("diff", "--stat").stdout == "M  +1  -0  a.txt\nA  +1  -0  made.txt\n"

    def test_nothing_was_changed(self, nofx: Runner, checkout: Path) -> None:
        same = '  - {name: same, tool: "workspace:write", inputs: {path: a.txt, content: "1\\n"}}\n'
        run = nofx.run(same + WRITE)
        assert nofx("diff", "same").stderr == "step same changed nothing\n"
        run = nofx.run(same)
        assert nofx("diff").stderr == f"run {run} changed nothing\n"
        assert nofx.json("diff")["changes"] == []

    def test_a_run_in_place_has_none(self, nofx: Runner, checkout: Path) -> None:
        run = nofx.run(f"workspace: in_place\nsteps:\n{WRITE}")
        for command in ("diff", "apply"):
            error = nofx.error(command, code=4)
            assert error["code"] == "no-worktree"
            assert error["message"] == f"run {run} has no worktree: what it changed is in {checkout}"

    def test_binary_files_are_named(self, nofx: Runner, checkout: Path) -> None:
        nofx.run(WRITE.replace("made\\n", "\\0"))
        assert nofx("diff", "--stat").stdout == "A  binary    made.txt\n"
        assert "Binary files /dev/null and b/made.txt differ\n" in nofx("diff").stdout

    def test_on_a_terminal_it_is_harmless(
        self, nofx: Runner, cli: Console, checkout: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (checkout / "evil").write_text(EVIL)
        copy = '  - {name: c, tool: shell, inputs: {command: ["cp", "{{ env.EVIL }}", "evil.txt"]}}\n'
        nofx.run(f"workspace: worktree\npolicy: {{env: {{allow: [EVIL]}}}}\nsteps:\n{copy}".replace(
            "{{ env.EVIL }}", str(checkout / "evil")))  # fmt: skip
        with monkeypatch.context() as patch:
            pretend_terminal(patch)
            shown = nofx("diff").stdout
        assert harmless(shown)

    def test_secrets_are_masked(self, nofx: Runner, checkout: Path) -> None:
        secret = "ghp_" + "0123456789abcdefghijklmnopqrstuvwxyz"
        (checkout / "secret").write_text(secret)
        copy = f'  - {{name: c, tool: shell, inputs: {{command: ["cp", "{checkout / "secret"}", "copied.txt"]}}}}\n'
        nofx.run(f"workspace: worktree\nsteps:\n{copy}")
        assert secret not in nofx("diff").stdout + nofx("diff", "--json").stdout


class TestApply:
    def test_the_fields_are_pinned(self, nofx: Runner, checkout: Path) -> None:
        run = nofx.run(WRITE + CHANGE)
        tree = git(checkout, "rev-parse", f"refs/nofx/{run}/change/1^{{tree}}").strip()
        told = {"run": run, "tree": tree, "staged": False}
        assert nofx.json("apply") == {**told, "changed": ["a.txt", "made.txt"], "already": []}
        assert nofx.json("apply") == {**told, "changed": [], "already": ["a.txt", "made.txt"]}
        assert (checkout / "made.txt").read_text() == "made\n"

    def test_the_second_time_it_says_so(self, nofx: Runner, checkout: Path) -> None:
        run = nofx.run(WRITE)
        first, second = nofx("apply"), nofx("apply")
        assert (first.stdout, first.stderr) == ("made.txt\n", "1 file changed\n")
        assert (second.stdout, second.stderr) == ("", f"run {run} was applied before: 1 file as it left them\n")

    def test_refused_it_says_what_to_do(self, nofx: Runner, checkout: Path) -> None:
        run = nofx.run(WRITE + CHANGE)
        (checkout / "a.txt").write_text("mine\n")
        error = nofx.error("apply", code=5)
        assert error["code"] == "apply-conflict"
        assert error["context"]["paths"] == {"a.txt": "both sides changed the same lines of it"}
        assert error["hint"] == (
            f"see what the run changed: nofx diff {run}; commit your changes or put them aside, and apply again; "
            f"or take single files: git checkout refs/nofx/{run}/change/1 -- FILE"
        )
        assert not (checkout / "made.txt").exists()

    def test_staged(self, nofx: Runner, checkout: Path) -> None:
        nofx.run(WRITE)
        nofx("apply", "--stage")
        assert git(checkout, "status", "--short", "--", "made.txt") == "A  made.txt\n"

    def test_nothing_was_changed(self, nofx: Runner, checkout: Path) -> None:
        run = nofx.run('  - {name: same, tool: "workspace:write", inputs: {path: a.txt, content: "1\\n"}}\n')
        assert nofx("apply").stderr == f"run {run} changed nothing\n"

    def test_of_a_run_that_goes_on_what_is_there_is_applied(self, nofx: Runner, checkout: Path) -> None:
        run = nofx.run(WRITE + ASK + CHANGE, "--no-wait", code=8)
        told = nofx("apply")
        assert told.stdout == "made.txt\n"
        assert f"run {run} is waiting: what it changes from now on is not applied\n" in told.stderr
        nofx("approve", "ok")
        assert nofx("apply").stdout == "a.txt\n"

    def test_what_says_what_steps_may_do_is_pointed_out(self, nofx: Runner, checkout: Path) -> None:
        nofx.run(
            "workspace: worktree\nsteps:\n"
            "  - {name: c, tool: shell, continue_on_error: true, inputs: {command: \"echo '# x' >> nofx.yaml\"}}\n",
            code=6,
        )
        told = nofx("apply")
        assert told.stdout == "nofx.yaml\n"
        assert "look at nofx.yaml: it says what steps may do\n" in told.stderr


class TestClean:
    def test_of_ended_runs_they_go_and_what_was_changed_stays(self, nofx: Runner, checkout: Path) -> None:
        run = nofx.run(WRITE)
        seen = nofx("clean", "--dry-run")
        assert (seen.stdout, seen.stderr) == (f"{run}  would be removed\n", "1 worktree would be removed\n")
        assert tree_of(nofx, run).is_dir()
        done = nofx("clean")
        assert (done.stdout, done.stderr) == (f"{run}  removed\n", "1 worktree removed\n")
        assert not tree_of(nofx, run).exists()
        assert git(checkout, "branch", "--list", "nofx/*") == ""
        assert nofx("clean").stderr == "there are no worktrees\n"
        assert nofx("apply").stdout == "made.txt\n"

    def test_one_with_unsaved_changes_stays(self, nofx: Runner, checkout: Path) -> None:
        run = nofx.run(WRITE)
        (tree_of(nofx, run) / "by-hand.txt").write_text("x")
        assert nofx.json("clean") == {
            "removed": True,
            "worktrees": [
                {"run": run, "path": str(tree_of(nofx, run)), "stays": "it has changes that no snapshot has"}
            ],
        }
        assert (tree_of(nofx, run) / "by-hand.txt").exists()

    def test_one_whose_snapshot_is_gone_stays(self, nofx: Runner, checkout: Path) -> None:
        run = nofx.run(WRITE)
        git(checkout, "update-ref", "-d", f"refs/nofx/{run}/write/1")
        assert nofx("clean").stdout == f"{run}  stays: no reference keeps what it has\n"
        assert tree_of(nofx, run).is_dir()

    def test_of_a_run_that_has_not_ended_it_stays(self, nofx: Runner, checkout: Path) -> None:
        run = nofx.run(WRITE + ASK, "--no-wait", code=8)
        assert nofx("clean").stdout == f"{run}  stays: the run has not ended: it is waiting\n"

    def test_one_that_no_run_knows_goes_where_nothing_was_done_in_it(self, nofx: Runner, checkout: Path) -> None:
        clean, used = nofx.run(WRITE), nofx.run(WRITE)
        for run in (clean, used):
            shutil.rmtree(nofx.records.layout.run(run))
        (tree_of(nofx, clean) / "made.txt").unlink()
        assert nofx("clean").stdout == (f"{clean}  removed\n{used}  stays: it has changes that no snapshot has\n")

    def test_one_of_a_repository_that_is_gone_stays(self, nofx: Runner, checkout: Path) -> None:
        run = nofx.run(WRITE)
        shutil.rmtree(checkout / ".git")
        told = nofx("clean").stdout
        assert told.startswith(f"{run}  stays: git rev-parse failed: ")
        assert tree_of(nofx, run).is_dir()

    def test_gone_with_its_folder_it_is_forgotten(self, nofx: Runner, checkout: Path) -> None:
        run = nofx.run(WRITE)
        shutil.rmtree(tree_of(nofx, run))
        assert nofx("clean").stdout == f"{run}  removed\n"
        assert len(git(checkout, "worktree", "list").splitlines()) == 1

    def test_a_run_that_is_retried_has_it_again(self, nofx: Runner, checkout: Path) -> None:
        run = nofx.run(WRITE + CHANGE)
        nofx("clean")
        nofx("retry", run, "--from", "change")
        assert (tree_of(nofx, run) / "made.txt").read_text() == "made\n"


def test_rerun_works_in_a_worktree_of_its_own(nofx: Runner, checkout: Path) -> None:
    first = nofx.run(WRITE)
    (checkout / "a.txt").write_text("changed\n")
    told = nofx("rerun")
    second = nofx.runs()[0]
    assert second != first
    assert "1 changed file is not part of this run, which begins from commit " in told.stderr
    assert (tree_of(nofx, second) / "made.txt").exists()
    assert not (checkout / "made.txt").exists()


def test_the_rules_are_those_of_the_project_and_not_of_the_worktree(nofx: Runner, checkout: Path) -> None:
    (checkout / "nofx.yaml").write_text('policy: {tools: {deny: ["workspace:*"]}}\n')
    nofx.run(WRITE, code=6)
    assert nofx.events()[-1].type == "run.failed"
