"""Where a person answers: which question is looked at, which key was pressed, and what follows from it. No I/O.

    choosing ──a──▶ recording ──recorded, or refused──▶ choosing
       │                ▲
       └──r, w──▶ noting ┘ Enter (a waiver needs a note; Esc goes back)

In `choosing` a key counts only when it comes alone: a burst is a paste or a cat on the keyboard, not a decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from nofx_cli.domain.ids import StepName

if TYPE_CHECKING:
    from nofx_cli.engine.answer import Decision

_NOTE_LIMIT = 500


class Mode(Enum):
    CHOOSING = "choosing"
    NOTING = "noting"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class Question:
    """A step that waits, and the digest of what is shown for it."""

    step: StepName
    digest: str


@dataclass(frozen=True, slots=True)
class Decide:
    """The person has decided on what the question shows."""

    question: Question
    decision: "Decision"
    note: str = ""


@dataclass(frozen=True, slots=True)
class ShowAll:
    """The person wants to see everything that the answer is bound to."""

    question: Question


@dataclass(frozen=True, slots=True)
class Leave:
    """The person goes away; the run stays waiting."""


Act: TypeAlias = Decide | ShowAll | Leave


class Desk:
    """The state of the conversation. `open` False: no key is taken, only the command to type is shown."""

    def __init__(self, *, is_open: bool) -> None:
        self.is_open = is_open
        self.may_leave = False
        self.questions: tuple[Question, ...] = ()
        self.mode = Mode.CHOOSING
        self.note = ""
        self.message = ""
        self.decision: Decision = "granted"
        self._at = 0

    @property
    def current(self) -> Question | None:
        return self.questions[self._at] if self.questions else None

    @property
    def place(self) -> int:
        """The place of the current question, from 0."""
        return self._at

    def lay_out(self, questions: Sequence[Question]) -> bool:
        """Take the open questions; whether the one that is looked at is another one now."""
        before = self.current
        self.questions = tuple(questions)
        steps = [question.step for question in self.questions]
        self._at = steps.index(before.step) if before and before.step in steps else 0
        if self.current == before:
            return False
        self.mode, self.note = Mode.CHOOSING, ""
        if before is None or before.step not in steps:
            self.message = ""
        return True

    def refused(self, message: str) -> None:
        """The answer was not recorded."""
        self.mode, self.message = Mode.CHOOSING, message

    def press(self, keys: Sequence[str]) -> Act | None:
        """Take what was typed: names of keys such as `up`, or single characters."""
        question = self.current
        if question is None or self.mode is Mode.RECORDING:
            return None
        if self.mode is Mode.NOTING:
            for key in keys:
                if (act := self._note(key, question)) is not None:
                    return act
            return None
        return self._choose(keys[0], question) if len(keys) == 1 else None

    def _choose(self, key: str, question: Question) -> Act | None:
        self.message = ""
        match key:
            case "a":
                return self._decide(question, "granted")
            case "r" | "w":
                self.mode, self.note = Mode.NOTING, ""
                self.decision = "rejected" if key == "r" else "waived"
            case "v":
                return ShowAll(question)
            case "d" if self.may_leave:
                return Leave()
            case "up" | "down":
                self._at = (self._at + (1 if key == "down" else -1)) % len(self.questions)
            case _ if key.isdecimal() and 0 < int(key) <= len(self.questions):
                self._at = int(key) - 1
        return None

    def _note(self, key: str, question: Question) -> Act | None:
        match key:
            case "escape":
                self.mode, self.message = Mode.CHOOSING, ""
            case "backspace":
                self.note = self.note[:-1]
            case "clear":
                self.note = ""
            case "enter" if self.decision == "waived" and not self.note.strip():
                self.message = "say why it is waived"
            case "enter":
                return self._decide(question, self.decision)
            case _ if len(key) == 1:
                self.note = (self.note + key)[:_NOTE_LIMIT]
        return None

    def _decide(self, question: Question, decision: "Decision") -> Decide:
        self.mode, self.message, self.decision = Mode.RECORDING, "", decision
        return Decide(question, decision, self.note.strip() if decision != "granted" else "")
