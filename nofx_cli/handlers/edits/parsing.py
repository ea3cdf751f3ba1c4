"""An answer becomes edits, by the one parser of the format that was asked for."""

from nofx_cli.domain.models import EditFormat
from nofx_cli.handlers.edits.edit import FileEdit, Refused

MOST_BYTES = 16 * 1024 * 1024


def parse(text: str, form: EditFormat) -> tuple[FileEdit, ...]:
    """Read the edits of an answer, in its order, in a time that grows with its length.

    Raises:
        Refused: it has no edits of that format, or some part of it is in doubt.
    """
    if len(text) > MOST_BYTES:
        raise Refused(f"the answer has {len(text)} characters; more than {MOST_BYTES} are not taken")
    text = text.removeprefix("\ufeff")
    match form:
        case EditFormat.WHOLE:
            from nofx_cli.handlers.edits.whole import parse_whole

            return parse_whole(text)
        case EditFormat.SEARCH_REPLACE:
            from nofx_cli.handlers.edits.search_replace import parse_search_replace

            return parse_search_replace(text)
        case EditFormat.UNIFIED_DIFF:
            from nofx_cli.handlers.edits.unified_diff import parse_unified_diff

            return parse_unified_diff(text)
