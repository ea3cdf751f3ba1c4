"""Failures that more than one built-in tool reports."""

from collections.abc import Sequence

from nofx_cli.domain.outcome import Failed, StepError
from nofx_cli.ports.handler import StepContext


def invalid_inputs(faults: Sequence[str]) -> Failed:
    """The failure of a step whose rendered inputs the tool cannot take."""
    return Failed(StepError("inputs-invalid", "; ".join(faults), "correct the step's `inputs`"))


def see_log(ctx: StepContext) -> str:
    """The command that shows what the step's processes said."""
    return f"nofx logs {ctx.run_id} {ctx.step}"
