"""The steps that a wish comes to, before they are written as YAML. Only data and order."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from nofx_cli.domain.plan import GATE
from nofx_cli.domain.record import record
from nofx_cli.planning.prompt_wish import Mode, Target, When, Wish

AGENT, CODEGEN, MANUAL = "agent:", "codegen", "manual:"
WRITER = "write"
"""The name of the step that writes."""
TASK = "{{ params.task }}"
"""A template that gives the sentence as it is: values are never read as templates."""
_REPAIRED = ("format", "lint", "typecheck", "unit", "build")
"""Gates whose findings whoever wrote can mend by writing again."""
_EXAMINES_PATHS = ("format", "lint", "typecheck", "sast", "secrets")
_APPLY = "nofx apply {{ run.id }}"
_GATES_WHY = "Gates pass on what they found, not on what somebody says."


@record
class DraftStep:
    """A step to be written.

    Attributes:
        text: the prompt of one that writes or answers, the message of one that asks.
        in_task: whether the prompt begins with the whole sentence, and the text says what part of it the step is.
        filled: whether the text is a template of nofx's own; else it is kept as it is, whatever it looks like.
        why: a comment that stands above it.
        repairs: the step that a gate's findings go back to.
    """

    name: str
    tool: str
    text: str = ""
    filled: bool = False
    in_task: bool = False
    files: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    why: str = ""
    model: str = ""
    apply: bool = True
    optional: bool = False
    approval: bool = False
    repairs: str = ""


@record
class Draft:
    """A plan to be written. `task` is the sentence; `by` says what made the steps of it."""

    task: str
    steps: tuple[DraftStep, ...]
    by: str
    budget: str = ""


def draft_of(wish: Wish) -> Draft:
    """The steps of a wish, each of which needs the one before it.

    Who writes comes first, then the gates in the order of how fast they fail, then who is asked.
    """
    steps = [*_working(wish), *_gates(wish), *_asking(wish)]
    return Draft(wish.sentence, tuple(steps), "rules", wish.budget)


def asking_step(approver: str = "", *, written: bool = True) -> DraftStep:
    """A person says whether what was done may stand."""
    to = f"For {approver}: m" if approver else "M"
    shown = (
        "nofx diff {{ run.id }} shows what was changed." if written else "nofx show {{ run.id }} tells what was found."
    )
    return DraftStep(
        "approve", f"{MANUAL}approve", f"{to}ay this stand? {shown}", filled=True, why="A person is asked."
    )


def pull_request_step(*, written: bool = True) -> DraftStep:
    """A person opens the pull request, and says so."""
    bring = f"{_APPLY} puts the change into your files; commit it on a branch, " if written else ""
    text = f"Open the pull request, then approve this: {bring}push it, and open one from there."
    why = "nofx does not open pull requests by itself yet, so a person does it and says so."
    return DraftStep("pull_request", f"{MANUAL}pull-request", text, filled=True, why=why)


def gate_steps(
    names: Sequence[str], *, paths: Sequence[str] = (), optional: Sequence[str] = (), repairs: str = ""
) -> Iterator[DraftStep]:
    """Gates, in the order given.

    Args:
        paths: what those examine that can be told so.
        repairs: the step that can mend what they find.
    """
    for name in names:
        yield DraftStep(
            name=_step_name(name),
            tool=f"{GATE}{name}",
            files=_examined(name, paths),
            optional=name in optional,
            repairs=repairs if name in _REPAIRED else "",
        )


def with_unique_names(steps: Sequence[DraftStep]) -> tuple[DraftStep, ...]:
    """The steps, each with a name that a plan may have and no other step has, in any case of letters."""
    taken: set[str] = set()
    named = []
    for step in steps:
        name = base = _step_name(step.name) or "step"
        number = 2
        while name.lower() in taken:
            name, number = f"{base[:60]}_{number}", number + 1
        taken.add(name.lower())
        named.append(replace(step, name=name))
    return tuple(named)


def glob_of(target: Target) -> str:
    """What names exactly this file, or all that lies in this folder."""
    if "*" in target.path and not target.path.endswith("/"):
        return target.path
    escaped = "".join(f"[{char}]" if char in "[?*" else char for char in target.path)
    return f"{escaped}**" if escaped.endswith("/") else escaped


def is_writer(step: DraftStep) -> bool:
    """Whether it changes files by what a model or an agent says."""
    return step.tool.startswith(AGENT) or (step.tool == CODEGEN and step.apply)


def _working(wish: Wish) -> Iterator[DraftStep]:
    if wish.mode is Mode.CHECK:
        return
    answer = wish.mode is Mode.ANSWER
    tool = f"{AGENT}{wish.agent}" if wish.agent else CODEGEN
    why = "An answer in words; nothing is written." if answer else "Here files are written."
    yield DraftStep(
        name="answer" if answer else WRITER,
        tool=tool,
        text=TASK,
        filled=True,
        files=() if wish.agent else tuple(glob_of(target) for target in wish.files if target.there),
        why=why,
        model=wish.model,
        apply=not answer,
        approval=wish.approval is When.BEFORE,
    )


def _gates(wish: Wish) -> list[DraftStep]:
    checks = wish.mode is Mode.CHECK
    paths = [target.path.rstrip("/") for target in wish.files if target.there and "*" not in target.path]
    repairs = WRITER if wish.mode is Mode.WRITE else ""
    steps = gate_steps(wish.gates, paths=paths if checks else (), optional=wish.optional, repairs=repairs)
    return [replace(step, why="" if place else _GATES_WHY) for place, step in enumerate(steps)]


def _asking(wish: Wish) -> Iterator[DraftStep]:
    written = wish.mode is Mode.WRITE
    if wish.approval is When.AFTER or (wish.approval is When.BEFORE and wish.mode is Mode.CHECK):
        yield asking_step(wish.approver, written=written)
    if wish.pr:
        yield pull_request_step(written=written)


def _examined(gate: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Those paths that a gate can look at: tests for the one that runs tests."""
    if gate == "unit":
        return tuple(path for path in paths if "test" in path.lower())
    return tuple(paths) if gate in _EXAMINES_PATHS else ()


def _step_name(text: str) -> str:
    name = "".join(char if char.isascii() and (char.isalnum() or char in "_-") else "_" for char in text).strip("_")
    return (f"_{name}" if name[:1].isdigit() or name[:1] == "-" else name)[:64]
