"""Whether a step writes is said by its handler: for all of its steps, or by their inputs."""

from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.handlers.manual import HANDLER as MANUAL
from nofx_cli.handlers.workspace_write import HANDLER as WORKSPACE_WRITE
from nofx_cli.ports.handler import StepContext, handler_writes


class Sometimes:
    writes = True

    def match(self, tool: str) -> bool:
        return tool == "sometimes"

    def run(self, ctx: StepContext) -> Outcome:
        return Succeeded()

    def writes_with(self, inputs: JsonObject) -> bool:
        return "apply" in inputs


def test_a_handler_says_it_for_all_of_its_steps() -> None:
    assert handler_writes(WORKSPACE_WRITE, {})
    assert not handler_writes(MANUAL, {})


def test_what_it_says_of_the_inputs_counts_more() -> None:
    assert handler_writes(Sometimes(), {"apply": True})
    assert not handler_writes(Sometimes(), {})
