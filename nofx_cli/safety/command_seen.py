"""What is seen in a command: what else it runs, and what kind of rule it needs itself."""

from enum import Enum
from typing import TypeAlias

from nofx_cli.domain.record import record
from nofx_cli.safety.command_programs import Place
from nofx_cli.safety.shell_words import Word


class Need(Enum):
    """What a command needs where some level lists what it allows, or denies something."""

    NOTHING = "it is looked through, or starts no program"
    LISTED = "every list of what is allowed has it"
    NAMED_WHERE_DENIED = "it runs what nobody can see: where anything is denied, a rule must name it"
    NAMED = "a rule must name it, in any case"


@record
class Invocation:
    """A program and its arguments. One that is `denied_only` is told by a name that it does not have on PATH."""

    words: tuple[Word, ...]
    place: Place
    denied_only: bool = False


@record
class Text:
    """A text that a shell reads."""

    text: str
    place: Place
    bash: bool


Inner: TypeAlias = Invocation | Text


@record
class Seen:
    """What a command runs, and what it needs.

    Attributes:
        inner: what it runs besides itself; each is checked.
        markers: a rule names it only if one of these stands in it, word for word; none: the program is enough.
        exact: a rule names it only without `*` at its end.
        why: what nobody can see, as a part of a sentence.
    """

    need: Need = Need.LISTED
    inner: tuple[Inner, ...] = ()
    markers: tuple[str, ...] = ()
    exact: bool = False
    why: str = ""


def opaque(why: str, *markers: str) -> Seen:
    """It runs code of its own choice, as is its business."""
    return Seen(Need.NAMED_WHERE_DENIED, markers=markers, why=why)


def hidden(why: str, *markers: str, inner: tuple[Inner, ...] = (), exact: bool = False) -> Seen:
    """It runs other programs than one would think."""
    return Seen(Need.NAMED, inner, markers, exact, why)
