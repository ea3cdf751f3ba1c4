"""Two jobs: the first one runs gates and ends where a person is needed; the second one, elsewhere, finishes."""

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import pytest

from nofx_cli.testing.waiting import wait_until
from tests.acceptance.checkouts import git
from tests.acceptance.ci_jobs import Job, check_reports, github, outputs, project, upload
from tests.acceptance.program import PATIENCE, Program, ended

pytestmark = pytest.mark.acceptance

EVIDENCE = [
    ".gitignore", "code-quality.json", "findings.sarif", "gl-sast-report.json", "junit.xml", "nofx.env", "result.json",
    "run", "run.nofx.tgz", "summary.md",
]  # fmt: skip


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    return project(tmp_path / "origin")


@pytest.fixture
def jobs() -> Iterator[list[Job]]:
    """Jobs that a test began; none of their processes outlives it, and what they ran verifies."""
    begun: list[Job] = []
    yield begun
    for job in begun:
        job.close()
        for run in job.runs():
            assert job("verify", run).code == 0


def test_a_run_is_carried_from_one_job_to_another(tmp_path: Path, origin: Path, jobs: list[Job]) -> None:
    first = github(tmp_path / "first", origin)
    jobs.append(first)
    told = first("run", "release.yaml", "-p", "tag=v2", "--ci")
    assert told.code == 8, told
    evidence = first.folder / "nofx-evidence"
    assert sorted(os.listdir(evidence)) == EVIDENCE
    assert git(first.folder, "status", "--porcelain") == ""
    check_reports(evidence)
    (run,) = first.runs()
    said = outputs(first.temp / "output")
    head = said.pop("head")
    assert said == {"run-id": run, "status": "waiting", "exit-code": "8", "evidence": str(evidence)}
    for summary in (evidence / "summary.md", first.temp / "summary.md"):
        text = summary.read_text("utf-8")
        assert text.startswith(
            f"### nofx run {run} waiting\n\nRelease\n\n⏸️ **release** waits for a person: Publish v2?"
        )
        assert f"`nofx approve release --run {run}`" in text
        assert "| error | a.py&#58;1&#58;8 | F401 |" in text
        assert f"head `{head}`" in text
    assert (evidence / "run" / "artifacts" / "build" / "1" / "out.txt").read_text() == "built\n"

    kept = upload(evidence, tmp_path / "artifact")
    second = github(tmp_path / "second", origin)
    jobs.append(second)
    assert second("import", str(kept / "run.nofx.tgz"), "--expect-head", head).code == 0
    done = second("approve", "release", "--run", run, "--ci", "--note", "seen")
    assert done.code == 0, done
    assert second.log("publish") == f"published v2 in {second.folder}\n"
    events = second.events()
    assert [event.actor.kind for event in events if event.type == "approval.granted"] == ["ci"]
    assert events[: len(first.events())] == first.events()
    check_reports(second.folder / "nofx-evidence")
    said = outputs(second.temp / "output")
    assert (said["run-id"], said["status"], said["exit-code"]) == (run, "succeeded", "0")
    assert "steps: 3 succeeded, 1 failed" in (second.temp / "summary.md").read_text("utf-8")
    assert f"### nofx run {run} succeeded" in (second.temp / "summary.md").read_text("utf-8")


def test_what_is_approved_is_the_same_in_another_folder_and_stale_where_it_differs(
    tmp_path: Path, jobs: list[Job]
) -> None:
    """Gates name the folder in what they show; shell shows the digests of files that a command names."""
    plan = (
        "steps:\n"
        '  - {name: lint, tool: "gate:lint", approval: true}\n'
        "  - {name: script, tool: shell, approval: true, inputs: {command: [sh, go.sh]}}\n"
    )
    origin = project(tmp_path / "origin", plan)
    (origin / "a.py").write_text("x = 1\n")
    (origin / "go.sh").write_text("echo one\n")
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "script")
    first, same, other = (Job(tmp_path / name, origin) for name in ("first", "same", "other"))
    jobs += [first, same, other]
    assert first("run", "release.yaml").code == 8
    assert first("export", "-o", str(tmp_path / "lint")).code == 0
    for job in (same, other):
        assert job("import", str(tmp_path / "lint")).code == 0
        assert job("approve", "lint").code == 8
        assert job.types().count("approval.stale lint") == 0
    assert same("export", "-o", str(tmp_path / "script")).code == 0
    third = Job(tmp_path / "third", origin)
    changed = Job(tmp_path / "changed", origin)
    jobs += [third, changed]
    (changed.folder / "go.sh").write_text("echo two\n")
    assert third("import", str(tmp_path / "script")).code == 0
    assert third("approve", "script").code == 0
    assert "tracked files here differ" in changed("import", str(tmp_path / "script")).err
    told = changed("approve", "script")
    assert told.code == 5
    assert "error[approval-stale]" in told.err


def test_a_run_in_a_worktree_is_carried_with_its_trees(tmp_path: Path, jobs: list[Job]) -> None:
    plan = (
        "workspace: worktree\n"
        "steps:\n"
        '  - {name: notes, tool: "workspace:write", inputs: {path: sub/NOTES.md, content: "Grüße\\n"}}\n'
        "  - {name: more, tool: shell, inputs: {command: echo more >> sub/NOTES.md; rm a.py}}\n"
        '  - {name: release, tool: "manual:release"}\n'
        "  - {name: last, tool: shell, inputs: {command: cat sub/NOTES.md; ls}}\n"
    )
    origin = project(tmp_path / "origin", plan)
    first, second = Job(tmp_path / "first", origin), Job(tmp_path / "second", origin)
    jobs += [first, second]
    assert first("run", "release.yaml", "--ci").code == 8
    before = git(second.folder, "status", "--porcelain"), git(second.folder, "stash", "list")
    kept = upload(first.folder / "nofx-evidence", tmp_path / "artifact")
    assert second("import", str(kept / "run.nofx.tgz")).code == 0
    done = second("approve", "release")
    assert done.code == 0, done
    assert second.log("last").splitlines()[:2] == ["Grüße", "more"]
    assert "a.py" not in second.log("last")
    assert "+Grüße" in second("diff", "latest").out
    assert (git(second.folder, "status", "--porcelain"), git(second.folder, "stash", "list")) == before
    damaged = bytearray((kept / "run.nofx.tgz").read_bytes())
    damaged[-20] ^= 1
    (kept / "run.nofx.tgz").write_bytes(damaged)
    third = Job(tmp_path / "third", origin)
    assert "error[run-file-bad]" in third("import", str(kept / "run.nofx.tgz")).err
    assert git(third.folder, "for-each-ref", "refs/nofx") == ""
    assert not third.store.exists()


class TestWaiting:
    PLAN = 'steps:\n  - {name: release, tool: "manual:release"}\n'

    def test_it_stays_as_long_as_it_is_told_and_then_exits_8(self, nofx: Program) -> None:
        told = nofx("run", nofx.plan(self.PLAN), "--wait-approval", "200ms", env={"CI": "true"})
        assert told.code == 8
        assert "next: nofx approve release" in told.err

    def test_it_wakes_at_once_when_another_process_approves(self, nofx: Program) -> None:
        process = nofx.start("run", nofx.plan(self.PLAN), "--wait-approval", "10m", env={"CI": "true"})
        nofx.shows("run.waiting")
        answer = nofx("approve", "release", "--ci")
        assert answer.code == 0
        assert "goes on in process" in answer.err
        assert "nofx-evidence is not written: the run is not executed here" in answer.err
        done = ended(process)
        assert (done.code, nofx.events()[-1].type) == (0, "run.succeeded")

    def test_in_ci_a_terminal_is_nobody(self, nofx: Program) -> None:
        """Some runners give their jobs a terminal."""
        controller, terminal = os.openpty()
        plan = nofx.plan(self.PLAN)
        with os.fdopen(controller, "rb", buffering=0) as screen:
            process = subprocess.Popen(
                [*nofx.command, "run", plan, "--ci"],
                cwd=nofx.folder,
                env={**os.environ, "TERM": "xterm"},
                stdin=terminal,
                stdout=terminal,
                stderr=terminal,
            )
            os.close(terminal)
            shown: list[bytes] = []
            reader = threading.Thread(target=_read, args=(screen, shown))
            reader.start()
            try:
                assert process.wait(PATIENCE) == 8
            finally:
                process.kill()
                process.wait()
                reader.join(PATIENCE)
        assert b"\x1b[?25l" not in b"".join(shown)  # the cursor of a live view
        assert nofx.events()[0].actor.kind == "ci"

    def test_contradictions_are_told_before_anything_runs(self, nofx: Program) -> None:
        plan = nofx.plan(self.PLAN)
        assert "is not a duration" in nofx("run", plan, "--wait-approval", "3x").err
        assert nofx("run", plan, "--wait-approval", "3s", "--wait").code == 2
        told = nofx("run", plan, "--evidence", ".")
        assert (told.code, "this command works in it" in told.err) == (2, True)
        assert not nofx.runs()


def _read(screen: FileIO, shown: list[bytes]) -> None:
    try:
        while block := screen.read(4096):
            shown.append(block)
    except OSError:
        return  # the other end was closed


def test_faults_of_a_plan_are_annotated_on_github(nofx: Program) -> None:
    plan = nofx.plan("steps:\n  - {name: a, tool: shel}\n")
    told = nofx("run", plan, "--ci", env={"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(nofx.folder)})
    assert told.code == 3
    assert "\n::error file=plan.yaml,line=2,col=21,title=plan-unknown-tool::there is no tool `shel`" in told.err
    assert "::error" not in nofx("run", plan, "--ci").err


class TestSections:
    SAY = "echo one; printf '::error::two\\n\\033[2Jthree'"
    PLAN = f"steps:\n  - {{name: say, tool: shell, inputs: {{command: {json.dumps(SAY)}}}}}\n"

    def test_groups_of_github_hold_what_a_step_printed_in_the_fence(self, nofx: Program) -> None:
        told = nofx("run", nofx.plan(self.PLAN), env={"CI": "true", "GITHUB_ACTIONS": "true"})
        assert told.code == 0
        shown = re.sub(r"nofx-[0-9a-f]{32}", "TOKEN", re.sub(r" +\d+ms", " TOOK", told.err)).splitlines()
        begin = shown.index("::group::say  succeeded TOOK")
        assert shown[begin - 1 : begin + 8] == [
            "::TOKEN::", "::group::say  succeeded TOOK", "::stop-commands::TOKEN",
            "one", ": :error::two", "three",
            "::TOKEN::", "::endgroup::", "::stop-commands::TOKEN",
        ]  # fmt: skip

    def test_sections_of_gitlab(self, nofx: Program) -> None:
        told = nofx("run", nofx.plan(self.PLAN), env={"CI": "true", "GITLAB_CI": "true"})
        assert told.code == 0
        pattern = (  # where a carriage return was, `told.err` has a line break
            "\x1b\\[0Ksection_start:(\\d+):nofx_[\\w-]+_say_1\\[collapsed=true\\]\n\x1b\\[0Ksay  succeeded +\\d+ms\n"
            "one\n: :error::two\nthree\n\x1b\\[0Ksection_end:\\1:nofx_[\\w-]+_say_1\n\x1b\\[0K\n"
        )
        assert re.search(pattern, told.err), repr(told.err)

    def test_elsewhere_there_are_none(self, nofx: Program) -> None:
        told = nofx("run", nofx.plan(self.PLAN), env={"CI": "true"})
        assert "one" not in told.err
        assert "section" not in told.err

    def test_one_line_that_is_too_long_is_shown_by_its_end(self, nofx: Program) -> None:
        steps = "steps:\n  - {name: say, tool: shell, inputs: {command: head -c 600000 /dev/zero | tr '\\0' x}}\n"
        told = nofx("run", nofx.plan(steps), env={"CI": "true", "GITHUB_ACTIONS": "true"})
        assert told.code == 0
        shown = told.err.splitlines()
        begin = next(at for at, line in enumerate(shown) if line.startswith("… the last 1 line; all of it: nofx logs"))
        assert shown[begin + 1] == "x" * 4_000


class TestEvidence:
    def test_it_is_written_only_where_it_was_asked_for(self, nofx: Program) -> None:
        plan = nofx.plan(TestWaiting.PLAN)
        for env in ({"CI": "true"}, {"CI": "true", "GITHUB_ACTIONS": "true"}, {"CI": "true", "GITLAB_CI": "true"}):
            assert nofx("run", plan, env=env).code == 8
        assert sorted(os.listdir(nofx.folder)) == ["nofx.yaml", plan]

    def test_that_of_a_later_run_replaces_it(self, nofx: Program) -> None:
        plan = nofx.plan(TestWaiting.PLAN)
        for _ in range(2):
            assert nofx("run", plan, "--evidence", "kept").code == 8
        told = json.loads((nofx.folder / "kept" / "result.json").read_text("utf-8"))
        assert told["run"] == nofx.runs()[0]
        assert [name for name in os.listdir(nofx.folder) if "kept" in name] == ["kept"]

    @pytest.mark.parametrize("names", [["result.json"], [*EVIDENCE, "mine.txt"], ["result.json", "run"]])
    def test_a_folder_of_somebody_else_is_left_as_it_is(self, nofx: Program, names: list[str]) -> None:
        """Many a program leaves a file `result.json`."""
        kept = nofx.folder / "kept"
        kept.mkdir()
        for name in names:
            (kept / name).write_text("mine\n")
        told = nofx("run", nofx.plan(TestWaiting.PLAN), "--evidence", "kept")
        assert (told.code, "it has files that are no evidence of a run" in told.err) == (2, True)
        assert sorted(os.listdir(kept)) == sorted(names)
        assert not nofx.runs()

    def test_what_a_step_left_in_the_folder_is_left_there(self, nofx: Program) -> None:
        steps = "  - {name: say, tool: shell, inputs: {command: 'mkdir kept; echo mine > kept/mine.txt'}}\n"
        told = nofx("run", nofx.plan(steps), "--evidence", "kept")
        assert (told.code, "it has files that are no evidence of a run" in told.err) == (2, True)
        assert os.listdir(nofx.folder / "kept") == ["mine.txt"]
        assert nofx.events()[-1].type == "run.succeeded"

    @pytest.mark.parametrize("folder", [".", "..", "../empty"])
    def test_it_is_not_the_folder_that_the_command_works_in(self, nofx: Program, folder: str) -> None:
        empty = nofx.folder / "empty"
        empty.mkdir()
        plan = nofx.folder / nofx.plan(TestWaiting.PLAN)
        told = Program(empty, nofx.store)("run", str(plan), "--evidence", folder)
        assert (told.code, "this command works in it" in told.err) == (2, True)
        assert os.listdir(empty) == []

    def test_its_path_may_be_in_no_code_at_all(self, nofx: Program, tmp_path: Path) -> None:
        (nofx.folder / os.fsdecode(b"b\xffd")).mkdir()
        env = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(tmp_path / "output")}
        told = nofx("run", nofx.plan(TestWaiting.PLAN), "--evidence", os.fsdecode(b"b\xffd/kept"), env=env)
        assert told.code == 8, told
        assert b"b\xffd/kept\n" in (tmp_path / "output").read_bytes()

    def test_what_holds_a_secret_is_not_kept(self, nofx: Program) -> None:
        """A command that makes a secret known to nofx after another step has printed it."""
        (nofx.folder / "nofx.yaml").write_text("secrets: {late: {WORD: {command: [cat, word]}}}\n")
        (nofx.folder / "word").write_text("correct-horse-battery\n")
        steps = (
            "  - {name: early, tool: shell, inputs: {command: cat word}}\n"
            "  - {name: late, tool: shell, secrets_scope: late, inputs: {command: 'true'}}\n"
        )
        told = nofx("run", nofx.plan(steps), "--ci")
        assert told.code == 0, told
        assert "the evidence has no run.nofx.tgz: logs/early.1.log of run" in told.err
        kept = {path.name for path in (nofx.folder / "nofx-evidence").rglob("*")}
        assert "junit.xml" in kept
        assert not {"run", "run.nofx.tgz", "early.1.log"} & kept

    def test_of_a_run_that_was_stopped(self, nofx: Program) -> None:
        steps = '  - {name: long, tool: shell, inputs: {command: "echo ready >> ready; sleep 60"}}\n'
        process = nofx.start("run", nofx.plan(steps), "--ci")
        nofx.ready()
        process.terminate()
        assert ended(process).code == 143
        wait_until((nofx.folder / "nofx-evidence").is_dir, timeout=PATIENCE, why="the evidence")
        assert json.loads((nofx.folder / "nofx-evidence" / "result.json").read_text("utf-8"))["exit_code"] == 143
