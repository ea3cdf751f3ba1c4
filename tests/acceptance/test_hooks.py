"""git runs plans as hooks: on what is to be committed or pushed, whatever lies in the folder."""

import os
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nofx_cli.testing.waiting import wait_until
from tests.acceptance.checkouts import git
from tests.acceptance.hooked import NO_BAD, Hooked
from tests.acceptance.program import PATIENCE

pytestmark = pytest.mark.acceptance

SECRET = 'key = "AKIA' + 'QX7ZR2WV9LK4XP8T"\n'
CLEAN = 'key = ""\n'
SECRETS = "steps:\n  - {name: secrets, tool: 'gate:secrets'}\n"
MESSAGE = """
params: {message: {type: string, required: true}}
steps:
  - {name: words, tool: shell, inputs: {command: "printf '%s' {{ params.message | sh }} | grep -qx 'fix: .*'"}}
"""
ASKS = "steps:\n  - {name: release, tool: 'manual:release', inputs: {message: Go on?}}\n"
TELLS = """
params: {staged: {type: string}, hook: {type: string}}
steps:
  - name: tell
    tool: shell
    inputs:
      command: >-
        {
        echo hook {{ params.hook | sh }};
        echo staged {{ params.staged | sh }};
        echo "cached $(git diff --cached --name-only | tr '\\n' ' ')";
        echo "head $(git log -1 --format=%s 2>/dev/null)";
        echo "git $(env | grep -c '^GIT_')";
        } > "$TOLD"
    env: {TOLD: "@TOLD@"}
"""
LEAVES = """
steps:
  - {name: look, tool: shell, inputs: {command: "test ! -e left.txt && test ! -e dist && grep -q one a.txt"}}
  - name: leave
    tool: shell
    inputs: {command: "mkdir dist && touch left.txt dist/x && echo changed > a.txt && echo '*' > dist/.gitignore"}
"""
HANGS = "steps:\n  - {name: hang, tool: shell, inputs: {command: 'echo ready >> ../ready && sleep 100'}}\n"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Hooked]]:
    made: list[Hooked] = []

    def hooked(name: str = "project", project: str = "", **plans: str) -> Hooked:
        made.append(Hooked(tmp_path / name, tmp_path / "store", project=project).begin(**plans))
        return made[-1]

    yield hooked
    for one in made:
        one.nofx.close()
        one.nofx.nothing_is_left()
        one.nofx.every_run_verifies()


class TestStaged:
    def test_a_secret_that_is_staged_is_blocked_whatever_lies_in_the_folder(self, make: Callable[..., Hooked]) -> None:
        hooked = make(secrets=SECRETS).installed("--pre-commit", "secrets")
        hooked.write("src/config.py", SECRET)

        blocked = hooked.commit()

        assert (blocked.code, hooked.commits()) == (1, 1)
        assert "src/config.py:1 aws-access-key" in blocked.err
        assert ".worktrees" not in blocked.err
        assert "QX7ZR2WV" not in blocked.err
        hooked.write("src/config.py", CLEAN, add=False)
        assert hooked.commit().code == 1, "the fix is not staged"
        hooked.checkout.git("add", "-A")
        hooked.write("src/config.py", SECRET, add=False)
        passed = hooked.commit()
        assert passed.code == 0, "the secret is not staged"
        assert len(passed.err.splitlines()) == 1
        assert passed.err.startswith("nofx/pre-commit: passed in ")
        assert (hooked.top / "src/config.py").read_text() == SECRET

    def test_indexes_that_git_makes_for_a_part(self, make: Callable[..., Hooked]) -> None:
        hooked = make(look=NO_BAD).installed("--pre-commit", "look")
        hooked.write("a.txt", "BAD\n", add=False)
        assert hooked.commit("-a").code == 1, "-a stages it in an index of its own"
        hooked.write("b.txt", "fine\n")
        hooked.checkout.git("add", "a.txt")
        assert hooked.commit().code == 1
        by_path = hooked.commit("b.txt")
        assert (by_path.code, hooked.commits()) == (0, 2), by_path
        refused = hooked.commit("a.txt")
        assert refused.code == 1
        assert "  | a.txt:1:BAD\n" in refused.err
        assert hooked.checkout.git("status", "--short") == "M  a.txt\n"

    def test_the_first_commit_amended_emptied_and_merged(self, make: Callable[..., Hooked], tmp_path: Path) -> None:
        hooked = Hooked(tmp_path / "new", tmp_path / "store")
        hooked.checkout.git("init", "-q", "-b", "trunk")
        (hooked.top / "nofx.yaml").touch()
        (hooked.top / "look.yaml").write_text(NO_BAD)
        hooked.installed("--pre-commit", "look.yaml")
        hooked.write("a.txt", "BAD\n")
        assert hooked.commit().code == 1
        hooked.write("a.txt", "one\n")
        assert hooked.commit().code == 0
        assert hooked.commit("--allow-empty").code == 0
        hooked.write("a.txt", "BAD\n")
        assert hooked.commit("--amend").code == 1
        hooked.write("a.txt", "two\n")
        assert hooked.commit("--amend").code == 0
        hooked.checkout.git("checkout", "-q", "-b", "other", "HEAD~1")
        hooked.write("a.txt", "three\n")
        assert hooked.commit().code == 0
        assert hooked.git("merge", "-q", "trunk").code == 1, "a conflict"
        hooked.write("a.txt", "BAD\n")
        assert hooked.git("commit", "-q", "--no-edit").code == 1
        hooked.write("a.txt", "four\n")
        assert hooked.git("commit", "-q", "--no-edit").code == 0
        hooked.nofx.every_run_verifies()

    def test_what_a_step_sees(self, make: Callable[..., Hooked], tmp_path: Path) -> None:
        told = tmp_path / "told"
        hooked = make(tell=TELLS.replace("@TOLD@", str(told))).installed("--pre-commit", "tell")
        hooked.write("new.txt", "n\n")
        hooked.write("other.txt", "n\n", add=False)
        hooked.write("b.txt", "changed\n")
        hooked.checkout.git("rm", "-q", "a.txt")
        assert hooked.commit(env={"GIT_TRACE2": "0"}).code == 0
        assert told.read_text().splitlines() == [
            "hook pre-commit",
            "staged b.txt",
            "new.txt",
            "cached a.txt b.txt new.txt ",
            "head first",
            "git 0",
        ]

    def test_what_an_earlier_run_left_does_not_count(self, make: Callable[..., Hooked]) -> None:
        hooked = make(leaves=LEAVES).installed("--pre-commit", "leaves")
        for number in range(3):
            hooked.write("b.txt", f"{number}\n")
            done = hooked.commit()
            assert done.code == 0, done
        assert "steps changed some in the checkout of the hook" in done.err
        applied = hooked.nofx("apply", "latest")
        assert applied.code == 0, applied
        assert (hooked.top / "a.txt").read_text() == "changed\n"
        checkouts = hooked.checkout.git("worktree", "list").splitlines()
        assert len(checkouts) == 2, "one is kept for all of them"

    def test_the_users_state_is_what_it_was(self, make: Callable[..., Hooked]) -> None:
        hooked = make(look=NO_BAD).installed("--pre-commit", "look")
        hooked.write("b.txt", "BAD\n")
        hooked.write("a.txt", "BAD, not staged\n", add=False)
        hooked.write("untracked.txt", "mine\n", add=False)
        before = hooked.checkout.state()
        assert hooked.nofx("hooks", "run", "pre-commit", "--plan", "look").code == 1
        assert hooked.checkout.state() == before

    def test_a_project_below_the_top(self, make: Callable[..., Hooked]) -> None:
        hooked = make(project="back/end", secrets=SECRETS).installed("--pre-commit", "secrets")
        hooked.write("back/end/config.py", SECRET)
        blocked = hooked.commit()
        assert blocked.code == 1
        assert "  | back/end/config.py:1 aws-access-key" in blocked.err

    def test_packages_of_the_project_are_found(self, make: Callable[..., Hooked]) -> None:
        plan = "steps:\n  - {name: use, tool: shell, inputs: {command: '.venv/bin/tool && test ! -e .venv/own'}}\n"
        hooked = make(use=plan)
        hooked.write(".gitignore", ".venv/\n")
        tool = hooked.top / ".venv" / "bin" / "tool"
        tool.parent.mkdir(parents=True)
        tool.write_text("#!/bin/sh\ntouch .venv/own\n")
        tool.chmod(0o755)
        hooked.installed("--pre-commit", "use")
        assert hooked.commit().code == 1, "the tool left something beside the packages"
        tool.write_text("#!/bin/sh\n")
        assert hooked.commit().code == 0, "which is gone again"


class TestOtherHooks:
    def test_a_hook_that_was_there_runs_first_and_is_put_back(self, make: Callable[..., Hooked]) -> None:
        hooked = make(look=NO_BAD)
        own = hooked.put_hook("pre-commit", 'echo "own $#" >> ran; test ! -e stop')
        before = own.read_bytes(), own.stat().st_mode, own.stat().st_mtime_ns
        hooked.installed("--pre-commit", "look").installed("--pre-commit", "look")
        assert hooked.commit("--allow-empty").code == 0
        (hooked.top / "stop").touch()
        stopped = hooked.commit("--allow-empty")
        assert (stopped.code, stopped.err) == (1, "")
        assert (hooked.top / "ran").read_text() == "own 0\n" * 2
        assert hooked.commit("--allow-empty", env={"NOFX_HOOKS": "off"}).code == 1
        (hooked.top / "stop").unlink()
        hooked.write("b.txt", "BAD\n")
        assert hooked.commit().code == 1
        assert hooked.commit(env={"NOFX_HOOKS": "off"}).code == 0
        assert hooked.nofx("hooks", "uninstall").code == 0
        assert (own.read_bytes(), own.stat().st_mode, own.stat().st_mtime_ns) == before
        assert not own.with_name("pre-commit.nofx-kept").exists()

    def test_both_get_what_is_pushed_and_two_branches_are_examined(
        self, make: Callable[..., Hooked], tmp_path: Path
    ) -> None:
        hooked = make(look=NO_BAD)
        git(tmp_path, "init", "-q", "--bare", "remote.git")
        hooked.checkout.git("remote", "add", "origin", str(tmp_path / "remote.git"))
        hooked.put_hook("pre-push", 'echo "$1" >> got; cat >> got')
        hooked.installed("--pre-push", "look")
        hooked.checkout.git("branch", "good")
        hooked.write("a.txt", "BAD\n")
        hooked.commit()
        hooked.checkout.git("branch", "bad")
        hooked.checkout.git("reset", "-q", "--hard", "good")

        refused = hooked.git("push", "-q", "origin", "good", "bad")

        assert refused.code == 1
        assert "nofx/pre-push: passed" in refused.err
        assert "nothing was pushed: bad for origin did not pass" in refused.err
        assert git(tmp_path / "remote.git", "branch") == ""
        got = (hooked.top / "got").read_text().splitlines()
        assert got[0] == "origin"
        assert [line.split()[0] for line in got[1:]] == ["refs/heads/good", "refs/heads/bad"]
        assert hooked.git("push", "-q", "origin", "good").code == 0
        deleted = hooked.git("push", "-q", "origin", ":good")
        assert (deleted.code, "nofx" in deleted.err) == (0, False)

    def test_the_message(self, make: Callable[..., Hooked]) -> None:
        hooked = make(words=MESSAGE).installed("--commit-msg", "words")
        refused = hooked.git("commit", "-q", "--allow-empty", "-m", "no prefix")
        assert refused.code == 1
        assert "nothing was committed: the message did not pass" in refused.err
        assert hooked.git("commit", "-q", "--allow-empty", "-m", "fix: it's 'quoted'; $(true)").code == 0
        editor = {"GIT_EDITOR": "printf 'fix: edited\\n# a comment\\n' >"}
        assert hooked.git("commit", "-q", "--allow-empty", env=editor).code == 0
        assert hooked.git("commit", "-q", "--allow-empty", "-m", "no", "--no-verify").code == 0


class TestWherever:
    def test_linked_worktrees(self, make: Callable[..., Hooked], tmp_path: Path) -> None:
        hooked = make(look=NO_BAD).installed("--pre-commit", "look")
        hooked.checkout.git("worktree", "add", "-q", str(tmp_path / "linked"))
        linked = Hooked(tmp_path / "linked", tmp_path / "store")
        linked.write("c.txt", "BAD\n")
        refused = linked.commit()
        assert refused.code == 1
        assert "c.txt:1:BAD" in refused.err
        assert hooked.commit("--allow-empty").code == 0
        linked.write("c.txt", "good\n")
        assert linked.commit().code == 0
        assert "plan look" in linked.nofx("hooks", "status").out

    def test_a_submodule(self, make: Callable[..., Hooked], tmp_path: Path) -> None:
        make("inner", look=NO_BAD)
        outer = make("outer")
        outer.checkout.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "inner"), "sub")
        inside = Hooked(tmp_path / "outer" / "sub", tmp_path / "store").installed("--pre-commit", "look")
        inside.write("a.txt", "BAD\n")
        assert inside.commit().code == 1
        inside.write("a.txt", "good\n")
        assert inside.commit().code == 0
        assert outer.commit("-a").code == 0

    def test_a_hooks_path_of_the_user(self, make: Callable[..., Hooked], tmp_path: Path) -> None:
        hooked = make(look=NO_BAD)
        hooked.checkout.git("config", "core.hooksPath", "../hooks of mine")
        hooked.installed("--pre-commit", "plans/look.yaml")
        assert (tmp_path / "hooks of mine" / "pre-commit").is_file()
        hooked.write("deep/a.txt", "BAD\n")
        assert hooked.git("commit", "-q", "-m", "x", folder=hooked.top / "deep").code == 1
        assert hooked.nofx("hooks", "uninstall").code == 0
        assert not (tmp_path / "hooks of mine").exists()

    def test_where_there_is_next_to_nothing_in_the_path(self, make: Callable[..., Hooked], tmp_path: Path) -> None:
        hooked = make(look=NO_BAD).installed("--pre-commit", "look")
        poor = {"PATH": "/usr/bin:/bin"}
        assert hooked.commit("--allow-empty", env=poor).code == 0
        hook = hooked.hook("pre-commit")
        moved = hook.read_text().replace(f"for nofx in {os.fspath(Path(hook).parent)}", "")
        hook.write_text(moved.replace("for nofx in /", f"for nofx in {tmp_path}/gone/"))
        gone = hooked.commit("--allow-empty", env=poor)
        assert (gone.code, gone.err.count("\n")) == (1, 2)
        assert "nofx/pre-commit: refused, because nofx is gone from " in gone.err
        bin_folder = tmp_path / "bin"
        bin_folder.mkdir()
        (bin_folder / "nofx").write_text('#!/bin/sh\necho "from PATH: $*" >&2\n')
        (bin_folder / "nofx").chmod(0o755)
        found = hooked.commit("--allow-empty", env={"PATH": f"{bin_folder}:/usr/bin:/bin"})
        assert (found.code, found.err) == (0, "from PATH: hooks run pre-commit --plan look --\n")


class TestEndings:
    def test_a_person_is_asked_elsewhere_and_the_same_commit_passes_then(self, make: Callable[..., Hooked]) -> None:
        hooked = make(asks=ASKS).installed("--pre-commit", "asks")
        hooked.write("b.txt", "b2\n")
        waits = hooked.commit()
        assert waits.code == 1
        [run] = hooked.nofx.runs()
        assert f"next: nofx approve release --run {run}\n" in waits.err
        again = hooked.commit()
        assert (again.code, hooked.nofx.runs()) == (1, [run]), "it is the same question"
        assert hooked.nofx("approve", "release").code == 0
        hooked.write("b.txt", "other\n")
        assert hooked.commit().code == 1, "that is another one"
        hooked.write("b.txt", "b2\n")
        approved = hooked.commit()
        assert approved.code == 0, approved
        assert f"passed: run {run} was approved" in approved.err
        hooked.write("b.txt", "b3\n")
        assert hooked.commit().code == 1, "that was not approved"
        assert hooked.nofx("reject", "release").code == 0
        assert hooked.commit().code == 1
        assert len(hooked.nofx.runs()) == 4, "asked anew"

    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    def test_a_hook_that_is_stopped_leaves_nothing_broken(
        self, make: Callable[..., Hooked], tmp_path: Path, how: signal.Signals
    ) -> None:
        hooked = make(hangs=HANGS.replace("../ready", str(tmp_path / "ready"))).installed("--pre-commit", "hangs")
        commit = subprocess.Popen(
            ["git", "commit", "-qm", "x", "--allow-empty"], cwd=hooked.top, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until((tmp_path / "ready").exists, timeout=PATIENCE, why="the step")
        os.killpg(commit.pid, how)
        assert commit.wait(PATIENCE) != 0
        if how is not signal.SIGKILL:
            hooked.nofx.shows("run.cancelled")
        (hooked.checkout.project / "plans" / "hangs.yaml").write_text(NO_BAD)
        hooked.write("a.txt", "fine\n")
        after = hooked.commit()
        assert after.code == 0, after
        if how is signal.SIGKILL:
            assert hooked.nofx("cancel", hooked.nofx.runs()[-1]).code == 0
            cleaned = hooked.nofx("clean")
            assert cleaned.code == 0, cleaned
        assert len(hooked.checkout.git("worktree", "list").splitlines()) == 2

    def test_two_at_once(self, make: Callable[..., Hooked], tmp_path: Path) -> None:
        plan = (
            "steps:\n  - {name: wait, tool: shell, inputs: {command: 'echo x >> @/n; until test -e @/go; do :; done'}}"
        )
        hooked = make(waits=plan.replace("@", str(tmp_path))).installed("--pre-commit", "waits")
        both = [hooked.nofx.start("hooks", "run", "pre-commit", "--plan", "waits") for _ in range(2)]
        ready = tmp_path / "n"
        wait_until(lambda: ready.exists() and ready.read_text() == "x\nx\n", timeout=PATIENCE, why="both")
        (tmp_path / "go").touch()
        assert [process.wait(PATIENCE) for process in both] == [0, 0]
        assert len(hooked.checkout.git("worktree", "list").splitlines()) == 2

    def test_a_step_that_commits_runs_no_hook_of_ours(self, make: Callable[..., Hooked]) -> None:
        command = "git -c user.name=x -c user.email=x commit -q --allow-empty -m inside"
        plan = f"steps:\n  - {{name: commit, tool: shell, inputs: {{command: '{command}'}}}}\n"
        hooked = make(commits=plan).installed("--pre-commit", "commits")
        done = hooked.commit("--allow-empty")
        assert done.code == 0, done
        assert len(hooked.nofx.runs()) == 1

    def test_a_plan_that_is_gone_refuses(self, make: Callable[..., Hooked]) -> None:
        hooked = make(look=NO_BAD).installed("--pre-commit", "look")
        (hooked.top / "plans" / "look.yaml").unlink()
        refused = hooked.commit("--allow-empty")
        assert refused.code == 1
        assert "error[plan-not-found]: there is no plan `look`" in refused.err


def test_the_script_is_a_program_that_anybody_may_run(make: Callable[..., Hooked]) -> None:
    hooked = make(look=NO_BAD).installed("--pre-commit", "look", "--pre-push", "look", "--commit-msg", "look")
    for name in ("pre-commit", "pre-push", "commit-msg"):
        assert stat.S_IMODE(hooked.hook(name).stat().st_mode) == 0o755
        assert subprocess.run(["sh", "-n", hooked.hook(name)], check=False).returncode == 0
