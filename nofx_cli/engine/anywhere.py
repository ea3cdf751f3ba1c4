"""What a step would do, told so that it is the same wherever the run lies.

An approval is bound to what was shown. A run that is carried to another clone would do the same there, in another
folder; so the folders of the project, the worktree and the store are shown by name.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from nofx_cli.domain.ids import JsonValue
from nofx_cli.engine.services import Services

WORKSPACE, STORE = "<workspace>", "<store>"


def anywhere(services: Services, value: JsonValue) -> JsonValue:
    """A copy in which the folders that the run works in are named, also in the middle of a text."""
    folders = {str(services.workspace): WORKSPACE, str(services.store_folder): STORE}
    known = sorted((path for path in folders if path != Path(path).anchor), key=len, reverse=True)
    if not known:
        return value
    pattern = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, known))})(?![\w.-])")
    return _named(value, pattern, folders)


def _named(value: JsonValue, pattern: "re.Pattern[str]", folders: Mapping[str, str]) -> JsonValue:
    if isinstance(value, str):
        return pattern.sub(lambda found: folders[found[0]], value) if "/" in value else value
    if isinstance(value, Mapping):
        return {name: _named(item, pattern, folders) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_named(item, pattern, folders) for item in value]
    return value
