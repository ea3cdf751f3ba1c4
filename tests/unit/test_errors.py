"""Errors are data, in one tree with one table of exit codes."""

import pytest

from nofx_cli import errors
from nofx_cli.errors import ExitCode

DESIGNED = {
    0: "SUCCEEDED", 1: "RUN_FAILED", 2: "USAGE", 3: "INVALID", 4: "NOT_FOUND", 5: "CONFLICT", 6: "DENIED",
    7: "BUDGET_EXHAUSTED", 8: "WAITING", 69: "UNAVAILABLE", 70: "FAULT", 130: "INTERRUPTED", 143: "TERMINATED",
}  # fmt: skip


def test_the_exit_codes_are_those_of_the_design() -> None:
    assert {code.value: code.name for code in ExitCode} == DESIGNED
    assert all(code.meaning for code in ExitCode)
    assert len({code.meaning for code in ExitCode}) == len(ExitCode)


def test_an_exit_code_is_a_number_for_the_operating_system() -> None:
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(ExitCode.WAITING)
    assert ended.value.code == 8


@pytest.mark.parametrize(
    ("kind", "exit_code", "code"),
    [
        (errors.UsageError, 2, "usage"),
        (errors.InvalidInput, 3, "invalid"),
        (errors.NotFound, 4, "not-found"),
        (errors.Conflict, 5, "conflict"),
        (errors.Denied, 6, "denied"),
        (errors.NeedsPerson, 8, "needs-person"),
        (errors.StoreFailure, 69, "store-failure"),
        (errors.InternalFault, 70, "fault"),
    ],
)
def test_each_kind_of_error_has_its_exit_code(kind: type[errors.NofxError], exit_code: int, code: str) -> None:
    error = kind("what failed")
    assert (error.exit_code, error.code, error.message, str(error)) == (exit_code, code, "what failed", "what failed")
    assert isinstance(error, errors.NofxError)


def test_every_kind_of_error_stands_in_the_drawing_at_the_top_of_the_module() -> None:
    assert errors.__doc__ is not None
    for kind in errors.NofxError.__subclasses__():
        if kind.__module__ == errors.__name__:
            [line] = [line for line in errors.__doc__.splitlines() if f"─ {kind.__name__} " in line]
            assert f" {int(kind.exit_code)} " in line


def test_an_error_carries_what_a_program_needs_and_keeps_it() -> None:
    context = {"run": "r"}
    error = errors.Conflict("held", code="run-is-held", hint="nofx cancel r", context=context)
    context["run"] = "changed"
    assert (error.code, error.hint, error.context) == ("run-is-held", "nofx cancel r", {"run": "r"})
