"""`workspace:write`: a file in the workspace, and nowhere else."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, StepName, digest_of_bytes
from nofx_cli.domain.outcome import Failed, Succeeded
from nofx_cli.handlers.file_diff import MAX_INPUT_BYTES, MAX_LINES, file_diff
from nofx_cli.handlers.workspace_write import HANDLER
from nofx_cli.testing import FakeContext


def context(folder: Path, **inputs: object) -> FakeContext:
    given: JsonObject = inputs  # type: ignore[assignment] # the tests write JSON
    return FakeContext(folder, given, tool="workspace:write")


def outputs(*, path: str, changed: bool, data: bytes) -> JsonObject:
    return {"path": path, "changed": changed, "digest": digest_of_bytes(data), "bytes": len(data)}


def test_a_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    ctx = context(tmp_path, path="docs/new/a.md", content="Grüße\n", mode="0640")
    assert HANDLER.run(ctx) == Succeeded(outputs(path="docs/new/a.md", changed=True, data="Grüße\n".encode()))
    written = ctx.workspace / "docs/new/a.md"
    assert written.read_text() == "Grüße\n"
    assert written.stat().st_mode & 0o777 == 0o640


def test_doing_it_again_changes_nothing(tmp_path: Path) -> None:
    ctx = context(tmp_path, path="a.md", content="x")
    HANDLER.run(ctx)
    before = (ctx.workspace / "a.md").stat()
    assert HANDLER.run(ctx) == Succeeded(outputs(path="a.md", changed=False, data=b"x"))
    assert (ctx.workspace / "a.md").stat().st_ino == before.st_ino
    assert ctx.logged == ["a.md: written, 1 bytes", "a.md: left as it is, 1 bytes"]


def test_another_mode_alone_is_a_change(tmp_path: Path) -> None:
    ctx = context(tmp_path, path="a.sh", content="x", mode="755")
    (ctx.workspace / "a.sh").write_text("x")
    assert HANDLER.run(ctx) == Succeeded(outputs(path="a.sh", changed=True, data=b"x"))
    assert (ctx.workspace / "a.sh").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("if_exists", "left"),
    [("overwrite", b"new"), ("skip", b"old"), ("fail", b"old")],
    ids=["overwrite", "skip", "fail"],
)
def test_what_happens_to_a_file_with_another_content(tmp_path: Path, if_exists: str, left: bytes) -> None:
    ctx = context(tmp_path, path="a.md", content="new", if_exists=if_exists)
    (ctx.workspace / "a.md").write_bytes(b"old")
    outcome = HANDLER.run(ctx)
    assert (ctx.workspace / "a.md").read_bytes() == left
    if if_exists == "fail":
        assert isinstance(outcome, Failed)
        assert (outcome.error.code, outcome.error.message) == ("file-exists", "a.md exists with another content")
    else:
        assert outcome == Succeeded(outputs(path="a.md", changed=left == b"new", data=left))


def test_fail_is_content_with_the_same_content(tmp_path: Path) -> None:
    ctx = context(tmp_path, path="a.md", content="same", if_exists="fail")
    (ctx.workspace / "a.md").write_text("same")
    assert isinstance(HANDLER.run(ctx), Succeeded)


def test_an_artifact_of_an_earlier_step_is_written_byte_by_byte(tmp_path: Path) -> None:
    ctx = context(tmp_path, path="a.bin", from_artifact={"step": "build", "name": "out.bin"})
    ctx.needed_artifacts = {StepName("build"): {"other": b"", "out.bin": b"\xff\0"}}
    assert HANDLER.run(ctx) == Succeeded(outputs(path="a.bin", changed=True, data=b"\xff\0"))
    assert (ctx.workspace / "a.bin").read_bytes() == b"\xff\0"


def test_a_missing_artifact_is_told_with_what_there_is(tmp_path: Path) -> None:
    ctx = context(tmp_path, path="a", from_artifact={"step": "build", "name": "x"})
    ctx.needed_artifacts = {StepName("build"): {"y": b""}}
    with pytest.raises(errors.NotFound, match="step build has no artifact x") as caught:
        HANDLER.run(ctx)
    assert caught.value.hint == "its artifacts are: y"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../x", "path-escapes"),
        ("/etc/x", "path-absolute"),
        ("out/x", "path-escapes"),
        (".git/hooks/pre-commit", "path-git"),
        ("sub/.git/config", "path-git"),
        ("nofx.yaml", "path-protected"),
        ("NOFX.yaml", "path-protected"),
        ("sub/../nofx_handlers/x.py", "path-protected"),
        ("rules", "path-protected"),
        ("local_data/x", "path-protected"),
        ("sub", "path-not-a-file"),
        (".", "path-not-a-file"),
    ],
)
def test_places_that_are_not_for_a_plan_are_refused(tmp_path: Path, path: str, code: str) -> None:
    ctx = context(tmp_path, path=path, content="x")
    (ctx.workspace / "sub").mkdir()
    (ctx.workspace / "out").symlink_to(tmp_path)
    (ctx.workspace / "rules").symlink_to("nofx.yaml")
    there = sorted(tmp_path.rglob("*"))
    with pytest.raises(errors.InvalidInput) as caught:
        HANDLER.run(ctx)
    assert caught.value.code == code
    with pytest.raises(errors.InvalidInput):
        HANDLER.preview(ctx)
    assert sorted(tmp_path.rglob("*")) == there


def test_the_protected_names_are_only_so_at_the_top(tmp_path: Path) -> None:
    assert isinstance(HANDLER.run(context(tmp_path, path="examples/nofx.yaml", content="x")), Succeeded)


@pytest.mark.parametrize(
    ("inputs", "faults"),
    [
        ({"content": "x"}, ["`path` is missing"]),
        ({"path": "a"}, ["give either `content` or `from_artifact`"]),
        ({"path": "a", "content": "x", "from_artifact": {}}, ["give either `content` or `from_artifact`"]),
        (
            {"path": "a", "from_artifact": {"step": "s"}},
            ["`from_artifact` must have `step` and `name`, and nothing else"],
        ),
        ({"path": "a", "content": "x", "mode": "4755"}, ['`mode` must be written like "0644", in quotes, not 4755']),
        ({"path": "a", "content": "x", "mode": 420}, ["`mode` must be a text, not a whole number"]),
        (
            {"path": "a", "content": "x", "if_exists": "ask"},
            ["`if_exists` must be one of overwrite, fail, skip, not ask"],
        ),
        ({"path": "{{ params.p }}", "content": "", "if_exists": "{{ params.e }}"}, []),
    ],
)
def test_inputs_are_checked(inputs: JsonObject, faults: list[str]) -> None:
    assert HANDLER.check(inputs) == faults


def test_the_preview_is_the_difference_and_writes_nothing(tmp_path: Path) -> None:
    ctx = context(tmp_path, path="a.md", content="one\ntwo", mode="0600")
    (ctx.workspace / "a.md").write_text("one\n2\n")
    assert HANDLER.preview(ctx) == {
        "path": "a.md",
        "change": "replace",
        "digest": digest_of_bytes(b"one\ntwo"),
        "bytes": 7,
        "mode": "0600",
        "replaces": digest_of_bytes(b"one\n2\n"),
        "diff": "--- a/a.md\n+++ b/a.md\n@@ -1,2 +1,2 @@\n one\n-2\n+two\n\\ No newline at end of file\n",
    }
    assert (ctx.workspace / "a.md").read_text() == "one\n2\n"


@pytest.mark.parametrize(("there", "kind"), [(None, "create"), ("x", "none"), ("y", "skip")])
def test_the_preview_tells_what_kind_of_change_it_is(tmp_path: Path, there: str | None, kind: str) -> None:
    ctx = context(tmp_path, path="a", content="x", if_exists="skip")
    if there is not None:
        (ctx.workspace / "a").write_text(there)
    shown = HANDLER.preview(ctx)
    assert shown["change"] == kind
    assert ("diff" in shown) == (kind == "create")


def test_a_difference_is_bounded_and_only_of_texts() -> None:
    assert file_diff("a", None, b"\xff") == "no text: 0 bytes before, 1 after"
    huge = b"x" * (MAX_INPUT_BYTES + 1)
    assert file_diff("a", b"", huge) == f"too large to compare: 0 bytes before, {len(huge)} after"
    lines = file_diff("a", None, b"x\n" * (MAX_LINES + 10)).splitlines()
    assert (len(lines), lines[-1]) == (MAX_LINES + 1, "… 13 more lines")


def test_it_changes_the_workspace_and_may_run_again() -> None:
    assert HANDLER.writes
    assert HANDLER.rerun_safe
    assert HANDLER.match("workspace:write")
    assert not HANDLER.match("workspace:read")
