"""What handlers call; the order is told in `nofx_cli.handlers.edits`."""

from nofx_cli.handlers.edits.apply import apply_changes, settle
from nofx_cli.handlers.edits.change_set import ChangeSet, FileChange
from nofx_cli.handlers.edits.edit import FileEdit, Refused
from nofx_cli.handlers.edits.parsing import parse
from nofx_cli.handlers.edits.reply_format import instructions, refusal_message
from nofx_cli.handlers.edits.resolve import plan_changes

__all__ = [
    "ChangeSet",
    "FileChange",
    "FileEdit",
    "Refused",
    "apply_changes",
    "instructions",
    "parse",
    "plan_changes",
    "refusal_message",
    "settle",
]
