"""Answers that are changes of files: made all together, refused all together, told in full."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.models import EditFormat, ModelReply
from nofx_cli.domain.outcome import Failed, Succeeded
from nofx_cli.handlers.codegen.handler import HANDLER
from nofx_cli.ports.handler import StepCancelled
from nofx_cli.testing import FakeContext
from tests.unit.handlers.codegen.conftest import MakeContext

SUM = "def add(a, b):\n    return a + b\n"
MINUS = "def add(a, b):\n    return a - b\n"


def whole(path: str, text: str) -> str:
    """An answer with one whole file."""
    return f"`{path}`\n```\n{text}```\n"


def block(path: str, old: str, new: str) -> str:
    """An answer with one search/replace block."""
    return f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"


def text(ctx: FakeContext, name: str) -> str:
    return (ctx.workspace / name).read_text()


def test_changes_are_made_and_told(make: MakeContext) -> None:
    answer = whole("a.py", SUM) + whole("new/b.py", "x = 1\n")
    ctx = make(answer, files={"a.py": MINUS}, prompt="p", apply=True)
    outcome = HANDLER.run(ctx)
    assert isinstance(outcome, Succeeded)
    assert outcome.outputs["changed"] == ("a.py", "new/b.py")
    assert set(outcome.outputs) == {"model", "request", "changed"}
    assert (text(ctx, "a.py"), text(ctx, "new/b.py")) == (SUM, "x = 1\n")
    diff = ctx.artifacts["changes.diff"].decode()
    assert "--- a/a.py\n+++ b/a.py\n" in diff
    assert "-    return a - b\n+    return a + b\n" in diff
    assert set(diff.splitlines()) <= set(ctx.logged)
    assert ctx.logged[-1] == "changed 2 files"
    assert sorted(ctx.asked) == [("write", "a.py"), ("write", "new/b.py")]


def test_the_model_is_told_how_to_write_changes_and_what_it_may_change(make: MakeContext) -> None:
    ctx = make(whole("a.py", SUM), prompt="p", apply=True, write=["*.py", "docs/**"])
    HANDLER.run(ctx)
    ctx_of_blocks = make(block("b.py", "", "x = 1"), prompt="p", apply=True, edits="search-replace")
    HANDLER.run(ctx_of_blocks)
    rules, other_rules = ctx.requests[0].messages[0].content, ctx_of_blocks.requests[0].messages[0].content
    assert "only files that match *.py, docs/**; an answer that goes beyond is refused whole." in rules
    assert "SEARCH" in other_rules
    assert "SEARCH" not in rules


def test_the_format_is_that_of_the_model_unless_the_step_says_another(make: MakeContext) -> None:
    ctx = make(block("a.py", "    return a - b", "    return a + b"), files={"a.py": MINUS}, prompt="p", apply=True)
    ctx.edits = EditFormat.SEARCH_REPLACE
    assert isinstance(HANDLER.run(ctx), Succeeded)
    ctx = make(whole("a.py", MINUS), prompt="p", apply=True, edits="whole")
    ctx.edits, ctx.work = EditFormat.SEARCH_REPLACE, "other"
    assert isinstance(HANDLER.run(ctx), Succeeded)
    assert text(ctx, "a.py") == MINUS


def test_one_bad_change_refuses_all_and_the_reason_goes_back(make: MakeContext) -> None:
    bad = block("a.py", "    return a - b", "    return a + b") + block("a.py", "not there", "x")
    good = block("a.py", "    return a - b", "    return a + b")
    ctx = make(bad, good, files={"a.py": MINUS}, prompt="p", apply=True, edits="search-replace")
    seen: list[str] = []
    ask = ctx.ask_model

    def noted(request):  # type: ignore[no-untyped-def]
        seen.append(text(ctx, "a.py"))
        return ask(request)

    ctx.ask_model = noted  # type: ignore[method-assign]
    assert isinstance(HANDLER.run(ctx), Succeeded)
    assert seen == [MINUS, MINUS]
    assert "No file was changed, because your answer cannot be applied:\n- a.py" in ctx.requests[1].messages[3].content
    assert text(ctx, "a.py") == SUM
    assert ctx.artifacts["refused-1.md"].decode() == bad


def test_what_the_step_does_not_let_it_write_goes_back(make: MakeContext) -> None:
    ctx = make(whole("b.py", SUM), whole("a.py", SUM), prompt="p", apply=True, write=["a.py"])
    assert isinstance(HANDLER.run(ctx), Succeeded)
    assert "b.py may not be changed: only files that match a.py may" in ctx.requests[1].messages[3].content
    assert ctx.asked == [("write", "a.py")]
    assert not (ctx.workspace / "b.py").exists()


def test_what_policy_denies_ends_the_step_and_nothing_is_written(make: MakeContext) -> None:
    ctx = make(whole("a.py", SUM) + whole("b.py", SUM), prompt="p", apply=True)

    def deny(path: str) -> None:
        if path == "b.py":
            raise errors.PolicyDenied("no")

    ctx.check_write = deny  # type: ignore[method-assign]
    with pytest.raises(errors.PolicyDenied):
        HANDLER.run(ctx)
    assert not (ctx.workspace / "a.py").exists()
    assert len(ctx.requests) == 1


@pytest.mark.parametrize("path", ["/etc/x", "../x", ".git/config"])
def test_paths_that_lead_out_are_refused(make: MakeContext, path: str, tmp_path: Path) -> None:
    ctx = make(whole(path, SUM), prompt="p", apply=True, attempts=1)
    outcome = HANDLER.run(ctx)
    assert isinstance(outcome, Failed)
    assert outcome.error.code == "answer-refused"
    assert "other `edits` or another `model`" in outcome.error.hint
    assert list(ctx.workspace.iterdir()) == []


def test_an_answer_that_changes_nothing_fails_in_the_end(make: MakeContext) -> None:
    ctx = make(*["All is well."] * 3, prompt="p", apply=True)
    outcome = HANDLER.run(ctx)
    assert isinstance(outcome, Failed)
    assert outcome.error.code == "no-change"
    assert "All is well." in outcome.error.message


def test_an_answer_that_is_cut_off_is_never_applied(make: MakeContext) -> None:
    cut = ModelReply(whole("a.py", SUM), "fake/model", finish="length")
    ctx = make(cut, prompt="p", apply=True, attempts=1)
    outcome = HANDLER.run(ctx)
    assert isinstance(outcome, Failed)
    assert outcome.error.code == "answer-cut-off"
    assert list(ctx.workspace.iterdir()) == []


def test_an_answer_in_which_something_was_masked_is_never_applied_and_goes_back(make: MakeContext) -> None:
    masked = ModelReply(whole("a.py", 'KEY = "***"\n'), "fake/model", masked=True)
    ctx = make(masked, whole("a.py", SUM), prompt="p", apply=True)

    assert isinstance(HANDLER.run(ctx), Succeeded)

    assert text(ctx, "a.py") == SUM
    assert "It holds a secret, or what looks like one" in ctx.requests[1].messages[-1].content


def test_an_attempt_that_died_after_its_changes_is_made_again_and_comes_to_the_same(make: MakeContext) -> None:
    answer = block("a.py", "    return a - b", "    return a + b")
    ctx = make(answer, answer, files={"a.py": MINUS}, prompt="p", context=["a.py"], apply=True, edits="search-replace")
    first, diff = HANDLER.run(ctx), ctx.artifacts.pop("changes.diff")
    second = HANDLER.run(ctx)
    assert ctx.requests[1] == ctx.requests[0]
    assert isinstance(second, Succeeded)
    assert (second, ctx.artifacts["changes.diff"], text(ctx, "a.py")) == (first, diff, SUM)
    assert "what was changed by an attempt that was cut off was taken back" in ctx.logged


def test_what_earlier_work_changed_stays(make: MakeContext) -> None:
    ctx = make(whole("a.py", SUM), whole("b.py", SUM), files={"a.py": MINUS}, prompt="p", context=["a.py"], apply=True)
    HANDLER.run(ctx)
    ctx.work = "a later round"
    HANDLER.run(ctx)
    assert "return a + b" in ctx.requests[1].messages[1].content
    assert text(ctx, "a.py") == SUM


def test_what_is_there_already_is_a_success(make: MakeContext) -> None:
    ctx = make(whole("a.py", SUM), files={"a.py": SUM}, prompt="p", apply=True)
    outcome = HANDLER.run(ctx)
    assert isinstance(outcome, Succeeded)
    assert outcome.outputs["changed"] == ()
    assert ctx.logged[-1] == "all that the answer changes is there already"
    assert "changes.diff" not in ctx.artifacts


def test_a_step_that_is_to_stop_writes_nothing(make: MakeContext) -> None:
    ctx = make(whole("a.py", SUM), prompt="p", apply=True)

    def stop(path: str) -> None:
        ctx.stop = "cancelled"

    ctx.check_write = stop  # type: ignore[method-assign]
    with pytest.raises(StepCancelled):
        HANDLER.run(ctx)
    assert not (ctx.workspace / "a.py").exists()


def test_a_long_difference_is_cut_in_the_log_and_whole_as_an_artifact(make: MakeContext) -> None:
    lines = "".join(f"x{n}\n" for n in range(500))
    ctx = make(whole("a.py", lines), prompt="p", apply=True)
    HANDLER.run(ctx)
    assert "+x499\n" in ctx.artifacts["changes.diff"].decode()
    assert "+x499" not in ctx.logged
    assert ctx.logged[-2] == f"… 303 more lines: nofx artifacts {ctx.run_id} step"


def test_a_preview_says_how_changes_are_written(make: MakeContext) -> None:
    shown = HANDLER.preview(make(prompt="p", apply=True, write=["a.py"]))
    assert shown["answer"] == {"becomes": "changes", "edits": "whole", "write": ("a.py",)}
    assert HANDLER.preview(make(prompt="p", apply=True))["answer"] == {
        "becomes": "changes", "edits": "whole", "write": "what policy allows",
    }  # fmt: skip
