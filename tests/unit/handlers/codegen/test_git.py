"""What differs in the workspace, told by a real git that runs nothing of the checkout's own."""

from collections.abc import Callable

import pytest

from nofx_cli import errors
from nofx_cli.handlers.codegen.git import changed_files, diff_against
from nofx_cli.testing import FakeContext
from tests.unit.handlers.codegen.conftest import MakeContext

Git = Callable[..., None]


@pytest.fixture
def checkout(make: MakeContext, git: Git) -> FakeContext:
    """A commit with two files, one of them changed since, and a new one."""
    ctx = make(files={"a.py": "one\n", "b.py": "same\n", ".env": "A=1\n", ".gitignore": "*.log\n", "local_data/x": "x"})
    git("init", "-q", "-b", "main")
    git("add", "-f", "a.py", "b.py", ".env", ".gitignore")
    git("commit", "-qm", "first")
    (ctx.workspace / "a.py").write_text("two\n")
    (ctx.workspace / "new.py").write_text("new\n")
    (ctx.workspace / "x.log").write_text("ignored\n")
    return ctx


def test_a_difference_has_what_changed_and_what_is_new(checkout: FakeContext) -> None:
    text, left_out = diff_against(checkout, "main")
    assert [line for line in text.splitlines() if not line.startswith("index ")] == [
        "diff --git a/a.py b/a.py", "--- a/a.py", "+++ b/a.py", "@@ -1 +1 @@", "-one", "+two",
        "--- /dev/null", "+++ b/new.py", "@@ -0,0 +1 @@", "+new",
    ]  # fmt: skip
    assert left_out == ()
    assert {call.of_nofx for call in checkout.calls} == {True}


def test_files_that_may_hold_secrets_are_not_in_a_difference(checkout: FakeContext) -> None:
    (checkout.workspace / ".env").write_text("A=not-a-real-secret\n")
    (checkout.workspace / "id_rsa").write_text("not-a-real-key\n")
    (checkout.workspace / "picture").write_bytes(b"\0")
    text, left_out = diff_against(checkout, "main")
    assert "not-a-real" not in text
    assert [str(one) for one in left_out] == [
        ".env: by its name it may hold secrets", "id_rsa: by its name it may hold secrets", "picture: it is no text",
    ]  # fmt: skip


def test_a_commit_that_is_not_there_is_told_with_the_words_of_git(checkout: FakeContext) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        diff_against(checkout, "nowhere")
    assert caught.value.code == "diff-failed"
    assert caught.value.message.startswith("git cannot tell what differs: fatal: bad revision 'nowhere'")
    assert "git rev-parse REF" in caught.value.hint


def test_programs_that_the_checkout_names_do_not_run(checkout: FakeContext, git: Git) -> None:
    mark = checkout.folder / "ran"
    program = f"sh -c ': > {mark}; cat'"
    for setting in ("filter.own.clean", "diff.own.textconv", "diff.own.command", "diff.external", "core.fsmonitor"):
        git("config", setting, program)
    (checkout.workspace / ".gitattributes").write_text("*.py filter=own diff=own\n")
    text, _ = diff_against(checkout, "main")
    assert "+two" in text
    assert changed_files(checkout) == (".gitattributes", "a.py", "new.py")
    assert not mark.exists()


def test_changed_files_are_those_that_differ_from_the_last_commit(checkout: FakeContext) -> None:
    assert changed_files(checkout) == ("a.py", "new.py")


def test_without_a_repository_or_a_commit_nothing_is_known_to_have_changed(make: MakeContext, git: Git) -> None:
    ctx = make(files={"a.py": "x"})
    assert changed_files(ctx) == ()
    assert ctx.calls == []
    git("init", "-q")
    assert changed_files(ctx) == ()
