"""`workspace:write`: put a file into the workspace, from a text or from an artifact of an earlier step.

Doing it again changes nothing, so an attempt that was cut off simply runs again. What tells nofx and git what to do
(`nofx.yaml`, `nofx_handlers`, `local_data`, `.git`) is not for a plan to write.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, JsonValue, StepName, digest_of_bytes
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.handlers.failures import invalid_inputs
from nofx_cli.handlers.inputs import Field, faults_of, is_template
from nofx_cli.handlers.kept_artifact import read_kept
from nofx_cli.ports.handler import StepContext
from nofx_cli.safety.paths import contained, replace_file

FIELDS = {
    "path": Field(("text",), required=True),
    "content": Field(("text",)),
    "from_artifact": Field(("mapping",)),
    "mode": Field(("text",)),
    "if_exists": Field(("text",)),
}
PROTECTED = frozenset({"nofx.yaml", "nofx_handlers", "local_data"})

_IF_THERE = {"overwrite": "replace", "fail": "fail", "skip": "skip"}
_MODE = re.compile(r"0?[0-7]{3}")


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to be done: `old` is what the file holds now, None where there is none.

    `kind` is `create`, `replace`, `none` (it is as it should be), or what `if_exists` says: `skip`, `fail`.
    """

    name: str
    path: Path
    new: bytes
    old: bytes | None
    mode: int | None
    kind: str

    @property
    def writes(self) -> bool:
        return self.kind in ("create", "replace")


class WorkspaceWrite:
    """The handler. Its preview is the difference to what is there."""

    rerun_safe = True
    writes = True

    def match(self, tool: str) -> bool:
        return tool == "workspace:write"

    def check(self, inputs: JsonObject) -> list[str]:
        return faults_of(inputs, FIELDS) or [*_source_faults(inputs), *_option_faults(inputs)]

    def preview(self, ctx: StepContext) -> JsonObject:
        faults = self.check(ctx.inputs)
        if faults:
            return {"faults": tuple(faults)}
        change = _change(ctx)
        shown: dict[str, JsonValue] = {
            "path": change.name,
            "change": change.kind,
            "digest": digest_of_bytes(change.new),
            "bytes": len(change.new),
        }
        if change.mode is not None:
            shown["mode"] = f"{change.mode:04o}"
        if change.old is not None:
            shown["replaces"] = digest_of_bytes(change.old)
        if change.writes:
            from nofx_cli.handlers.file_diff import file_diff

            shown["diff"] = file_diff(change.name, change.old, change.new)
        return shown

    def run(self, ctx: StepContext) -> Outcome:
        faults = self.check(ctx.inputs)
        if faults:
            return invalid_inputs(faults)
        change = _change(ctx)
        if change.kind == "fail":
            message = f"{change.name} exists with another content"
            return Failed(StepError("file-exists", message, "write `if_exists: overwrite`, or take the file away"))
        if change.writes:
            ctx.check_write(change.name)
            replace_file(change.path, change.new, change.mode)
        there = change.new if change.writes else change.old or b""
        ctx.log(f"{change.name}: {'written' if change.writes else 'left as it is'}, {len(there)} bytes")
        outputs: JsonObject = {"path": change.name, "changed": change.writes}
        return Succeeded({**outputs, "digest": digest_of_bytes(there), "bytes": len(there)})


def _source_faults(inputs: JsonObject) -> list[str]:
    source = inputs.get("from_artifact")
    if ("content" in inputs) == (source is not None):
        return ["give either `content` or `from_artifact`"]
    if isinstance(source, Mapping) and not (set(source) == {"step", "name"} and all(map(_is_text, source.values()))):
        return ["`from_artifact` must have `step` and `name`, and nothing else"]
    return []


def _option_faults(inputs: JsonObject) -> list[str]:
    faults = []
    mode, if_exists = inputs.get("mode", "644"), inputs.get("if_exists", "overwrite")
    if not is_template(mode) and not _MODE.fullmatch(str(mode)):
        faults.append(f'`mode` must be written like "0644", in quotes, not {mode}')
    if if_exists not in _IF_THERE and not is_template(if_exists):
        faults.append(f"`if_exists` must be one of {', '.join(_IF_THERE)}, not {if_exists}")
    return faults


def _is_text(value: JsonValue) -> bool:
    return isinstance(value, str)


def _change(ctx: StepContext) -> _Change:
    """Look at the workspace as it is now.

    Raises:
        errors.InvalidInput: the path leaves the workspace, is protected, or is no regular file.
        errors.NotFound: there is no such artifact.
    """
    path = contained(ctx.workspace, str(ctx.inputs["path"]))
    name = path.relative_to(ctx.workspace.resolve()).as_posix()
    if name.split("/")[0].casefold() in PROTECTED:
        raise errors.InvalidInput(
            f"{name} is not for a plan to write: it tells nofx what to do",
            code="path-protected",
            context={"path": name},
        )
    if path.exists() and not path.is_file():
        raise errors.InvalidInput(f"{name} is there and is no file", code="path-not-a-file", context={"path": name})
    given = ctx.inputs.get("mode")
    mode = int(given, 8) if isinstance(given, str) else None
    new, kind, old = _content(ctx), "create", None
    if path.exists():
        old = path.read_bytes()
        same = old == new and mode in (None, path.stat().st_mode & 0o777)
        kind = "none" if same else _IF_THERE[str(ctx.inputs.get("if_exists", "overwrite"))]
    return _Change(name, path, new, old, mode, kind)


def _content(ctx: StepContext) -> bytes:
    source = ctx.inputs.get("from_artifact")
    if not isinstance(source, Mapping):
        return str(ctx.inputs["content"]).encode()
    return read_kept(ctx, StepName(str(source["step"])), str(source["name"]))


HANDLER = WorkspaceWrite()
