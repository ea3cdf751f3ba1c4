"""The context for testing handlers is a `StepContext`, and keeps what a handler does."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import StepName, digest_of_bytes
from nofx_cli.ports.handler import StepCancelled, StepContext
from nofx_cli.ports.processes import ProcessResult
from nofx_cli.testing import FakeContext, ProcessCall, process_result


def test_it_is_a_context_with_folders_of_its_own(tmp_path: Path) -> None:
    ctx: StepContext = FakeContext(tmp_path, {"x": 1})
    assert ctx.workspace.is_dir()
    assert ctx.scratch.is_dir()
    assert ctx.idempotency_key == "20260101-000000-aaaaaa:step:5041bf1f713d"


def test_it_keeps_logs_and_artifacts(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path)
    ctx.log("one\ntwo")
    (tmp_path / "file").write_bytes(b"c")
    kept = [ctx.put_artifact(name, data) for name, data in (("a", b"a"), ("b", "b"), ("sub/c", tmp_path / "file"))]
    assert ctx.logged == ["one", "two"]
    assert ctx.artifacts == {"a": b"a", "b": b"b", "sub/c": b"c"}
    assert [artifact.digest for artifact in kept] == [digest_of_bytes(data) for data in (b"a", b"b", b"c")]
    assert ctx.read_artifact(kept[2]) == b"c"


@pytest.mark.parametrize("name", ["", "/x", "../x", "a/../../x"])
def test_it_refuses_the_names_that_a_run_refuses(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.InvalidInput, match="is not a name for an artifact"):
        FakeContext(tmp_path).put_artifact(name, b"")


def test_artifacts_of_other_steps_can_be_read(tmp_path: Path) -> None:
    build = StepName("build")
    ctx = FakeContext(tmp_path, needed_artifacts={build: {"x": b"theirs"}})
    ctx.put_artifact("x", b"mine")
    (artifact,) = ctx.artifacts_of(build)
    assert ctx.read_artifact(artifact) == b"theirs"
    assert ctx.artifacts_of(StepName("other")) == ()


def test_processes_are_answered_in_order_and_recorded(tmp_path: Path) -> None:
    missing = errors.NotFound("no such program")
    ctx = FakeContext(tmp_path, processes=[process_result(3, last_line="x"), missing])
    assert ctx.process(["a", "b"], cwd="sub", env={"A": "1"}, capture_limit=5).exit_code == 3
    with pytest.raises(errors.NotFound):
        ctx.process(["c"])
    with pytest.raises(AssertionError, match="no result is scripted for process 3: d"):
        ctx.process(["d"])
    assert ctx.calls[0] == ProcessCall(("a", "b"), ctx.workspace / "sub", {"A": "1"}, None, 5)


def test_processes_can_be_a_function(tmp_path: Path) -> None:
    def run(call: ProcessCall) -> ProcessResult:
        return process_result(stdout=" ".join(call.argv))

    assert FakeContext(tmp_path, processes=run).process(["a", "b"]).stdout == "a b"


def test_it_can_ask_the_handler_to_stop(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path, stop="timeout")
    for ask in (ctx.check_cancelled, lambda: ctx.process(["x"])):
        with pytest.raises(StepCancelled) as caught:
            ask()
        assert caught.value.reason == "timeout"
    assert ctx.calls == []
