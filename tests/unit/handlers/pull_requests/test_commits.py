"""What `git_pr` commits: exactly what is listed, or what the run changed; and nothing is lost that is not its own."""

from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, RunId, StepName
from nofx_cli.handlers.pull_requests.handler import HANDLER
from nofx_cli.ports.handler import RunTrees
from tests.forge_server import DO_AND_DROP
from tests.unit.handlers.pull_requests.scene import BRANCH, RUN, Scene
from tests.unit.workspace.repository import git, put
from tests.webhook_server import DROP

LATER = RunId("20260102-120000-bbbbbb")


def previewed(scene: Scene, **inputs: Any) -> JsonObject:
    shown = HANDLER.preview(scene.context(**inputs))
    assert isinstance(shown, dict)
    return shown


class TestListedFiles:
    def test_every_source(self, scene: Scene) -> None:
        put(scene.workspace, {"a.txt": "changed\n", "tool": "#!/bin/sh\n", "docs/b.txt": "b\n"})
        (scene.workspace / "tool").chmod(0o755)
        (scene.workspace / "link").symlink_to("a.txt")
        files = [
            *("a.txt", "tool", "link", "docs/b.txt"),
            {"path": "run.sh", "content": "x\n", "executable": True},
            {"path": "docs/kept.md", "artifact": "notes/out/kept.md"},
            {"path": "docs/told.txt", "output": "notes.text"},
            {"path": "docs/data.json", "output": "notes.data"},
        ]
        ctx = scene.context(files=files)
        ctx.needed_artifacts = {StepName("notes"): {"out/kept.md": b"kept\n"}}
        ctx.outputs = {StepName("notes"): {"text": "told", "data": {"n": 1}}}
        HANDLER.run(ctx)
        assert scene.changed() == [
            *("M a.txt", "A docs/data.json", "A docs/kept.md", "A docs/told.txt", "A link", "A run.sh", "A tool"),
        ]
        modes = [line.split()[0] for line in scene.remote("ls-tree", BRANCH, "link", "run.sh", "tool").splitlines()]
        assert modes == ["120000", "100755", "100755"]
        assert scene.remote("show", f"{BRANCH}:docs/told.txt") == "told"
        assert scene.remote("show", f"{BRANCH}:docs/data.json") == '{\n  "n": 1\n}'
        assert ("write", "docs/kept.md") in ctx.asked

    def test_a_program_stays_one(self, scene: Scene) -> None:
        scene.goes_on("run.sh", "1\n")
        other = scene.folder / "other"
        git(other, "update-index", "--chmod=+x", "run.sh")
        git(other, "commit", "-qm", "runs")
        git(other, "push", "-q", "origin", "trunk")
        scene.opened(files=[{"path": "run.sh", "content": "2\n"}])
        assert scene.remote("ls-tree", BRANCH, "run.sh").startswith("100755")

    def test_a_project_in_a_part_of_the_repository(self, scene: Scene) -> None:
        ctx = scene.context(files=["b.txt"])
        ctx.workspace = scene.workspace / "docs"
        put(ctx.workspace, {"b.txt": "other\n"})
        HANDLER.run(ctx)
        assert scene.changed() == ["M docs/b.txt"]

    def test_line_ends_are_as_git_would_commit_them(self, scene: Scene) -> None:
        put(scene.workspace, {".gitattributes": "*.txt text eol=crlf\n", "a.txt": b"one\r\ntwo\r\n"})
        scene.opened(files=["a.txt"])
        assert scene.remote("cat-file", "-s", f"{BRANCH}:a.txt") == "8"

    def test_an_ignored_file_that_is_listed(self, scene: Scene) -> None:
        put(scene.workspace, {".gitignore": "*.log\n", "x.log": "1\n"})
        scene.opened(files=["x.log"])
        assert scene.changed() == ["A x.log"]

    @pytest.mark.parametrize(
        ("file", "code"),
        [
            ("missing.txt", "file-not-found"),
            ("../outside.txt", "path-escapes"),
            (".git/config", "path-git"),
            ("docs", "path-not-a-file"),
            (".", "path-is-folder"),
            ({"path": "x", "artifact": "notes/none"}, "artifact-not-found"),
            ({"path": "x", "output": "notes.none"}, "output-not-found"),
        ],
    )
    def test_files_that_cannot_be(self, scene: Scene, file: object, code: str) -> None:
        assert scene.failed(files=[file]).error.code == code
        assert scene.remote("branch", "--list", "nofx*") == ""

    def test_a_rule_that_denies_a_path(self, scene: Scene) -> None:
        ctx = scene.context()

        def deny(path: str) -> None:
            raise errors.PolicyDenied(f"{path} may not be written")

        ctx.check_write = deny  # type: ignore[method-assign]
        with pytest.raises(errors.PolicyDenied):
            HANDLER.run(ctx)
        assert scene.forge.asked == []


class TestRunChanges:
    def context(self, scene: Scene, **files: str | None) -> object:
        """A step of a run that began with what the workspace has committed, and changed these files."""
        before = git(scene.workspace, "rev-parse", "HEAD^{tree}")
        scene.put(**files)
        env = {"GIT_INDEX_FILE": str(scene.folder / "index")}
        git(scene.workspace, "add", "-A", env=env)
        now = git(scene.workspace, "write-tree", env=env)
        ctx = scene.context(files=None)
        ctx.run_trees = RunTrees(scene.workspace, before, now)
        return HANDLER.run(ctx)

    def test_what_was_added_changed_and_removed(self, scene: Scene) -> None:
        (scene.workspace / "docs/b.txt").unlink()
        self.context(scene, a_txt="a\nmore\n", new_txt="new\n")
        assert scene.changed() == ["M a.txt", "D docs/b.txt", "A new.txt"]

    def test_a_base_that_changed_other_lines(self, scene: Scene) -> None:
        scene.goes_on("a.txt", "first\na\n")
        self.context(scene, a_txt="a\nlast\n")
        assert scene.changed() == ["M a.txt"]
        assert scene.remote("show", f"{BRANCH}:a.txt") == "first\na\nlast"

    def test_what_the_base_has_already_is_left_out(self, scene: Scene) -> None:
        scene.goes_on("a.txt", "same\n")
        self.context(scene, a_txt="same\n", new_txt="new\n")
        assert scene.changed() == ["A new.txt"]

    @pytest.mark.parametrize("theirs", ["theirs\n", "\0binary"])
    def test_what_does_not_go_together(self, scene: Scene, theirs: str) -> None:
        scene.goes_on("a.txt", theirs)
        outcome = self.context(scene, a_txt="mine\n")
        assert "changes-conflict" in repr(outcome)
        assert "a.txt" in repr(outcome)

    def test_what_the_base_removed_and_the_run_changed(self, scene: Scene) -> None:
        scene.goes_on("x.txt", "x\n")
        other = scene.folder / "other"
        git(other, "rm", "-q", "a.txt")
        git(other, "commit", "-qm", "gone")
        git(other, "push", "-q", "origin", "trunk")
        assert "changes-conflict" in repr(self.context(scene, a_txt="mine\n"))

    def test_in_your_folder_there_are_none(self, scene: Scene) -> None:
        assert scene.failed(files=None).error.code == "no-run-changes"


class TestCommits:
    def test_the_same_is_the_same_commit_whenever_it_is_made(self, scene: Scene) -> None:
        commit = scene.opened()["commit"]
        scene.remote("update-ref", "-d", f"refs/heads/{BRANCH}")
        assert scene.opened()["commit"] == commit
        assert scene.remote("show", "-s", "--format=%aI %cI", str(commit)) == " ".join(
            ["2026-01-01T12:00:00+00:00"] * 2
        )

    def test_message_and_author(self, scene: Scene) -> None:
        scene.opened(commit_message="docs: notes\n\nAll of them.", author="Ada <ada@example.org>")
        told = scene.remote("show", "-s", "--format=%an <%ae>%n%B", BRANCH)
        assert told.startswith(
            f"Ada <ada@example.org>\ndocs: notes\n\nAll of them.\n\nNofx-Step: {RUN}/pr\nNofx-Tree: "
        )

    def test_the_author_is_whom_git_knows(self, scene: Scene) -> None:
        git(scene.workspace, "config", "user.name", "Grace")
        git(scene.workspace, "config", "user.email", "grace@example.org")
        assert previewed(scene)["author"] == "Grace <grace@example.org>"

    def test_a_shallow_checkout(self, scene: Scene) -> None:
        scene.goes_on("x.txt", "1\n")
        git(scene.folder, "clone", "-q", "--depth=1", f"file://{scene.bare}", str(scene.folder / "shallow"))
        scene.goes_on("x.txt", "2\n")
        ctx = scene.context()
        ctx.workspace = scene.folder / "shallow"
        HANDLER.run(ctx)
        assert scene.changed() == ["A notes.md"]
        assert scene.remote("rev-list", "--count", BRANCH) == "4"

    def test_a_folder_without_a_repository(self, scene: Scene) -> None:
        ctx = scene.context(remote=str(scene.bare))
        ctx.workspace = scene.folder / "plain"
        ctx.workspace.mkdir()
        HANDLER.run(ctx)
        assert scene.changed() == ["A notes.md"]

    def test_programs_that_the_checkouts_settings_name_do_not_run(self, scene: Scene) -> None:
        trap = scene.folder / "trap"
        trap.write_text(f"#!/bin/sh\ntouch {scene.folder}/sprung\ncat\n")
        trap.chmod(0o755)
        for name in (
            "core.fsmonitor",
            "core.sshCommand",
            "core.askPass",
            "filter.x.clean",
            "core.alternateRefsCommand",
        ):
            git(scene.workspace, "config", name, str(trap))
        put(scene.workspace, {".gitattributes": "* filter=x\n", ".git/hooks/pre-push": trap.read_text()})
        (scene.workspace / ".git/hooks/pre-push").chmod(0o755)
        scene.opened(files=["a.txt", {"path": "n", "content": "n"}])
        assert not (scene.folder / "sprung").exists()


class TestPreviews:
    def test_what_it_shows(self, scene: Scene) -> None:
        shown = previewed(scene, body="All of them.", labels=["docs"])
        assert (shown["base"], shown["branch"], shown["title"]) == ("trunk", BRANCH, "Notes")
        assert "+++ b/notes.md\n@@ -0,0 +1 @@\n+notes\n" in str(shown["diff"])
        assert [str(file["path"]) for file in shown["files"]] == ["notes.md"]  # type: ignore[union-attr,call-overload,index]
        assert str(shown["body"]).startswith("All of them.")
        assert scene.remote("branch", "--list", "nofx*") == ""
        assert scene.forge.asked == []

    def test_a_base_that_went_on_elsewhere_changes_nothing_of_it(self, scene: Scene) -> None:
        before = previewed(scene)
        scene.goes_on("x.txt", "1\n")
        assert previewed(scene) == before

    @pytest.mark.parametrize(
        "inputs",
        [
            {"title": "Other"},
            {"body": "Other"},
            {"files": [{"path": "notes.md", "content": "other\n"}]},
            {"files": [{"path": "notes.md", "content": "notes\n", "executable": True}]},
            {"branch": "other"},
            {"commit_message": "other"},
            {"draft": True},
        ],
    )
    def test_whatever_is_another_makes_it_another(self, scene: Scene, inputs: JsonObject) -> None:
        assert previewed(scene, **inputs) != previewed(scene)

    def test_another_base(self, scene: Scene) -> None:
        scene.remote("branch", "stable", "trunk")
        assert previewed(scene, base="stable") != previewed(scene)

    def test_what_was_not_seen_is_not_pushed(self, scene: Scene) -> None:
        ctx = scene.context(files=["a.txt"])
        scene.put(a_txt="seen\n")
        ctx.previewed = HANDLER.preview(ctx)
        scene.put(a_txt="changed\n")
        assert "pull-request-changed" in repr(HANDLER.run(ctx))
        assert ctx.effects == []
        scene.put(a_txt="seen\n")
        HANDLER.run(ctx)
        assert scene.changed() == ["M a.txt"]

    def test_without_an_approval_nothing_is_pushed(self, scene: Scene) -> None:
        ctx = scene.context()
        ctx.approval = None
        assert "pull-request-changed" in repr(HANDLER.run(ctx))
        assert ctx.effects == []


class TestBranches:
    def test_a_later_run_goes_on_with_a_branch_that_the_plan_names(self, scene: Scene) -> None:
        first = scene.opened(branch="weekly")
        assert "replaces" not in previewed(scene, branch="weekly")
        ctx = scene.context(run=LATER, branch="weekly", title="More", files=[{"path": "notes.md", "content": "more\n"}])
        shown = HANDLER.preview(ctx)
        assert isinstance(shown, dict)
        assert shown["replaces"] == first["commit"]
        outcome = HANDLER.run(ctx)
        assert "'adopted': True" in repr(outcome)
        [pull] = scene.forge.pulls
        assert pull["title"] == "More"
        assert str(LATER) in pull["body"]
        assert scene.remote("rev-list", "--count", "trunk..weekly") == "1"

    @pytest.mark.parametrize("how", ["amended", "on top", "foreign"])
    def test_one_that_somebody_works_on_is_left_alone(self, scene: Scene, how: str) -> None:
        if how != "foreign":
            scene.opened(branch="weekly")
        other = scene.folder / "theirs"
        git(scene.folder, "clone", "-q", str(scene.bare), str(other))
        git(other, "checkout", "-q", "-B", "weekly", "origin/trunk" if how == "foreign" else "origin/weekly")
        put(other, {"notes.md": "by hand\n"})
        git(other, "add", "-A")
        git(other, "commit", "-q", *(["--amend", "--no-edit"] if how == "amended" else ["-m", "by hand"]))
        git(other, "push", "-qf", "origin", "weekly")
        failed = scene.failed(branch="weekly", files=[{"path": "notes.md", "content": "more\n"}])
        assert failed.error.code == "branch-taken"
        assert scene.remote("show", "weekly:notes.md") == "by hand"

    def test_the_base_is_no_branch_for_it(self, scene: Scene) -> None:
        assert scene.failed(branch="trunk").error.code == "branch-is-base"

    def test_somebody_who_was_quicker_keeps_the_branch(self, scene: Scene) -> None:
        ctx = scene.context(branch="weekly")
        ctx.on_intended = lambda intent: scene.remote("update-ref", "refs/heads/weekly", "trunk")  # type: ignore[assignment]
        outcome = HANDLER.run(ctx)
        assert "push-raced" in repr(outcome)
        assert scene.remote("rev-parse", "weekly") == scene.remote("rev-parse", "trunk")
        assert scene.forge.asked == []

    def test_the_same_push_of_an_attempt_that_was_late_is_none_to_complain_of(self, scene: Scene) -> None:
        commit = str(scene.opened()["commit"])
        scene.remote("update-ref", "-d", f"refs/heads/{BRANCH}")
        ctx = scene.context()
        ctx.on_intended = lambda intent: scene.remote("update-ref", f"refs/heads/{BRANCH}", commit)  # type: ignore[assignment]
        assert "Succeeded" in repr(HANDLER.run(ctx))

    def test_a_push_whose_answer_is_lost_was_made(self, scene: Scene) -> None:
        scene.forge.next("POST", DO_AND_DROP, path="git-receive-pack")
        assert scene.opened(remote=scene.forge.git)["changed"] is True
        assert scene.forge.pushes == 1

    def test_a_remote_that_loses_the_connection_of_a_push(self, scene: Scene) -> None:
        scene.forge.next("POST", DROP, path="git-receive-pack")
        failed = scene.failed(remote=scene.forge.git)
        assert (failed.error.code, failed.retryable) == ("remote-unreachable", True)
        assert scene.opened(remote=scene.forge.git)["changed"] is True
