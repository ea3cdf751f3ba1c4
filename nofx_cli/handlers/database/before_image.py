"""What the rows were before a change: an artifact of JSON Lines, a row a line, kept before anything is changed."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from nofx_cli import errors
from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.ports.handler import StepContext

NAME = "before.jsonl"
LARGEST = 32 * 1024 * 1024


def lines_of(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The lines.

    Raises:
        errors.InvalidInput: they are too large to be kept (code `before-too-large`).
    """
    lines = []
    size = 0
    for row in rows:
        line = json.dumps(dict(row), ensure_ascii=False, default=_written).encode("utf-8", "backslashreplace")
        size += len(line) + 1
        if size > LARGEST:
            raise errors.InvalidInput(
                f"what the rows are now is more than {LARGEST // 1024 // 1024} MiB, which is not kept",
                code="before-too-large",
                hint="change fewer rows a step",
            )
        lines.append(line)
    return b"".join(line + b"\n" for line in lines)


def described(artifact: ArtifactCreated) -> JsonObject:
    """Where it is kept, for the record of the change."""
    return {"name": artifact.name, "path": artifact.path, "digest": artifact.digest, "size": artifact.size}


def keep_again(ctx: StepContext, before: JsonValue) -> None:
    """Keep with this attempt what an earlier one kept before it was cut off; where it is gone, the log says so."""
    if not isinstance(before, Mapping):
        return
    kept = ArtifactCreated(str(before["name"]), str(before["path"]), str(before["digest"]), int(str(before["size"])))
    try:
        ctx.put_artifact(kept.name, ctx.read_artifact(kept))
    except errors.NofxError as exc:
        ctx.log(f"what the rows were before was kept as {kept.path}, which is gone: {exc.message}")


def _written(value: object) -> object:
    """What JSON does not have."""
    if isinstance(value, bytes | bytearray | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if callable(isoformat) else str(value)
