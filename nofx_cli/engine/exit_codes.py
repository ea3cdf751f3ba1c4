"""The exit code that a run's state stands for."""

from nofx_cli.domain.state import RunState, RunStatus
from nofx_cli.errors import ExitCode

_BY_ERROR = {
    "rejected": ExitCode.DENIED,
    "policy-denied": ExitCode.DENIED,
    "sql-denied": ExitCode.DENIED,
    "budget-exhausted": ExitCode.BUDGET_EXHAUSTED,
}


def exit_code_of(state: RunState) -> ExitCode:
    """0 for a success, 8 while a person is waited for, 6 or 7 where a denial or a budget failed the run, else 1."""
    if state.status is RunStatus.SUCCEEDED:
        return ExitCode.SUCCEEDED
    if state.status is RunStatus.WAITING:
        return ExitCode.WAITING
    if state.status is RunStatus.FAILED and state.failure is not None:
        return _BY_ERROR.get(state.failure.error.code, ExitCode.RUN_FAILED)
    return ExitCode.RUN_FAILED
