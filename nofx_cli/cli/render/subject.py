"""What a person decides on, as lines on standard error."""

from nofx_cli.cli.live.shown import shown_lines
from nofx_cli.cli.output import note, safe
from nofx_cli.engine.subject import Subject


def tell_subject(subject: Subject) -> None:
    """Print the question, what would be done, and the digest that the answer is bound to."""
    note(safe(subject.question))
    for line in shown_lines(subject.text, whole=True):
        label = f"{line.label}: " if line.label else "  "
        note(f"  {label}{line.text}")
    note(f"  bound to: sha256 {subject.digest}")
