"""Coding agents as steps, with programs that act as such: `nofx run` as people type it, and real processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.safety.sandbox import Unavailable, find_means
from tests.acceptance.program import PATIENCE, Program, ended

pytestmark = pytest.mark.acceptance

KEY = "ANTHROPIC_API_KEY"
EDITS = "echo 'two' >>a.txt; echo new >new.txt"
RESULT = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "result": "All done.",
    "total_cost_usd": 0.0123,
    "usage": {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 7},
}


class Bench:
    """A project in git, and agents on the PATH."""

    def __init__(self, nofx: Program, monkeypatch: pytest.MonkeyPatch) -> None:
        self.nofx, self.folder = nofx, nofx.folder
        self.bin = nofx.folder.parent / "bin"
        self.bin.mkdir()
        monkeypatch.setenv("PATH", f"{self.bin}{os.pathsep}{os.environ['PATH']}")
        (self.folder / "a.txt").write_text("one\n")
        self.git("init", "-q")
        self.git("config", "user.name", "Test")
        self.git("config", "user.email", "test@example.invalid")
        self.commit()

    def git(self, *words: str) -> str:
        return subprocess.run(["git", *words], cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", "as it was")

    def agent(self, name: str, script: str, *, folder: Path | None = None) -> Path:
        """Install a program that acts as an agent."""
        path = (folder or self.bin) / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def plan(self, tool: str = "agent:claude", *, more: str = "", head: str = "", **inputs: Any) -> str:
        given = json.dumps({"prompt": "Add two."} | inputs)
        return self.nofx.plan(f"{head}\nsteps:\n  - {{name: work, tool: '{tool}', inputs: {given}{more}}}\n")

    def run(self, *words: str, code: int = 0, env: dict[str, str] | None = None) -> dict[str, Any]:
        """Run the plan; how its first step ended."""
        told = self.nofx("run", "plan.yaml", *words, env=env)
        assert told.code == code, told
        return self.step()

    def step(self) -> dict[str, Any]:
        step: dict[str, Any] = json.loads(self.nofx("show", "latest", "--json").out)["steps"][0]
        return step

    def diff(self, attempt: int = 1) -> str:
        """The artifact of the newest run."""
        found = list((Layout(self.nofx.store).run(self.nofx.runs()[0]) / "artifacts").rglob("changes.diff"))
        return found[attempt - 1].read_text("utf-8") if found else ""


@pytest.fixture
def bench(nofx: Program, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(nofx, monkeypatch)


def says(*events: dict[str, Any]) -> str:
    """Script that prints JSON lines."""
    return "\n".join(f"cat <<'LINE'\n{json.dumps(event)}\nLINE" for event in events)


class TestItsWork:
    def test_what_it_changed_is_told_and_kept(self, bench: Bench) -> None:
        said = (
            {"type": "text", "text": "I add a line."},
            {"type": "tool_use", "name": "Edit", "input": {"path": "a.txt"}},
        )
        bench.agent("claude", says({"type": "assistant", "message": {"content": said}}) + f"\n{EDITS}\n" + says(RESULT))
        bench.plan()

        step = bench.run()

        assert step["outputs"] == {
            "changed": ["a.txt", "new.txt"],
            "changed_count": 2,
            "insertions": 2,
            "deletions": 0,
            "usage": {"told_by": "claude", "input": 117, "output": 5, "cached": 100, "cost_usd": 0.0123},
            "said": "All done.",
        }
        assert "+two\n" in bench.diff()
        assert "+++ b/new.txt\n" in bench.diff()
        assert bench.nofx.log("work").splitlines()[1:] == [
            "I add a line.",
            "> Edit a.txt",
            "nofx: 2 files changed (+2 -0)",
        ]

    def test_the_users_files_are_as_they_were(self, bench: Bench) -> None:
        bench.agent("claude", EDITS)
        bench.plan()
        before = bench.git("status", "--porcelain")

        bench.run()

        assert (bench.folder / "a.txt").read_text() == "one\n"
        assert bench.git("status", "--porcelain") == before

    def test_in_the_users_folder_only_what_the_agent_did_is_told(self, bench: Bench) -> None:
        (bench.folder / "a.txt").write_text("mine\n")
        (bench.folder / "own.txt").write_text("mine\n")
        bench.agent("claude", EDITS)
        bench.plan(head="workspace: {mode: in_place}")

        step = bench.run()

        assert step["outputs"]["changed"] == ["a.txt", "new.txt"]
        assert "mine\n+two" in bench.diff()
        assert "own.txt" not in bench.diff()
        assert bench.git("diff", "--cached") == ""

    def test_without_a_repository_files_are_compared(self, bench: Bench) -> None:
        shutil.rmtree(bench.folder / ".git")
        bench.agent("claude", EDITS)
        bench.plan()

        step = bench.run()

        assert step["outputs"]["changed"] == ["a.txt", "new.txt"]
        assert (step["outputs"]["insertions"], step["outputs"]["deletions"]) == (2, 0)
        assert "+++ b/new.txt\n" in bench.diff()

    def test_one_that_changes_nothing_fails(self, bench: Bench) -> None:
        bench.agent("claude", says(RESULT))
        bench.plan()

        step = bench.run(code=1)

        assert step["error"] == {
            "code": "no-change",
            "message": "agent claude changed nothing in the workspace: All done.",
            "hint": "say in `prompt` which files to change, or `expect_changes: false` where none need change",
        }

    def test_unless_none_are_expected(self, bench: Bench) -> None:
        bench.agent("claude", says(RESULT))
        bench.plan(expect_changes=False)

        assert bench.run()["outputs"]["changed"] == []

    def test_commits_are_told_and_what_is_in_them_is_a_change(self, bench: Bench) -> None:
        bench.agent("claude", f"{EDITS}; git add -A; git commit -qm mine; echo more >>a.txt; git commit -qam again")
        bench.plan()

        outputs = bench.run()["outputs"]

        assert len(outputs["commits"]) == 2
        assert outputs["commits"][0] == outputs["head_after"]
        assert outputs["changed"] == ["a.txt", "new.txt"]
        assert outputs["insertions"] == 3
        assert "with 2 commits of its own" in bench.nofx.log("work")

    def test_a_preview_runs_nothing(self, bench: Bench) -> None:
        bench.agent("claude", "touch ran; " + EDITS)
        bench.plan(args=["--max-turns", 3])

        told = bench.nofx("run", "plan.yaml", "--dry-run")

        assert told.code == 0, told
        assert '"--max-turns","3"],"prompt":"Add two.","prompt_by":"stdin"' in told.out
        assert not list(bench.folder.rglob("ran"))


class TestHowItIsAsked:
    ODD = "Say `hi` to $(whoami); 'quote\" \\ \n--yes\n{prompt}"

    @pytest.mark.parametrize(
        ("name", "script"),
        [
            ("claude", "cat >asked"),
            ("codex", 'for last; do :; done; test "$last" = - && cat >asked'),
            ("gemini", "cat >asked"),
            ("aider", 'for last; do :; done; cat "$last" >asked'),
        ],
    )
    def test_a_known_agent_gets_the_prompt_as_it_is(self, bench: Bench, name: str, script: str) -> None:
        bench.agent(name, script)
        bench.plan(f"agent:{name}", prompt=self.ODD, head="workspace: {mode: in_place}")

        bench.run()

        assert (bench.folder / "asked").read_text() == self.ODD

    @pytest.mark.parametrize(
        ("command", "script"),
        [
            ("mine", "cat >asked"),
            ("[mine, '{prompt}']", 'printf %s "$1" >asked'),
            ("[mine, '--from={prompt_file}']", 'cat "${1#--from=}" >asked'),
        ],
    )
    def test_one_of_the_project_too(self, bench: Bench, command: str, script: str) -> None:
        (bench.folder / "nofx.yaml").write_text(f"agents:\n  mine: {{command: {command}}}\n")
        bench.agent("mine", script)
        bench.plan("agent:mine", prompt=self.ODD, head="workspace: {mode: in_place}")

        step = bench.run()

        assert (bench.folder / "asked").read_text() == self.ODD
        assert step["outputs"]["usage"] == {
            "told_by": "mine",
            "input": "unknown",
            "output": "unknown",
            "cached": "unknown",
            "cost_usd": "unknown",
        }

    def test_a_prompt_lies_in_a_file(self, bench: Bench) -> None:
        (bench.folder / "task.md").write_text("Do it.\n")
        bench.commit()
        bench.agent("claude", "cat >asked")
        bench.nofx.plan("  - {name: work, tool: 'agent:claude', inputs: {prompt_file: task.md}}\n")

        bench.run()

        assert "+Do it.\n" in bench.diff()

    def test_in_a_repair_it_is_told_what_failed(self, bench: Bench) -> None:
        (bench.folder / "nofx.yaml").write_text("gates:\n  good: {command: [grep, -q, good, a.txt]}\n")
        bench.agent("claude", 'if grep -q "What failed"; then echo good >a.txt; else echo bad >a.txt; fi')
        bench.nofx.plan(
            "  - {name: work, tool: 'agent:claude', inputs: {prompt: Make it good.}}\n"
            "  - {name: check, tool: 'gate:good', repair: {step: work, attempts: 2}}\n"
        )

        told = bench.nofx("run", "plan.yaml")

        assert told.code == 0, told
        assert bench.nofx.types().count("step.started work") == 2

    def test_its_environment_is_what_policy_lets_through(self, bench: Bench) -> None:
        env = {KEY: "sk-not-a-real-key", "OTHER": "hidden"}
        bench.agent(
            "claude", f'echo "${{{KEY}:-none}} ${{OTHER:-none}}" | wc -c >seen; env | grep -c "^OTHER=" >>seen; true'
        )
        bench.plan(head=f"policy: {{env: {{allow: [{KEY}]}}}}\nworkspace: {{mode: in_place}}")

        bench.run(env=env)

        assert (bench.folder / "seen").read_text().split() == [str(len("sk-not-a-real-key none\n")), "0"]

    def test_without_a_rule_it_has_no_key(self, bench: Bench) -> None:
        bench.agent("claude", f'echo "${{{KEY}:-none}}" >seen')
        bench.plan(head="workspace: {mode: in_place}")

        bench.run(env={KEY: "sk-not-a-real-key"})

        assert (bench.folder / "seen").read_text() == "none\n"


class TestHowItEnds:
    def test_one_that_is_not_there(self, bench: Bench) -> None:
        bench.plan()

        step = bench.run(code=1, env={"PATH": "/usr/bin:/bin"})

        assert step["error"] == {
            "code": "agent-not-found",
            "message": "Claude Code is not installed: there is no program `claude` on the step's PATH",
            "hint": "install it: npm install -g @anthropic-ai/claude-code",
        }

    def test_one_that_fails(self, bench: Bench) -> None:
        bench.agent("claude", f"{EDITS}; echo 'no credit left' >&2; exit 3")
        bench.plan()

        step = bench.run(code=1)

        assert step["error"]["code"] == "agent-failed"
        assert step["error"]["message"] == "agent claude ended with exit code 3: no credit left"
        assert step["outputs"]["changed"] == ["a.txt", "new.txt"]
        assert "+two\n" in bench.diff()

    def test_one_that_says_so_itself(self, bench: Bench) -> None:
        bench.agent("claude", f"{EDITS}\n" + says(RESULT | {"is_error": True, "result": "Credit balance is too low"}))
        bench.plan()

        step = bench.run(code=1)

        assert step["error"]["message"] == "agent claude says that it failed: Credit balance is too low"

    def test_one_that_hangs_and_does_not_listen(self, bench: Bench) -> None:
        bench.agent("claude", "trap '' TERM; sleep 60 & while :; do sleep 0.1; done")
        bench.plan(more=", timeout: 500ms")

        assert bench.run(code=1)["error"]["code"] == "timeout"
        assert bench.nofx.leftovers() == []

    def test_the_time_limit_of_the_settings_holds_where_the_step_says_none(self, bench: Bench) -> None:
        bench.agent("mine", "exec sleep 60")
        (bench.folder / "nofx.yaml").write_text("agents: {mine: {command: mine, timeout: 400ms}}\n")
        bench.plan("agent:mine")

        assert bench.run(code=1)["error"]["message"] == "ran longer than 400ms"

    def test_ctrl_c_ends_all_that_it_started(self, bench: Bench) -> None:
        bench.agent("claude", f"sleep 60 & echo ready >>{bench.folder}/ready; wait")
        bench.plan()
        process = bench.nofx.start("run", "plan.yaml")
        bench.nofx.ready()

        process.send_signal(signal.SIGINT)

        assert ended(process).code == 130
        assert bench.nofx.leftovers() == []

    def test_a_daemon_that_it_leaves_is_ended(self, bench: Bench) -> None:
        bench.agent("claude", f"setsid sleep 60 >/dev/null 2>&1 & {EDITS}")
        bench.plan()

        bench.run()

        assert "nofx: ended what the agent left running (1 process)" in bench.nofx.log("work")
        assert bench.nofx.leftovers() == []

    def test_after_a_crash_a_person_is_asked(self, bench: Bench) -> None:
        bench.agent("claude", f"echo ready >>{bench.folder}/ready; exec sleep 60")
        bench.plan()
        process = bench.nofx.start("run", "plan.yaml")
        bench.nofx.ready()
        process.kill()
        process.wait(PATIENCE)

        told = bench.nofx("resume", "latest")

        assert told.code == 8, told
        assert bench.nofx.types().count("step.started work") == 1

    def test_100_mb_of_output_do_not_matter(self, bench: Bench) -> None:
        line = json.dumps({"type": "assistant", "message": {"content": [{"type": "text", "text": "x" * 900}]}})
        bench.agent("claude", f"yes '{line}' | head -c 100000000; echo; {EDITS}\n" + says(RESULT))
        bench.plan()

        step = bench.run(env={"NOFX_OUTPUT_LIMIT": "1MB"})

        assert step["outputs"]["said"] == "All done."
        log = bench.nofx.log("work")
        assert len(log) < 1_100_000
        assert "the output limit of" in log

    def test_what_acts_on_a_terminal_is_made_harmless(self, bench: Bench) -> None:
        text = "\x1b[2Jgone\u202e \x07done"
        bench.agent("claude", says({"type": "assistant", "message": {"content": [{"type": "text", "text": text}]}}))
        bench.plan(expect_changes=False)

        step = bench.run()

        assert step["outputs"]["said"] == "gone\\u202e \\x07done"
        assert "gone\\u202e \\x07done\n" in bench.nofx.log("work")


class TestWhatItMayNot:
    def denied(self, bench: Bench) -> str:
        step = bench.run(code=6)
        assert step["error"]["code"] == "policy-denied"
        assert "policy.denied work" in bench.nofx.types()
        message: str = step["error"]["message"]
        return message

    @pytest.mark.parametrize("mode", ["in_place", "worktree"])
    def test_the_settings_of_nofx(self, bench: Bench, mode: str) -> None:
        (bench.folder / "nofx.yaml").write_text("gates: {}\n")
        bench.commit()
        bench.agent("claude", f"{EDITS}; echo 'policy: {{}}' >>nofx.yaml")
        bench.plan(head=f"workspace: {{mode: {mode}}}")

        assert self.denied(bench) == "step work may not write nofx.yaml: no step may"

    @pytest.mark.parametrize("mode", ["in_place", "worktree"])
    @pytest.mark.parametrize(
        ("script", "path"),
        [
            ("git config core.pager 'touch canary'", ".git/config"),
            ('echo "touch canary" >"$(git rev-parse --git-common-dir)/hooks/pre-commit"', ".git/hooks/pre-commit"),
        ],
    )
    def test_what_git_would_run(self, bench: Bench, mode: str, script: str, path: str) -> None:
        bench.agent("claude", f"{EDITS}; {script}")
        bench.plan(head=f"workspace: {{mode: {mode}}}")

        assert self.denied(bench) == f"step work may not write {path}: no step may"

    def test_nothing_that_it_puts_into_the_repository_is_run_by_the_look_at_its_work(self, bench: Bench) -> None:
        canary = bench.folder.parent / "canary"
        evil = f"touch {canary}; cat"
        bench.agent(
            "claude",
            f"{EDITS}; git config core.fsmonitor '{evil}'; git config filter.x.clean '{evil}'; "
            f"git config diff.x.textconv '{evil}'; git config diff.external '{evil}'; "
            f"echo '* filter=x diff=x' >.gitattributes; "
            f"printf '#!/bin/sh\\n{evil}\\n' >.git/hooks/post-index-change; chmod +x .git/hooks/post-index-change; "
            "git init -q sub; git -C sub config core.fsmonitor 'touch ../canary'; touch sub/x",
        )
        bench.plan(head="workspace: {mode: in_place}")

        self.denied(bench)

        assert not canary.exists()
        assert "+two\n" in bench.diff()

    def test_settings_of_git_that_others_change_all_the_time_do_not_count(self, bench: Bench) -> None:
        bench.agent("claude", f"{EDITS}; git config branch.other.remote origin; git config remote.origin.url x")
        bench.plan()

        bench.run()

    def test_what_rules_on_writing_do_not_allow(self, bench: Bench) -> None:
        bench.agent("claude", EDITS)
        bench.plan(head="policy: {write: {allow: ['a.txt']}}")

        assert "may not write `new.txt`" in self.denied(bench)

    def test_a_tool_that_is_not_allowed_is_not_started(self, bench: Bench) -> None:
        bench.agent("claude", f"touch {bench.folder}/ran; {EDITS}")
        (bench.folder / "nofx.yaml").write_text("policy: {tools: {deny: ['agent:*']}}\n")
        bench.plan()

        self.denied(bench)

        assert not (bench.folder / "ran").exists()

    def test_words_of_the_project_are_judged_by_the_rules_on_commands(self, bench: Bench) -> None:
        bench.agent("mine", EDITS)
        (bench.folder / "nofx.yaml").write_text(
            "agents: {mine: {command: mine}}\npolicy: {commands: {allow: ['pytest *']}}\n"
        )
        bench.plan("agent:mine")

        assert "may not run `mine`" in self.denied(bench)

    def test_words_of_nofx_go_with_the_tool_until_the_plan_adds_its_own(self, bench: Bench) -> None:
        bench.agent("claude", EDITS)
        (bench.folder / "nofx.yaml").write_text("policy: {commands: {allow: ['pytest *']}}\n")
        bench.plan()
        bench.run()
        bench.plan(args=["--dangerously-skip-permissions"])

        assert "may not run `claude -p" in self.denied(bench)


@pytest.fixture
def server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.skipif(isinstance(find_means(), Unavailable), reason="this machine has no sandbox")
class TestShutIn:
    SCRIPT = "bash -c 'echo >/dev/tcp/127.0.0.1/{port}' 2>/dev/null && echo reached >>a.txt; cat >asked; {edits}"

    def test_without_a_network_it_works_on_files(self, bench: Bench, server: int) -> None:
        folder = bench.folder / "tools"
        bench.agent("claude", self.SCRIPT.format(port=server, edits=EDITS), folder=folder)
        bench.plan(head="workspace: {mode: in_place}\nsandbox: {network: none}")

        step = bench.run(env={"PATH": f"{folder}:/usr/bin:/bin"})

        assert step["outputs"]["changed"] == ["a.txt", "asked", "new.txt"]
        assert (bench.folder / "asked").read_text() == "Add two."
        assert "reached" not in (bench.folder / "a.txt").read_text()

    def test_without_a_sandbox_it_would_have_got_through(self, bench: Bench, server: int) -> None:
        bench.agent("claude", self.SCRIPT.format(port=server, edits=EDITS))
        bench.plan()

        bench.run()

        assert "+reached\n" in bench.diff()

    def test_it_can_be_held_to_a_folder(self, bench: Bench) -> None:
        folder = bench.folder / "tools"
        bench.agent("claude", "echo x >docs/page; echo x >a.txt; git config core.pager less", folder=folder)
        (bench.folder / "docs").mkdir()
        bench.plan(head="workspace: {mode: in_place}\nsandbox: {network: none, write: ['docs/**']}")

        step = bench.run(code=1, env={"PATH": f"{folder}:/usr/bin:/bin"})

        assert step["outputs"]["changed"] == ["docs/page"]
        assert step["error"]["code"] == "agent-failed"


def test_inside_a_hook_of_git_the_index_of_the_commit_is_left_alone(bench: Bench) -> None:
    index = bench.folder / ".git" / "next-index"
    shutil.copy(bench.folder / ".git" / "index", index)
    before = index.read_bytes()
    bench.agent("claude", EDITS)
    bench.plan()

    step = bench.run(env={"GIT_INDEX_FILE": str(index), "GIT_DIR": str(bench.folder / ".git")})

    assert step["outputs"]["changed"] == ["a.txt", "new.txt"]
    assert index.read_bytes() == before
