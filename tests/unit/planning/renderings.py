"""A plan and the state of its run, for tests of templates."""

from typing import Any

from nofx_cli.domain.ids import StepName
from nofx_cli.domain.plan import Step
from nofx_cli.domain.state import RunState
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.planning.load import load_plan
from nofx_cli.planning.templates import PlanRenderer
from tests.unit.planning.fake_handlers import FakeHandlers


class Bench:
    """Renders the last step of a plan, after steps before it have ended."""

    def __init__(self, text: str, **params: Any) -> None:
        self.plan = load_plan(text, source="x.yaml", handlers=FakeHandlers())
        self.state = RunState(self.plan)
        self.renderer = PlanRenderer(params=params, env=lambda _step: {"USER": "ada"}, run_id="r1", goal="a goal")

    def ended(self, name: str, status: StepStatus = StepStatus.SUCCEEDED, **outputs: Any) -> "Bench":
        step = self.state.steps[StepName(name)]
        step.outputs = outputs
        self.state.set_status(step, status)
        return self

    @property
    def step(self) -> Step:
        return self.plan.steps[-1]

    def inputs(self) -> Any:
        return self.renderer.inputs(self.step, self.state)

    def env(self) -> dict[str, str]:
        return self.renderer.env(self.step, self.state)

    def holds(self) -> bool:
        return self.renderer.holds(self.step.when, self.state, self.step.name)


def rendered(template: str, **params: Any) -> Any:
    """What `template`, written as a YAML value, becomes as an input `x` of a `test:echo` step."""
    return Bench(
        f"{_declared(params)}steps: [{{name: a, tool: 'test:echo', inputs: {{x: {template}}}}}]", **params
    ).inputs()["x"]


def command(template: str, **params: Any) -> Any:
    """What the command of a `shell` step becomes, written as a YAML value or as several lines."""
    if "\n" in template:
        template = "|\n" + "".join(f"        {line}\n" for line in template.split("\n"))
    text = f"{_declared(params)}steps:\n  - name: a\n    tool: shell\n    inputs:\n      command: {template}\n"
    return Bench(text, **params).inputs()["command"]


def _declared(params: dict[str, Any]) -> str:
    return f"params: {{{', '.join(f'{name}: {{}}' for name in params)}}}\n" if params else ""
