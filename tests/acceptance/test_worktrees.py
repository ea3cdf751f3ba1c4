"""A run works in a worktree of its own: whatever state the user's checkout is in, it is bit for bit what it was."""

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.checkouts import Checkout, git
from tests.acceptance.program import PATIENCE, Program, ended

pytestmark = pytest.mark.acceptance

PLAN = """
steps:
  - {name: write, tool: "workspace:write", inputs: {path: made.txt, content: "made\\n"}}
  - {name: change, tool: shell, inputs: {command: "echo more >> b.txt"}}
"""
UNBORN = """
steps:
  - {name: write, tool: "workspace:write", inputs: {path: made.txt, content: "made\\n"}}
"""
LEFT = {"made.txt": "made\n", "b.txt": "b\nmore\n"}


class Bench:
    """A checkout and the program in it."""

    def __init__(self, checkout: Checkout, store: Path) -> None:
        self.checkout = checkout
        self.nofx = Program(checkout.project, store)
        self.plans = store.parent / "plans"
        self.plans.mkdir()

    def plan(self, text: str) -> str:
        """Write a plan, outside of the checkout."""
        path = self.plans / "plan.yaml"
        path.write_text(text)
        return str(path)

    def tree(self) -> Path:
        """The folder that the newest run works in."""
        [created] = [event for event in self.nofx.events() if event.type == "run.created"]
        return Path(str(created.payload.workspace["tree"]))  # type: ignore[attr-defined]

    def workspace(self) -> dict[str, object]:
        """The workspace as the newest run has it on record."""
        [created] = [event for event in self.nofx.events() if event.type == "run.created"]
        return dict(created.payload.workspace)  # type: ignore[attr-defined]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def bench(name: str = "project", project: str = "") -> Bench:
        top = tmp_path / name
        made.append(Bench(Checkout(top, top / project), tmp_path / "store"))
        return made[-1]

    yield bench
    for one in made:
        one.nofx.close()
        one.nofx.nothing_is_left()
        one.nofx.every_run_verifies()


def _dirty(checkout: Checkout) -> None:
    (checkout.project / "a.txt").write_text("changed\n")
    (checkout.project / "b.txt").write_text("staged\n")
    checkout.git("add", "b.txt")
    (checkout.project / "b.txt").write_text("staged, and changed again\n")


def _untracked(checkout: Checkout) -> None:
    (checkout.project / "made.txt").write_text("the user's own\n")
    (checkout.project / "notes").mkdir()
    (checkout.project / "notes" / "n.txt").write_text("n\n")


def _detached(checkout: Checkout) -> None:
    checkout.git("checkout", "-q", "--detach")


def _stashed(checkout: Checkout) -> None:
    (checkout.project / "a.txt").write_text("put aside\n")
    checkout.git("stash")


def _in_a_merge(checkout: Checkout) -> None:
    checkout.git("checkout", "-q", "-b", "other")
    (checkout.project / "a.txt").write_text("theirs\n")
    checkout.commit("theirs")
    checkout.git("checkout", "-q", "trunk")
    (checkout.project / "a.txt").write_text("ours\n")
    checkout.commit("ours")
    subprocess.run(["git", "merge", "-q", "other"], cwd=checkout.top, check=False, capture_output=True)
    assert checkout.git("ls-files", "-u")


def _failing_hooks(checkout: Checkout) -> None:
    for name in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change", "post-merge"):
        hook = checkout.top / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\necho ran >> '{checkout.top}/hook-ran'\nexit 1\n")
        hook.chmod(0o755)


def _own_programs(checkout: Checkout) -> None:
    (checkout.project / ".gitattributes").write_text("*.txt filter=own diff=own merge=own\n")
    checkout.commit("attributes")
    program = checkout.top / ".git" / "program"
    program.write_text(f"#!/bin/sh\necho ran >> '{checkout.top}/program-ran'\ncat\n")
    program.chmod(0o755)
    for setting in (
        *("filter.own.clean", "filter.own.smudge", "filter.own.process", "core.fsmonitor", "diff.external"),
        *("diff.own.command", "diff.own.textconv", "merge.own.driver", "core.pager"),
    ):
        checkout.git("config", setting, str(program))


def _links_and_modes(checkout: Checkout) -> None:
    (checkout.project / "run.sh").write_text("#!/bin/sh\n")
    (checkout.project / "run.sh").chmod(0o755)
    (checkout.project / "link").symlink_to("a.txt")
    (checkout.project / "dangling").symlink_to("nowhere")
    checkout.commit("links")
    (checkout.project / "a.txt").chmod(0o600)


def _sparse(checkout: Checkout) -> None:
    for name in ("in", "out"):
        (checkout.project / name).mkdir()
        (checkout.project / name / "f.txt").write_text(name)
    checkout.commit("folders")
    checkout.git("sparse-checkout", "set", "in")
    assert not (checkout.project / "out").exists()


def _autocrlf(checkout: Checkout) -> None:
    checkout.git("config", "core.autocrlf", "true")
    (checkout.project / "b.txt").write_bytes(b"b\r\n")


def _split_index(checkout: Checkout) -> None:
    checkout.git("update-index", "--split-index")
    checkout.git("config", "core.splitIndex", "true")


def _nothing(checkout: Checkout) -> None:
    pass


STATES: list[Callable[[Checkout], None]] = [
    _nothing, _dirty, _untracked, _detached, _stashed, _in_a_merge, _failing_hooks, _own_programs, _links_and_modes,
    _sparse, _autocrlf, _split_index,
]  # fmt: skip


@pytest.mark.parametrize("prepare", STATES, ids=lambda prepare: prepare.__name__.strip("_"))
def test_the_users_state_is_what_it_was(make: Callable[..., Bench], prepare: Callable[[Checkout], None]) -> None:
    bench = make()
    prepare(bench.checkout.begin())
    before = bench.checkout.state()

    ran = bench.nofx("run", bench.plan(PLAN))

    assert ran.code == 0, ran
    assert bench.checkout.state() == before
    left = {name: (bench.tree() / name).read_text("utf-8").replace("\r", "") for name in LEFT}
    assert left == LEFT
    shown = bench.nofx("diff", "--stat")
    assert [line.split() for line in shown.out.splitlines()] == [
        ["M", "+1", "-0", "b.txt"],
        ["A", "+1", "-0", "made.txt"],
    ]
    assert bench.checkout.state() == before


def test_what_was_changed_by_the_user_is_told_to_be_no_part_of_the_run(make: Callable[..., Bench]) -> None:
    bench = make()
    _dirty(bench.checkout.begin())
    _untracked(bench.checkout)
    commit = bench.checkout.git("rev-parse", "HEAD").strip()

    ran = bench.nofx("run", bench.plan(PLAN))

    assert f"4 changed files are not part of this run, which begins from commit {commit[:10]}\n" in ran.err
    assert (bench.tree() / "a.txt").read_text() == "one\ntwo\nthree\nfour\nfive\n"
    assert not (bench.tree() / "notes").exists()


def test_the_run_has_its_workspace_on_record(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin()
    assert bench.nofx("run", bench.plan(PLAN)).code == 0
    [run] = bench.nofx.runs()
    commit = bench.checkout.git("rev-parse", "HEAD").strip()
    assert bench.workspace() == {
        "path": str(bench.checkout.project), "mode": "worktree", "commit": commit, "branch": "trunk", "dirty": False,
        "base": bench.checkout.git("rev-parse", "HEAD^{tree}").strip(),
        "tree": str(bench.nofx.store / ".worktrees" / run),
    }  # fmt: skip
    assert git(bench.tree(), "symbolic-ref", "HEAD").strip() == f"refs/heads/nofx/{run}"
    assert git(bench.tree(), "rev-parse", "HEAD").strip() == commit


def test_every_step_that_changed_something_has_a_snapshot(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin()
    looks = '  - {name: looks, tool: shell, inputs: {command: "cat made.txt"}}\n'
    assert bench.nofx("run", bench.plan(PLAN + looks)).code == 0
    [run] = bench.nofx.runs()
    types = bench.nofx.types()
    assert [t for t in types if t.startswith("snapshot")] == ["snapshot.taken write", "snapshot.taken change"]
    for step in ("write", "change"):
        assert types.index(f"snapshot.taken {step}") == types.index(f"step.finished {step}") - 1
    names = bench.checkout.git("ls-tree", "--name-only", f"refs/nofx/{run}/write/1").split()
    assert names == ["a.txt", "b.txt", "made.txt", "nofx.yaml"]
    assert bench.checkout.git("show", f"refs/nofx/{run}/change/1:b.txt") == "b\nmore\n"
    shown = bench.nofx("diff", str(run), "change")
    assert shown.out.endswith("--- a/b.txt\n+++ b/b.txt\n@@ -1 +1,2 @@\n b\n+more\n")
    assert "made.txt" not in shown.out


def test_a_failed_step_has_one_too(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin()
    failing = '  - {name: breaks, tool: shell, inputs: {command: "echo half > half.txt; exit 3"}}\n'
    assert bench.nofx("run", bench.plan(PLAN + failing)).code == 1
    assert bench.nofx("diff", "breaks", "--stat").out == "A  +1  -0  half.txt\n"


def test_before_the_first_commit_it_begins_empty(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.git("init", "-q")
    (bench.checkout.project / "nofx.yaml").touch()
    (bench.checkout.project / "a.txt").write_text("a\n")
    before = bench.checkout.state()

    ran = bench.nofx("run", bench.plan(UNBORN))

    assert ran.code == 0, ran
    told = "2 changed files are not part of this run, which begins from an empty folder: there is no commit yet\n"
    assert told in ran.err
    assert bench.checkout.state() == before
    assert sorted(os.listdir(bench.tree())) == [".git", "made.txt"]
    assert bench.nofx("apply").code == 0
    assert (bench.checkout.project / "made.txt").read_text() == "made\n"


def test_a_submodule_stays_empty_and_is_told(make: Callable[..., Bench], tmp_path: Path) -> None:
    bench = make()
    inner = Checkout(tmp_path / "inner").begin()
    bench.checkout.begin()
    bench.checkout.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.top), "sub")
    bench.checkout.commit("submodule")
    before = bench.checkout.state()

    ran = bench.nofx("run", bench.plan(PLAN))

    assert ran.code == 0, ran
    told = "submodules are empty in the worktree of the run: git submodule update, in a step, fetches them\n"
    assert told in ran.err
    assert bench.checkout.state() == before
    assert os.listdir(bench.tree() / "sub") == []
    assert bench.nofx("diff", "--stat").out == "M  +1  -0  b.txt\nA  +1  -0  made.txt\n"


def test_inside_a_pre_commit_hook(make: Callable[..., Bench]) -> None:
    bench = make()
    checkout = bench.checkout.begin()
    hook = checkout.top / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    words = " ".join(f"'{word}'" for word in (*Program.command, "run", bench.plan(PLAN)))
    hook.write_text(f"#!/bin/sh\nenv | grep ^GIT_ > '{checkout.top}/.git/seen'\nexec {words}\n")
    hook.chmod(0o755)
    (checkout.project / "a.txt").write_text("for the commit\n")
    (checkout.project / "b.txt").write_text("not for the commit\n")
    first = checkout.git("rev-parse", "HEAD").strip()

    checkout.git("commit", "-q", "-m", "second", "a.txt")

    assert "GIT_INDEX_FILE=" in (checkout.top / ".git" / "seen").read_text()
    assert checkout.git("show", "--stat", "--format=%s", "HEAD").split() == [
        *("second", "a.txt", "|", "6", "+-----", "1", "file", "changed,", "1", "insertion(+),", "5", "deletions(-)")
    ]
    assert checkout.git("status", "--short") == " M b.txt\n"
    assert bench.workspace()["commit"] == first
    assert bench.nofx("diff", "--stat").out == "M  +1  -0  b.txt\nA  +1  -0  made.txt\n"


def test_where_git_was_told_of_another_repository(make: Callable[..., Bench], tmp_path: Path) -> None:
    bench = make()
    bench.checkout.begin()
    other = Checkout(tmp_path / "other").begin()
    states = bench.checkout.state(), other.state()
    env = {
        "GIT_DIR": str(other.top / ".git"), "GIT_WORK_TREE": str(other.top), "GIT_INDEX_FILE": str(tmp_path / "index"),
        "GIT_OBJECT_DIRECTORY": str(tmp_path / "objects"), "GIT_PREFIX": "x/",
    }  # fmt: skip

    ran = bench.nofx("run", bench.plan(PLAN), env=env)

    assert ran.code == 0, ran
    assert (bench.checkout.state(), other.state()) == states
    assert not (tmp_path / "index").exists()
    assert not (tmp_path / "objects").exists()
    assert bench.nofx("diff", "--stat", env=env).out == "M  +1  -0  b.txt\nA  +1  -0  made.txt\n"


def test_two_runs_at_once(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin()
    before = bench.checkout.state()
    plan = bench.plan("""
    params: {who: {type: string, required: true}}
    steps:
      - {name: write, tool: "workspace:write", inputs: {path: "{{ params.who }}.txt", content: "x\\n"}}
      - {name: change, tool: shell, inputs: {command: ["sh", "-c", "echo $1 >> b.txt", "sh", "{{ params.who }}"]}}
    """)
    started = [bench.nofx.start("run", plan, "-p", f"who={who}", "--json") for who in ("first", "second")]
    results = [ended(process) for process in started]
    assert [result.code for result in results] == [0, 0], results
    assert bench.checkout.state() == before
    for who, result in zip(("first", "second"), results, strict=True):
        run = json.loads(result.out)["run"]
        assert bench.nofx("diff", run, "--stat").out == f"M  +1  -0  b.txt\nA  +1  -0  {who}.txt\n"
        assert f"+{who}\n" in bench.nofx("diff", run).out


def test_inside_another_worktree(make: Callable[..., Bench], tmp_path: Path) -> None:
    bench = make("linked")
    main = Checkout(tmp_path / "main").begin()
    shutil.rmtree(bench.checkout.top)
    main.git("worktree", "add", "-q", "-b", "side", str(bench.checkout.top))
    (bench.checkout.project / "b.txt").write_text("b\nfrom the side\n")
    bench.checkout.git("commit", "-qam", "side")
    states = bench.checkout.state(), main.state()

    ran = bench.nofx("run", bench.plan(PLAN))

    assert ran.code == 0, ran
    assert (bench.checkout.state(), main.state()) == states
    assert (bench.tree() / "b.txt").read_text() == "b\nfrom the side\nmore\n"
    assert bench.workspace()["branch"] == "side"


def test_a_git_folder_elsewhere(make: Callable[..., Bench], tmp_path: Path) -> None:
    bench = make()
    bench.checkout.git("init", "-q", "--separate-git-dir", str(tmp_path / "apart.git"))
    bench.checkout.begin()
    bench.checkout.git("config", "core.worktree", str(bench.checkout.top))
    before = bench.checkout.state()
    ran = bench.nofx("run", bench.plan(PLAN))
    assert ran.code == 0, ran
    assert bench.checkout.state() == before
    assert bench.nofx("apply").out == "b.txt\nmade.txt\n"


def test_a_worktree_of_a_bare_repository(make: Callable[..., Bench], tmp_path: Path) -> None:
    bench = make("linked")
    main = Checkout(tmp_path / "main").begin()
    git(tmp_path, "clone", "-q", "--bare", str(main.top), "bare.git")
    shutil.rmtree(bench.checkout.top)
    git(tmp_path / "bare.git", "worktree", "add", "-q", str(bench.checkout.top), "trunk")
    before = bench.checkout.state()
    ran = bench.nofx("run", bench.plan(PLAN))
    assert ran.code == 0, ran
    assert bench.checkout.state() == before
    assert bench.nofx("diff", "--stat").out == "M  +1  -0  b.txt\nA  +1  -0  made.txt\n"


def test_a_path_with_blanks_and_umlauts(make: Callable[..., Bench]) -> None:
    bench = make("ein Ordner mit Größe '\"")
    bench.checkout.begin()
    (bench.checkout.project / "ä ö.txt").write_text("ü\n")
    bench.checkout.commit("umlauts")
    before = bench.checkout.state()
    plan = """
    steps:
      - {name: write, tool: "workspace:write", inputs: {path: "neu ß.txt", content: "x\\n"}}
      - {name: change, tool: shell, inputs: {command: 'echo y >> "ä ö.txt"'}}
    """
    ran = bench.nofx("run", bench.plan(plan))
    assert ran.code == 0, ran
    assert bench.checkout.state() == before
    assert bench.nofx("diff", "--stat").out == "A  +1  -0  neu ß.txt\nM  +1  -0  ä ö.txt\n"
    assert bench.nofx("apply").out == "neu ß.txt\nä ö.txt\n"
    assert (bench.checkout.project / "ä ö.txt").read_text() == "ü\ny\n"


def test_a_project_in_a_folder_of_the_repository(make: Callable[..., Bench]) -> None:
    bench = make("repository", "packages/one")
    bench.checkout.begin()
    before = bench.checkout.state()
    reaching = '  - {name: reach, tool: shell, inputs: {command: "pwd; echo other > ../two.txt"}}\n'
    ran = bench.nofx("run", bench.plan(PLAN + reaching))
    assert ran.code == 0, ran
    assert bench.checkout.state() == before
    [run] = bench.nofx.runs()
    assert bench.tree() == bench.nofx.store / ".worktrees" / run / "packages" / "one"
    assert bench.nofx.log("reach") == f"{bench.tree()}\n"
    assert bench.nofx("apply").out == "packages/one/b.txt\npackages/one/made.txt\npackages/two.txt\n"
    assert (bench.checkout.top / "packages/two.txt").read_text() == "other\n"


def test_a_folder_that_its_repository_ignores_is_no_part_of_it(make: Callable[..., Bench]) -> None:
    bench = make("repository", "scratch")
    bench.checkout.git("init", "-q")
    (bench.checkout.top / ".gitignore").write_text("scratch/\n")
    bench.checkout.commit("first")
    (bench.checkout.project / "nofx.yaml").touch()
    ran = bench.nofx("run", bench.plan(UNBORN))
    assert ran.code == 0, ran
    told = f"the run works in place: the repository in {bench.checkout.top} ignores {bench.checkout.project}\n"
    assert told in ran.err
    assert (bench.checkout.project / "made.txt").exists()


def test_a_plan_that_says_where_it_works(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin()
    looks = 'steps: [{name: looks, tool: shell, inputs: {command: "echo x > looked.txt"}}]\n'
    assert bench.nofx("run", bench.plan("workspace: in_place" + PLAN)).code == 0
    assert (bench.checkout.project / "made.txt").exists()
    assert bench.nofx("run", bench.plan(looks)).code == 0
    assert (bench.checkout.project / "looked.txt").exists()
    (bench.checkout.project / "looked.txt").unlink()
    assert bench.nofx("run", bench.plan("workspace: worktree\n" + looks)).code == 0
    assert not (bench.checkout.project / "looked.txt").exists()
    assert (bench.tree() / "looked.txt").exists()


def test_without_a_repository_it_works_in_place_and_cannot_be_told_otherwise(make: Callable[..., Bench]) -> None:
    bench = make()
    project = bench.checkout.project
    (project / "nofx.yaml").touch()
    assert bench.nofx("run", bench.plan(UNBORN)).code == 0
    assert (project / "made.txt").exists()
    refused = bench.nofx("run", bench.plan("workspace: worktree" + UNBORN))
    assert (refused.code, refused.out) == (3, "")
    assert refused.err == (
        f"error[no-repository]: the plan says `workspace: worktree`, and {project} does not lie in a git repository\n"
        "  hint: git init, or write `workspace: in_place`\n"
    )
    assert len(bench.nofx.runs()) == 1


def test_a_worktree_that_cannot_be_made_leaves_no_run_and_no_trace(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin().git("branch", "nofx")
    before = bench.checkout.state()
    ran = bench.nofx("run", bench.plan(PLAN))
    assert ran.code == 69
    assert ran.err.startswith("error[worktree-failed]: the worktree of run ")
    assert "refs/heads/nofx" in ran.err
    assert bench.nofx.runs() == []
    assert bench.checkout.state() == before
    assert [name for name in os.listdir(bench.nofx.store / ".worktrees") if not name.endswith(".lock")] == []
    assert len(bench.checkout.git("worktree", "list").splitlines()) == 1


def test_one_that_was_taken_away_is_made_again_from_the_newest_snapshot(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin()
    waits = """
  - {name: ok, tool: "manual:ok"}
  - {name: last, tool: shell, inputs: {command: "cat made.txt >> b.txt"}}
"""
    assert bench.nofx("run", bench.plan(PLAN + waits), "--no-wait").code == 8
    shutil.rmtree(bench.tree())
    ran = bench.nofx("approve", "ok")
    assert ran.code == 0, ran
    assert (bench.tree() / "b.txt").read_text() == "b\nmore\nmade\n"
    assert git(bench.tree(), "status", "--short") == " M b.txt\n?? made.txt\n"


def test_an_approval_is_bound_to_the_tree(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin()
    plan = """
    steps:
      - {name: write, needs: [], tool: "workspace:write", inputs: {path: made.txt, content: "made\\n"}}
      - {name: ok, tool: "manual:ok"}
    """
    assert bench.nofx("run", bench.plan(plan), "--no-wait").code == 8
    [taken] = [event for event in bench.nofx.events() if event.type == "snapshot.taken"]
    [asked] = [event for event in bench.nofx.events() if event.type == "approval.requested"]
    [run] = bench.nofx.runs()
    shown = next(bench.nofx.store.glob(f"runs/*/{run}/{asked.payload.path}"))  # type: ignore[attr-defined]
    assert json.loads(shown.read_text())["tree"] == taken.payload.tree  # type: ignore[attr-defined]


def test_an_approval_is_stale_when_somebody_changes_the_worktree(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin()
    waits = '  - {name: ok, tool: "manual:ok"}\n'
    assert bench.nofx("run", bench.plan(PLAN + waits), "--no-wait").code == 8
    assert bench.nofx("approve", "ok", "--no-resume").code == 0
    (bench.tree() / "made.txt").write_text("by hand\n")
    assert bench.nofx("resume", "latest", "--no-wait").code == 5
    assert "approval.stale ok" in bench.nofx.types()
    assert bench.nofx("approve", "ok").code == 0


def test_ignored_files_are_no_part_of_it(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin()
    (bench.checkout.project / ".gitignore").write_text("*.log\n")
    bench.checkout.commit("ignore")
    noisy = '  - {name: noisy, tool: shell, inputs: {command: "echo x > x.log; mkdir d; echo y > d/y.log"}}\n'
    assert bench.nofx("run", bench.plan(PLAN + noisy)).code == 0
    assert "snapshot.taken noisy" not in bench.nofx.types()
    assert ".log" not in bench.nofx("diff", "--stat").out


def test_a_repository_that_a_step_makes_inside_runs_nothing_and_hinders_nothing(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin()
    mark = bench.nofx.store / "it-ran"
    script = f"""
    git init -q empty
    git init -q full && cd full && echo f > f && git add f && git commit -qm f
    printf '#!/bin/sh\\necho ran >> "{mark}"\\n' > /tmp/../{bench.plans}/program; chmod +x {bench.plans}/program
    git config core.fsmonitor {bench.plans}/program
    """
    plan = {
        "steps": [
            {"name": "write", "tool": "workspace:write", "inputs": {"path": "made.txt", "content": "made\n"}},
            {"name": "nest", "tool": "shell", "inputs": {"command": script}},
        ],
        "policy": {"env": {"allow": ["GIT_*"]}},
    }
    ran = bench.nofx("run", bench.plan(json.dumps(plan)))
    assert ran.code == 0, (ran, bench.nofx.log("nest"))
    assert bench.nofx("diff", "--stat").out == "A  +1  -0  made.txt\n"
    assert not mark.exists()


@pytest.mark.parametrize("where", ["store", "project"])
def test_a_step_sees_its_worktree_and_policy_does_too(make: Callable[..., Bench], where: str) -> None:
    bench = make()
    bench.checkout.begin()
    env = {"NOFX_HOME": str(bench.checkout.project / "local_data")} if where == "project" else {}
    plan = """
    policy: {write: {allow: ["docs/**"]}}
    steps:
      - {name: fine, tool: "workspace:write", inputs: {path: docs/x.md, content: "x"}}
      - {name: strays, tool: shell, inputs: {command: "echo x > elsewhere.txt"}}
    """
    ran = bench.nofx("run", bench.plan(plan), "--json", env=env)
    assert ran.code == 6
    steps = {step["name"]: step for step in json.loads(ran.out)["steps"]}
    assert steps["fine"]["status"] == "succeeded"
    assert steps["strays"]["error"]["code"] == "policy-denied"
    assert "elsewhere.txt" in steps["strays"]["error"]["message"]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("git config user.name evil", ".git/config"),
        ("printf '' > $(git rev-parse --git-common-dir)/hooks/post-commit", ".git/hooks/post-commit"),
        ("echo 'policy: {}' > $PROJECT/nofx.yaml", "nofx.yaml"),
    ],
)
def test_what_steers_git_and_nofx_outside_of_the_worktree_is_looked_at(
    make: Callable[..., Bench], command: str, told: str
) -> None:
    bench = make()
    bench.checkout.begin()
    (bench.checkout.top / ".git" / "hooks").mkdir(exist_ok=True)
    plan = {
        "workspace": "worktree",
        "policy": {"write": {"allow": ["**"]}},
        "steps": [
            {"name": "evil", "tool": "shell", "inputs": {"command": command},
             "env": {"PROJECT": str(bench.checkout.project)}},
        ],
    }  # fmt: skip
    ran = bench.nofx("run", bench.plan(json.dumps(plan)), "--json")
    assert ran.code == 6
    assert json.loads(ran.out)["steps"][0]["error"]["message"].startswith(f"step evil may not write {told}")


def test_killed_while_it_works_it_goes_on_where_it_was(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin()
    before = bench.checkout.state()
    hangs = '  - {name: hangs, tool: shell, inputs: {command: "echo half > half.txt; echo on > on; sleep 600"}}\n'
    process = bench.nofx.start("run", bench.plan(PLAN + hangs))
    bench.nofx.shows("step.started hangs")
    process.kill()
    process.wait(PATIENCE)
    resumed = bench.nofx("resume", "--no-wait")
    assert resumed.code == 8, resumed
    assert bench.checkout.state() == before
    assert (bench.tree() / "made.txt").read_text() == "made\n"
    assert bench.nofx("waive", "hangs", "-m", "enough").code == 0
    assert "A  +1  -0  made.txt" in bench.nofx("diff", "--stat").out


def test_a_worker_executes_it_there_too(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin()
    before = bench.checkout.state()
    assert bench.nofx("run", bench.plan(PLAN), "--detach", "--no-start-worker").code == 0
    worked = bench.nofx("worker", "--drain")
    assert worked.code == 0, worked
    assert bench.checkout.state() == before
    assert bench.nofx("diff", "--stat").out == "M  +1  -0  b.txt\nA  +1  -0  made.txt\n"


def test_a_repository_that_is_gone_fails_the_step_and_hinders_no_other_run(make: Callable[..., Bench]) -> None:
    bench = make()
    checkout = bench.checkout.begin()
    assert bench.nofx("run", bench.plan(PLAN), "--detach", "--no-start-worker").code == 0
    [broken] = bench.nofx.runs()
    shutil.rmtree(bench.tree())
    (checkout.top / ".git").rename(checkout.top / "not-git")
    other = bench.plan('steps: [{name: fine, tool: shell, inputs: {command: "true"}}]\n')
    assert bench.nofx("run", other, "--detach", "--no-start-worker").code == 0

    assert bench.nofx("worker", "--drain").code == 0

    told = json.loads(bench.nofx("show", broken, "--json").out)
    assert told["status"] == "failed"
    assert "failed: not a git repository" in str(told["failure"])
    assert json.loads(bench.nofx("show", "latest", "--json").out)["status"] == "succeeded"
    (checkout.top / "not-git").rename(checkout.top / ".git")
    assert bench.nofx("retry", broken).code == 0
    assert bench.nofx("diff", broken, "--stat").out == "M  +1  -0  b.txt\nA  +1  -0  made.txt\n"


def test_what_cannot_be_kept_fails_the_step(make: Callable[..., Bench]) -> None:
    bench = make()
    checkout = bench.checkout.begin()
    spoil = {"name": "spoil", "tool": "shell", "inputs": {"command": "echo x > x.txt; rm -rf $REFS; touch $REFS"}}
    spoil["env"] = {"REFS": str(checkout.top / ".git" / "refs" / "nofx")}
    ran = bench.nofx("run", bench.plan(json.dumps({"workspace": "worktree", "steps": [spoil]})), "--json")
    assert ran.code == 1
    error = json.loads(ran.out)["steps"][0]["error"]
    assert error["code"] == "snapshot-not-written"
    assert error["message"].startswith("what step spoil of run ")


def test_modes_and_links_come_through(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin()
    script = "chmod +x b.txt; ln -s a.txt link; printf 'x\\0y' > binary; rm a.txt; mkdir a.txt; echo in > a.txt/in"
    plan = json.dumps(
        {"workspace": "worktree", "steps": [{"name": "s", "tool": "shell", "inputs": {"command": script}}]}
    )
    assert bench.nofx("run", bench.plan(plan)).code == 0
    applied = bench.nofx("apply")
    assert applied.code == 0, applied
    project = bench.checkout.project
    assert (project / "b.txt").stat().st_mode & stat.S_IXUSR
    assert os.readlink(project / "link") == "a.txt"
    assert (project / "binary").read_bytes() == b"x\0y"
    assert (project / "a.txt" / "in").read_text() == "in\n"


def test_it_ends_with_how_to_look_and_apply(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.checkout.begin()
    ran = bench.nofx("run", bench.plan(PLAN))
    [run] = bench.nofx.runs()
    assert f"next: nofx diff {run}\n" in ran.err
    assert f"next: nofx apply {run}\n" in ran.err
