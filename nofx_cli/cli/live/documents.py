"""The texts kept for approvals: read once, held against their digest, laid out for people."""

from collections.abc import Callable
from dataclasses import dataclass, field

from nofx_cli import errors
from nofx_cli.cli.live.desk import Question
from nofx_cli.cli.live.shown import ShownLine, shown_lines
from nofx_cli.domain.ids import digest_of_bytes
from nofx_cli.domain.step_state import StepState


@dataclass(frozen=True, slots=True)
class Document:
    """What is shown for a question; `problem` says why nothing can be shown, and so nothing approved here."""

    brief: tuple[ShownLine, ...] = ()
    whole: tuple[ShownLine, ...] = ()
    problem: str = ""


@dataclass(slots=True)
class Documents:
    """Documents by digest. `read` takes the path that the approval names."""

    read: Callable[[str], str]
    _known: dict[str, Document] = field(default_factory=dict)

    def of(self, step: StepState) -> Document:
        """The document of a step that waits; damage is told in it, never raised."""
        approval = step.approval
        if approval is None:
            return Document(problem="nothing is asked")
        if approval.digest not in self._known:
            self._known[approval.digest] = self._load(approval.path, Question(step.name, approval.digest))
        return self._known[approval.digest]

    def _load(self, path: str, question: Question) -> Document:
        try:
            text = self.read(path)
            if digest_of_bytes(text.encode("utf-8", "backslashreplace")) != question.digest:
                return Document(problem="what was kept for this question is not what was asked about: it was changed")
            return Document(tuple(shown_lines(text)), tuple(shown_lines(text, whole=True)))
        except (OSError, ValueError, errors.NofxError) as exc:
            return Document(problem=f"what is to be shown cannot be read: {exc}")
