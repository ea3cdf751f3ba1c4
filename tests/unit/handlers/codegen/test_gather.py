"""The context of a question: what is taken, in which order, and what is left out and told."""

from collections.abc import Callable

import pytest

from nofx_cli import errors
from nofx_cli.domain.findings import Finding
from nofx_cli.domain.ids import StepName
from nofx_cli.handlers.codegen.gather import Gathered, gather
from nofx_cli.handlers.codegen.options import options_of
from nofx_cli.ports.handler import Feedback
from nofx_cli.testing import FakeContext
from tests.unit.handlers.codegen.conftest import MakeContext


def gathered(ctx: FakeContext, task: str = "", *, running: bool = True) -> Gathered:
    return gather(ctx, options_of({"prompt": "x", **ctx.inputs}), task, running=running)


def names(found: Gathered) -> list[str]:
    return [f"{piece.kind} {piece.name}".strip() for piece in found.pieces]


def left_out(found: Gathered) -> list[str]:
    return [str(one) for one in found.left_out]


def test_files_are_taken_by_name_by_folder_and_by_glob_each_once(make: MakeContext) -> None:
    files = dict.fromkeys(("z.md", "src/b.py", "src/deep/a.py", "src/c.txt", "other.py"), "x\n")
    found = gathered(make(files=files, context=["z.md", "src/*.py", "src/"]))
    assert names(found) == ["file z.md", "file src/b.py", "file src/c.txt", "file src/deep/a.py"]


def test_what_is_not_there_or_kept_back_is_told(make: MakeContext) -> None:
    ctx = make(files={".env": "A=1\n", "a.py": "x\n"}, context=["new.py", "docs/**", "*"])
    found = gathered(ctx)
    assert names(found) == ["file a.py"]
    assert left_out(found) == [
        "new.py: it is not there",
        "docs/**: no file matches",
        ".env: by its name it may hold secrets",
    ]


def test_a_file_that_is_named_is_taken_though_git_ignores_it(make: MakeContext, git: Callable[..., None]) -> None:
    ctx = make(files={".gitignore": "*.log\n", "a.log": "x\n"}, context=["a.log", "*.log"])
    git("init", "-q")
    found = gathered(ctx)
    assert (names(found), left_out(found)) == (["file a.log"], ["*.log: no file matches"])


def test_what_does_not_fit_is_left_out_whole_and_smaller_things_may_follow(make: MakeContext) -> None:
    files = {"a.py": "x\n" * 200, "b.py": "y\n"}
    found = gathered(make(files=files, context=["a.py", "b.py"], context_tokens=60))
    assert names(found) == ["file b.py"]
    assert left_out(found) == ["a.py: it does not fit into the 60 tokens of context"]


def test_artifacts_and_outputs_of_earlier_steps_are_taken(make: MakeContext) -> None:
    ctx = make(artifacts=[{"step": "lint", "name": "log"}, {"step": "lint", "name": "bin"}], outputs=["lint"])
    ctx.needed_artifacts = {StepName("lint"): {"log": b"said\n", "bin": b"\xff"}}
    ctx.outputs = {StepName("lint"): {"b": 1, "a": ["ä"]}}
    found = gathered(ctx)
    assert names(found) == ["artifact lint/log", "outputs lint"]
    assert '{\n  "a": [\n    "ä"\n  ],\n  "b": 1\n}\n' in found.pieces[1].block
    assert left_out(found) == ["lint/bin: it is no text in UTF-8"]


def test_outputs_of_a_step_that_has_not_ended_are_told_with_the_remedy(make: MakeContext) -> None:
    with pytest.raises(errors.NotFound) as caught:
        gathered(make(outputs=["later"]))
    assert caught.value.code == "step-not-ended"
    assert caught.value.message == "step later has not ended, so it has no outputs"
    assert caught.value.hint == "name it in the step's needs: `needs: [later]`"


def test_an_artifact_that_is_not_there_is_told_with_those_that_are(make: MakeContext) -> None:
    ctx = make(artifacts=[{"step": "lint", "name": "logs"}])
    ctx.needed_artifacts = {StepName("lint"): {"log": b"said\n"}}
    with pytest.raises(errors.NotFound) as caught:
        gathered(ctx)
    assert (caught.value.code, caught.value.hint) == ("artifact-not-found", "its artifacts are: log")


def test_a_long_difference_is_cut_at_a_line(make: MakeContext, git: Callable[..., None]) -> None:
    ctx = make(files={"a.py": "old\n"}, diff="HEAD", context_tokens=200)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    (ctx.workspace / "a.py").write_text("".join(f"line {n}\n" for n in range(100)))
    found = gathered(ctx)
    assert names(found) == ["diff HEAD"]
    assert 0 < found.pieces[0].block.count("\n+line") < 100
    assert left_out(found)[0].startswith("diff against HEAD: only its first ")
    assert left_out(found)[0].endswith(" of 106 lines fit into the 200 tokens of context")


def test_a_map_comes_last_and_does_not_look_into_what_is_kept_back(make: MakeContext) -> None:
    ctx = make(files={"a.py": "def f(): ...\n", "secrets.json": "x", "b.py": "def g(): ...\n"}, context=["a.py"])
    ctx.inputs = {**ctx.inputs, "repo_map": True}
    found = gathered(ctx, "call g")
    assert names(found) == ["file a.py", "map"]
    assert "a.py\n  def f()\nb.py\n  def g()\nsecrets.json\n" in found.pieces[1].block


def test_in_a_repair_the_files_that_failed_and_that_were_changed_come_first(
    make: MakeContext, git: Callable[..., None]
) -> None:
    ctx = make(files={"a.py": "x\n", "t.py": "t\n", "mine.py": "m\n"}, context=["a.py"])
    git("init", "-q")
    git("add", "a.py", "t.py")
    git("commit", "-qm", "first")
    findings = (Finding("t.py", 1, 0, "r", "error", "m"), Finding("gone.py", 1, 0, "r", "error", "m"))
    ctx.feedback = Feedback(StepName("tests"), 2, 3, "failed", findings)
    assert names(gathered(ctx)) == ["file t.py", "file mine.py", "file a.py"]
    assert left_out(gathered(ctx)) == []


def test_before_the_step_runs_git_is_not_asked_what_differs(make: MakeContext) -> None:
    ctx = make(files={"a.py": "x\n"}, diff="main")
    ctx.feedback = Feedback(StepName("tests"), 2, 3, "failed", ())
    found = gathered(ctx, running=False)
    assert ctx.calls == []
    assert found.later == ("the files that were changed before", "the diff against main")
