"""The options that make a plan of a sentence, declared once for `nofx run --prompt` and `nofx plan new`."""

import inspect
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Annotated, Any

import typer

from nofx_cli import errors
from nofx_cli.domain.record import record

AUTO = "auto"


class PlannerName(StrEnum):
    """What can be typed after `--planner`."""

    RULES = "rules"
    MODEL = "model"
    AUTO = "auto"


@record
class PromptOptions:
    """What was typed; see `planning.prompt_wish.PromptFlags`. None and empty: not typed."""

    files: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    approval: bool | None = None
    pr: bool | None = None
    agent: str = ""
    model: str = ""
    budget: str = ""
    planner: str = AUTO

    def refuse_without_prompt(self) -> None:
        """Raise `errors.UsageError` where one was typed although there is no sentence."""
        typed = {
            "--file": self.files,
            "--gate": self.gates,
            "--approval": self.approval is not None,
            "--pr": self.pr is not None,
            "--agent": self.agent,
            "--model": self.model,
            "--budget": self.budget,
            "--planner": self.planner != AUTO,
        }
        name = next((name for name, value in typed.items() if value), "")
        if name:
            raise errors.UsageError(
                f"{name} goes with --prompt: a plan that is written says it itself",
                hint="change the plan, or give a sentence: nofx run --prompt TEXT",
            )


def takes_prompt_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options; it gets them as one argument `prompted`."""
    own, shared = inspect.signature(command).parameters, inspect.signature(_options).parameters
    kept = [parameter for name, parameter in own.items() if name != "prompted"]
    added = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in shared.values()]

    @wraps(command)
    def called(**given: Any) -> None:
        prompted = _options(**{name: given.pop(name) for name in shared})
        command(**given, prompted=prompted)

    parameters = [*(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in kept), *added]
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer asks for
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called


def _options(
    *,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", help="Of a sentence: a file or folder that it is about.", metavar="PATH"),
    ] = None,
    gate: Annotated[
        list[str] | None,
        typer.Option(
            "--gate", help="Of a sentence: a gate by name; `quality` for all, `none` for none.", metavar="NAME"
        ),
    ] = None,
    approval: Annotated[
        bool | None, typer.Option("--approval/--no-approval", help="Of a sentence: whether a person is asked.")
    ] = None,
    pr: Annotated[
        bool | None,
        typer.Option("--pr/--no-pr", help="Of a sentence: whether a person is to open a pull request."),
    ] = None,
    agent: Annotated[str, typer.Option(help="Of a sentence: the coding agent that writes.", metavar="NAME")] = "",
    model: Annotated[
        str, typer.Option(help="Of a sentence: the model that writes, `<provider>/<model>`.", metavar="MODEL")
    ] = "",
    budget: Annotated[
        str, typer.Option(help="Of a sentence: what the run may cost, in US dollars.", metavar="USD")
    ] = "",
    planner: Annotated[
        PlannerName,
        typer.Option(
            help="Who plans: `rules`, `model`, or `auto`, a model where nofx.yaml has a route `reasoning`.",
            metavar="PLANNER",
        ),
    ] = PlannerName.AUTO,
) -> PromptOptions:
    return PromptOptions(tuple(file or ()), tuple(gate or ()), approval, pr, agent, model, budget, planner.value)
