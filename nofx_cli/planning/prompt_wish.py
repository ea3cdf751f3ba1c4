"""What a sentence and its flags ask for. Only data; `prompt_rules` reads it out of them."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from nofx_cli.domain.record import record

QUALITY = ("format", "lint", "typecheck", "unit", "coverage", "sast", "secrets")
"""All gates that need no network: those of the plan `quality`."""
NOT_OPTIONAL = ("unit", "secrets")
"""Those of them that a plan never goes on without."""


class Mode(StrEnum):
    """What is to be done."""

    WRITE = "write"
    """Files are changed, and gates look at what came of it."""
    CHECK = "check"
    """Nothing is changed: gates alone."""
    ANSWER = "answer"
    """Nothing is changed: an answer in words is kept."""


class Source(StrEnum):
    """Where something comes from."""

    SAID = "said"
    FLAG = "flag"
    DEFAULT = "default"
    MODEL = "model"


class When(StrEnum):
    """When a person is asked."""

    NEVER = "never"
    BEFORE = "before"
    """Before anything is written."""
    AFTER = "after"
    """When the gates have passed."""


@record
class Target:
    """A file or a folder (its name ends in `/`), or a glob; `there` tells whether it exists."""

    path: str
    there: bool = True


@record
class PromptFlags:
    """What was typed beside the sentence; it wins over the words. None and empty: not typed.

    Attributes:
        gates: names or other words for gates; `none` for no gate at all.
        budget: US dollars, as text.
    """

    files: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    approval: bool | None = None
    pr: bool | None = None
    agent: str = ""
    model: str = ""
    budget: str = ""


@record
class Wish:
    """What is asked for.

    Attributes:
        approver: who is to be asked, where the sentence names somebody.
        omitted: gates that the sentence does not want.
        optional: gates that may be skipped where they do not apply, since nobody named them.
        refused: what looks like a path and cannot be one of this project, with the reason.
        sources: where each of the other values comes from, by its name.
    """

    sentence: str
    mode: Mode
    files: tuple[Target, ...] = ()
    gates: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    approval: When = When.NEVER
    approver: str = ""
    pr: bool = False
    agent: str = ""
    model: str = ""
    budget: str = ""
    refused: tuple[str, ...] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)


@record
class Meant:
    """One thing that was understood: what, its value, and where it comes from."""

    what: str
    value: str
    source: Source

    def __str__(self) -> str:
        return f"{self.what}: {self.value} ({self.source})"


def meant_by(wish: Wish) -> list[Meant]:
    """What was understood, one line each, in the order in which the plan will do it."""
    told: list[Meant] = []

    def tell(what: str, name: str, value: str) -> None:
        told.append(Meant(what, value, wish.sources.get(name, Source.DEFAULT)))

    tell("what", "mode", _MODES[wish.mode])
    for target in wish.files:
        tell("file", "files", target.path if target.there else f"{target.path}, which is not there yet")
    if wish.agent:
        tell("agent", "agent", wish.agent)
    if wish.model:
        tell("model", "model", wish.model)
    if wish.gates or wish.mode is Mode.WRITE:
        tell("gates", "gates", ", ".join(wish.gates) or "none")
    if wish.omitted:
        tell("left out", "omitted", ", ".join(wish.omitted))
    tell("approval", "approval", _approval(wish))
    if wish.pr or "pr" in wish.sources:
        tell("pull request", "pr", "opened by a person, in the last step" if wish.pr else "no")
    if wish.budget:
        tell("budget", "budget", f"{wish.budget} USD")
    told += [Meant("not taken", why, Source.SAID) for why in wish.refused]
    return told


_MODES = {
    Mode.WRITE: "files are written, then gates look at them",
    Mode.CHECK: "gates look; nothing is written",
    Mode.ANSWER: "an answer in words; nothing is written",
}


def _approval(wish: Wish) -> str:
    if wish.approval is When.NEVER:
        return "no"
    by = f", by {wish.approver}" if wish.approver else ""
    return ("yes, before anything is written" if wish.approval is When.BEFORE else "yes") + by
