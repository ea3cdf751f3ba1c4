"""A plan from a sentence, as it is shown before it runs: what was understood, what each step does, what it can cost."""

from collections.abc import Iterator, Mapping

from nofx_cli.cli.output import columns, paint, safe
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.plan import Step
from nofx_cli.domain.record import record
from nofx_cli.domain.wording import counted
from nofx_cli.engine.rehearse import Rehearsed
from nofx_cli.wiring.most_cost import MostCost
from nofx_cli.wiring.planner import MadePlan

_RUN = "{{ run.id }}"


@record
class Shown:
    """What is told. `writing` says of each step whether it changes files, `workspace` where the run works."""

    made: MadePlan
    steps: tuple[Rehearsed, ...]
    writing: tuple[bool, ...]
    most: MostCost
    workspace: JsonObject | None = None

    def effects(self) -> Iterator[tuple[Rehearsed, bool, list[str]]]:
        """Each step, whether it writes, and what it does to the world."""
        for step, planned, writes in zip(self.steps, self.made.plan.steps, self.writing, strict=True):
            yield step, writes, list(_effects(step, planned, writes=writes))


def lines(shown: Shown) -> Iterator[str]:
    """For people."""
    yield from meant_lines(shown.made)
    yield f"{paint('plan', 'bold')}, {counted(len(shown.steps), 'step')}:"
    rows = [(f"  {safe(step.step)}", safe(step.tool), safe("; ".join(effects))) for step, _, effects in shown.effects()]
    yield from columns(rows, styles=[("", "dim", "red" if step.denied else "") for step in shown.steps])
    if shown.workspace is not None and any(shown.writing):
        yield f"{paint('where', 'bold')}: {safe(_where(shown.workspace))}"
    yield f"{paint('cost', 'bold')}: {safe(str(shown.most))}"


def meant_lines(made: MadePlan) -> Iterator[str]:
    """What was understood, and by whom."""
    yield f"{paint('understood', 'bold')} by {safe(made.model) or 'rules'}:"
    for meant in made.meant:
        yield f"  {safe(str(meant))}"


def as_json(shown: Shown, *, path: str | None = None) -> dict[str, JsonValue]:
    """The fields that scripts rely on; a test pins them."""
    return {
        "planner": shown.made.planner.value,
        "model": shown.made.model or None,
        "plan": shown.made.text,
        "path": path,
        "digest": shown.made.plan.digest,
        "meant": [{"what": one.what, "value": one.value, "source": one.source.value} for one in shown.made.meant],
        "steps": [
            {
                "step": step.step,
                "tool": step.tool,
                "needs": list(step.needs),
                "approval": step.approval,
                "writes": writes,
                "effects": [*effects],
            }
            for step, writes, effects in shown.effects()
        ],
        "most": {"usd": None if shown.most.usd is None else f"{shown.most.usd.normalize():f}", "why": shown.most.why},
    }


def _where(workspace: JsonObject) -> str:
    if workspace.get("mode") == "worktree":
        return "in a git worktree of its own; your files are left alone"
    return f"in your files, in {workspace.get('path')}"


def _effects(step: Rehearsed, planned: Step, *, writes: bool) -> Iterator[str]:
    """What the step does to the world, in the order in which it matters."""
    told = step.preview if isinstance(step.preview, Mapping) else {}
    if step.denied:
        yield f"denied: {step.denied}"
    if step.tool.startswith("manual:"):
        yield f"asks: {_message(step, planned)}"
    elif step.approval:
        yield "asks a person first"
    if step.tool == "codegen":
        size = told.get("input_bytes")
        yield f"sends {f'{size:,} bytes' if isinstance(size, int) else 'a question'} to {told.get('asks', 'a model')}"
    elif step.tool.startswith("agent:"):
        yield f"starts {step.tool.removeprefix('agent:')}, which may do what its own settings allow"
    elif step.tool == "shell":
        yield f"runs {_command(step, told)}"
    elif step.tool.startswith("gate:"):
        yield "looks, and changes nothing"
        if planned.inputs.get("optional") is True:
            yield "skipped where it does not apply"
    if writes:
        yield "writes files"


def _message(step: Rehearsed, planned: Step) -> str:
    """The question; where it names the run, which is not there yet, it says so."""
    written = str(planned.inputs.get("message", ""))
    if _RUN in written:
        return written.replace(_RUN, "RUN")
    return str(step.inputs.get("message", "")) if isinstance(step.inputs, Mapping) else written


def _command(step: Rehearsed, told: Mapping[str, JsonValue]) -> str:
    inputs = step.inputs if isinstance(step.inputs, Mapping) else {}
    command = inputs.get("command", told.get("argv", ""))
    return " ".join(map(str, command)) if isinstance(command, list | tuple) else str(command)
