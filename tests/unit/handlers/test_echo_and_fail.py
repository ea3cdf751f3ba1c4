"""`test:echo` and `test:fail`."""

from pathlib import Path

from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import Failed, StepError, Succeeded
from nofx_cli.handlers.test_tools import ECHO, FAIL
from nofx_cli.testing import FakeContext


def test_echo_gives_its_inputs_back_and_starts_no_process(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path, {"a": [1, {"b": None}]})
    assert ECHO.run(ctx) == Succeeded({"a": [1, {"b": None}]})
    assert (ctx.calls, ctx.logged) == ([], [])


def test_fail_fails_as_it_is_told(tmp_path: Path) -> None:
    inputs: JsonObject = {"message": "no", "code": "my-code", "retryable": False}
    assert FAIL.run(FakeContext(tmp_path, inputs)) == Failed(StepError("my-code", "no"), retryable=False)
    assert FAIL.run(FakeContext(tmp_path)) == Failed(StepError("test-fail", "failed as asked"), retryable=True)


def test_fail_times_counts_attempts(tmp_path: Path) -> None:
    outcomes = [FAIL.run(FakeContext(tmp_path, {"fail_times": 2}, attempt=attempt)) for attempt in (1, 2, 3)]
    assert [type(outcome) for outcome in outcomes] == [Failed, Failed, Succeeded]


def test_fail_checks_its_inputs() -> None:
    assert FAIL.check({"fail_times": "2"}) == ["`fail_times` must be a whole number, not a text"]
    assert FAIL.check({"times": 2}) == [
        "`times` is not an input of this tool; did you mean `fail_times`?",
    ]


def test_both_may_run_again() -> None:
    assert ECHO.rerun_safe
    assert FAIL.rerun_safe
    assert (ECHO.match("test:echo"), ECHO.match("test:fail"), FAIL.match("test:fail")) == (True, False, True)
