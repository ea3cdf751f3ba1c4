"""Templates of a plan, as the engine sees them."""

from typing import Protocol

from nofx_cli.domain.ids import JsonObject, StepName
from nofx_cli.domain.plan import Step
from nofx_cli.domain.state import RunState


class RenderFailed(ValueError):
    """A template cannot be rendered; the text names the place (`inputs.command`), the expression and the reason."""


class Renderer(Protocol):
    """Fills in a step's templates from the state of its run."""

    def inputs(self, step: Step, state: RunState) -> JsonObject:
        """The step's inputs with every template rendered.

        Raises:
            RenderFailed: an undefined name, a forbidden operation, a value spliced unquoted into a command.
        """
        ...

    def env(self, step: Step, state: RunState) -> dict[str, str]:
        """The plan's `env` overlaid with the step's, rendered. Raises `RenderFailed`."""
        ...

    def holds(self, expression: str, state: RunState, step: StepName) -> bool:
        """Judge an expression of `when`. Raises `RenderFailed`."""
        ...
