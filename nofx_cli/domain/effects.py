"""Effects: what a step changes outside of the run's workspace, so that it is known after any crash whether it was.

    (nothing) ──effect.intended──▶ open ──effect.done──▶ done
                                    │ ▲
                      effect.unknown│ │a person grants that it is made (again): open no more
                                    ▼ │
                                  unknown ──waived──▶ the step is passed over, ──rejected──▶ it fails

Authority: `effect.intended` is durable before the change is made. Whoever takes up a step that has an open effect asks
its handler to reconcile: to look whether the change was made. Crash points: before `effect.intended` nothing was done;
between the two it is not known here, and the handler finds out; after `effect.done` it is not made again.
"""

from dataclasses import field
from typing import TypeAlias

from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.record import record


@record
class Intent:
    """A change that a step is about to make, or made.

    Attributes:
        kind: what is done, such as `git.push`; with `target` it names the effect within its step.
        target: what it is done to, such as a repository and a branch. Never a secret.
        digest: SHA-256 of what is written there.
        attempt: the one that intended it last.
    """

    kind: str
    target: str
    digest: str
    attempt: int = 0


@record
class Done:
    """The change was made. `result` tells where it can be seen."""

    result: JsonObject = field(default_factory=dict)


@record
class NotDone:
    """The change was not made, nor will be: it may be made now."""


@record
class Unclear:
    """Nobody can tell. `known` is what there is to know, for the person who decides."""

    known: str


Reconciled: TypeAlias = Done | NotDone | Unclear
"""What a handler found out about an effect that was intended."""


@record
class KnownEffect:
    """An effect as the journal has it: intended; made where `done` is there; unclear where `unclear` says why."""

    intent: Intent
    done: Done | None = None
    unclear: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it may have been made without being on record."""
        return self.done is None
