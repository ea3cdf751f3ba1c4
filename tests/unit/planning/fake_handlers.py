"""Handlers for tests of plans: a few tools, one that checks its inputs, one plugin that is broken."""

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.ports.handler import StepContext, StepHandler


class FakeHandler:
    def match(self, tool: str) -> bool:
        return True

    def run(self, ctx: StepContext) -> Outcome:
        return Succeeded()


class CheckingHandler(FakeHandler):
    """Takes `paths`, a list."""

    def check(self, inputs: JsonObject) -> list[str]:
        faults = [f"`{name}` is no input of this tool" for name in inputs if name != "paths"]
        if not isinstance(inputs.get("paths", []), list):
            faults.append("`paths` takes a list")
        return faults


class FaultyHandler(FakeHandler):
    def check(self, inputs: JsonObject) -> list[str]:
        raise KeyError("paths")


class FakeHandlers:
    """`ports.handler.Handlers`. `asked` are the tools that were looked up, in order."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find(self, tool: str) -> StepHandler | None:
        self.asked.append(tool)
        if tool == "broken":
            raise errors.InvalidInput("nofx_handlers/broken.py:\nNameError", hint="mend nofx_handlers/broken.py")
        if tool == "faulty":
            return FaultyHandler()
        if tool == "gate:lint":
            return CheckingHandler()
        known = tool in ("shell", "test:echo") or tool.startswith("manual:")
        return FakeHandler() if known else None

    def patterns(self) -> tuple[str, ...]:
        return ("shell", "manual:*", "gate:lint", "test:echo")
