"""`manual:*`: a person decides, and who it was becomes the outputs."""

from pathlib import Path

from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import Failed, Succeeded
from nofx_cli.handlers.manual import HANDLER
from nofx_cli.ports.handler import Granted
from nofx_cli.testing import FakeContext


def test_the_outputs_tell_who_approved_when_and_why(tmp_path: Path) -> None:
    granted = Granted("ada", "2026-01-01T00:00:00.000000Z", "looks right", "d1")
    ctx = FakeContext(tmp_path, tool="manual:deploy", approval=granted)
    assert HANDLER.run(ctx) == Succeeded({"approved_by": "ada", "approved_at": granted.at, "note": "looks right"})


def test_without_an_approval_it_fails(tmp_path: Path) -> None:
    outcome = HANDLER.run(FakeContext(tmp_path, tool="manual:deploy"))
    assert isinstance(outcome, Failed)
    assert (outcome.error.code, outcome.error.message) == (
        "approval-missing",
        "`manual:deploy` runs only under an approval",
    )


def test_the_preview_is_the_question_and_what_to_look_at(tmp_path: Path) -> None:
    inputs: JsonObject = {"message": "Deploy?", "show": {"commit": "abc"}}
    assert HANDLER.preview(FakeContext(tmp_path, inputs)) == inputs
    assert HANDLER.preview(FakeContext(tmp_path)) == {}


def test_it_asks_first_and_may_run_again() -> None:
    assert HANDLER.needs_approval
    assert HANDLER.rerun_safe
    assert [HANDLER.match(tool) for tool in ("manual:deploy", "manual:", "manual", "shell")] == [
        True,
        False,
        False,
        False,
    ]


def test_inputs_are_checked() -> None:
    assert HANDLER.check({"message": "x", "show": {}}) == []
    assert HANDLER.check({"show": "x"}) == ["`show` must be a mapping, not a text"]
