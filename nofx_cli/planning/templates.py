"""Templates of a plan, filled in from the state of its run.

Texts in `inputs` and values of `env` are Jinja templates, `when` is an expression. They see

    params.<name>                    the parameters
    steps.<name>.outputs.<key>       what a step gave; `steps['a-b']` where the name has a `-`
    steps.<name>.status              how it ended
    run.id, run.goal
    env.<NAME>                       environment variables that the policy allows the step

A text that is one single expression, such as `"{{ params.count }}"`, gives the value itself, with its type; any other
gives text. The command of a `shell` step is always text, and every value in it is quoted, as `| sh` does, whether
that is written or not; so is the text after `-c` in a command that is a list and starts a shell.

Jinja is imported when the first text with `{{` or `{%` is met.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nofx_cli.domain.ids import JsonObject, JsonValue, StepName
from nofx_cli.domain.plan import Step
from nofx_cli.domain.state import RunState
from nofx_cli.ports.rendering import RenderFailed

if TYPE_CHECKING:
    from nofx_cli.planning.filling import Filling

_SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "ash"))
_COMMAND_OPTION = re.compile(r"-[A-Za-z]*c")


class PlanRenderer:
    """The `ports.rendering.Renderer` of one run. `env` gives the environment variables that templates of a step see."""

    def __init__(self, *, params: JsonObject, env: Callable[[Step], Mapping[str, str]], run_id: str, goal: str) -> None:
        self._params = params
        self._env = env
        self._run = {"id": run_id, "goal": goal}
        self._filling: Filling | None = None

    def inputs(self, step: Step, state: RunState) -> JsonObject:
        if not step.inputs or not _has_template(step.inputs):
            return step.inputs
        rendering = _Rendering(self._compiled(), self._names(step, state), step.tool == "shell")
        return {name: rendering.value(value, f"inputs.{name}") for name, value in step.inputs.items()}

    def env(self, step: Step, state: RunState) -> dict[str, str]:
        merged = {**state.plan.env, **step.env}
        if not any(map(is_template, merged.values())):
            return merged
        rendering = _Rendering(self._compiled(), self._names(step, state), shell=False)
        return {name: rendering.text(value, f"env.{name}") for name, value in merged.items()}

    def holds(self, expression: str, state: RunState, step: StepName) -> bool:
        return self._compiled().holds(expression, self._names(state.plan.step(step), state))

    def _compiled(self) -> "Filling":
        if self._filling is None:
            from nofx_cli.planning.filling import Filling

            self._filling = Filling()
        return self._filling

    def _names(self, step: Step, state: RunState) -> dict[str, Any]:
        from nofx_cli.planning.sandbox import Scope

        return {
            "params": Scope("params", self._params),
            "steps": Scope("steps", _Steps(state)),
            "run": Scope("run", self._run),
            "env": Scope("env", self._env(step), "it is not set, or the policy does not allow it"),
        }


class _Steps(Mapping[str, Any]):
    """The steps of a run as templates see them, each made when it is asked for."""

    def __init__(self, state: RunState) -> None:
        self._state = state

    def __getitem__(self, name: str) -> Any:
        from nofx_cli.planning.sandbox import Scope

        step = self._state.steps[StepName(name)]
        label = f"steps.{name}" if name.isidentifier() else f"steps['{name}']"
        note = "" if step.outputs else f"step {name} is {step.status.value} and has no outputs"
        outputs = Scope(f"{label}.outputs", step.outputs, note)
        return Scope(label, {"status": step.status.value, "outputs": outputs})

    def __iter__(self) -> Iterator[str]:
        return iter(self._state.steps)

    def __len__(self) -> int:
        return len(self._state.steps)


class _Rendering:
    """Fills in the values of one step; a failure names the place."""

    def __init__(self, filling: "Filling", names: Mapping[str, Any], shell: bool) -> None:
        self._filling = filling
        self._names = names
        self._shell = shell

    def value(self, value: JsonValue, place: str) -> JsonValue:
        if self._shell and place == "inputs.command":
            return self._command(value, place)
        if isinstance(value, str):
            return self._filled(value, place, self._filling.value) if is_template(value) else value
        if isinstance(value, Mapping):
            return {name: self.value(item, f"{place}.{name}") for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item, f"{place}[{number}]") for number, item in enumerate(value)]
        return value

    def text(self, value: str, place: str) -> str:
        return self._filled(value, place, self._filling.text) if is_template(value) else value

    def _command(self, value: JsonValue, place: str) -> JsonValue:
        if isinstance(value, str):
            return self._filled(value, place, self._filling.command) if is_template(value) else value
        if not isinstance(value, list | tuple):
            return value
        words = [self.text(item, f"{place}[{n}]") if isinstance(item, str) else item for n, item in enumerate(value)]
        script = script_place(words)
        if script is not None:
            words[script] = self._command(value[script], f"{place}[{script}]")
        return words

    def _filled(self, text: str, place: str, fill: Any) -> Any:
        try:
            return fill(text, self._names)
        except RenderFailed as exc:
            raise RenderFailed(f"{place}: {exc}") from exc


def is_template(text: str) -> bool:
    """Whether there is something to fill in."""
    return "{{" in text or "{%" in text


def script_place(command: Sequence[JsonValue]) -> int | None:
    """Which word of a command is text for a shell: the one after `-c` of `sh` and its kin; None where there is none."""
    shell_seen = False
    for place, word in enumerate(command[:-1]):
        if shell_seen and _COMMAND_OPTION.fullmatch(str(word)):
            return place + 1
        shell_seen = shell_seen or str(word).rpartition("/")[2] in _SHELLS
    return None


def _has_template(value: JsonValue) -> bool:
    if isinstance(value, str):
        return is_template(value)
    if isinstance(value, Mapping):
        return any(map(_has_template, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_template, value))
