"""What a model is given to work on, most important first, within a bound; and what was left out of it."""

import json
from collections.abc import Iterable, Sequence

from nofx_cli import errors
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.record import record
from nofx_cli.handlers.codegen.blocks import Room, bytes_of, fenced
from nofx_cli.handlers.codegen.failed_before import files_of
from nofx_cli.handlers.codegen.options import Artifact, Options
from nofx_cli.handlers.codegen.project_files import project_files
from nofx_cli.handlers.codegen.readable import FileText, LeftOut, read_file
from nofx_cli.handlers.kept_artifact import read_kept
from nofx_cli.ports.handler import StepContext
from nofx_cli.safety.globs import SIGNS, path_matches


@record
class Piece:
    """One piece of context. `kind` is `file`, `artifact`, `outputs`, `diff` or `map`; `block` is how it is told."""

    kind: str
    name: str
    block: str

    @property
    def size(self) -> int:
        """In bytes, with its fence."""
        return len(self.block.encode("utf-8", "backslashreplace"))


@record
class Gathered:
    """All of it. `later` names what only a step that runs can find out, and is not there yet."""

    pieces: tuple[Piece, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    later: tuple[str, ...] = ()


def gather(ctx: StepContext, options: Options, task: str, *, running: bool) -> Gathered:
    """Gather the context of a step: files that failed, files that are named, artifacts, outputs, a diff, a map.

    Args:
        running: whether the step runs, so that it may start git to compare files.

    Raises:
        errors.NotFound: there is no such artifact (code `artifact-not-found`), or no such outputs (`step-not-ended`).
        errors.InvalidInput: git cannot list the files (code `git-failed`), or compare them (code `diff-failed`).
    """
    gathering = _Gathering(ctx, options, running=running)
    gathering.add_failed()
    gathering.add_files(options.files)
    for artifact in options.artifacts:
        gathering.add_artifact(artifact)
    for step in options.outputs:
        gathering.add_outputs(step)
    gathering.add_diff()
    gathering.add_map(task)
    return Gathered(tuple(gathering.pieces), tuple(gathering.left_out), tuple(gathering.later))


class _Gathering:
    def __init__(self, ctx: StepContext, options: Options, *, running: bool) -> None:
        self._ctx, self._options, self._running = ctx, options, running
        self._room = Room(options.context_tokens)
        self._listed: tuple[str, ...] | None = None
        self._seen: set[str] = set()
        self.pieces: list[Piece] = []
        self.left_out: list[LeftOut] = []
        self.later: list[str] = []

    def add_failed(self) -> None:
        """In a repair, the files that the findings are in and those that were changed."""
        feedback = self._ctx.feedback
        if feedback is None:
            return
        for path in files_of(feedback):
            if (self._ctx.workspace / path).is_file():
                self._add_file(path)
        if not self._running:
            self.later.append("the files that were changed before")
            return
        from nofx_cli.handlers.codegen.git import changed_files

        for path in changed_files(self._ctx):
            if (self._ctx.workspace / path).is_file():
                self._add_file(path)

    def add_files(self, patterns: Sequence[str]) -> None:
        for pattern in patterns:
            found = list(self._selected(pattern))
            if not found:
                self.left_out.append(LeftOut(pattern, "no file matches"))
            for path in found:
                self._add_file(path)

    def add_artifact(self, artifact: Artifact) -> None:
        name = f"{artifact.step}/{artifact.name}"
        if self._is_to_come(artifact.step, f"artifact {name}"):
            return
        try:
            text = read_kept(self._ctx, artifact.step, artifact.name).decode()
        except UnicodeDecodeError:
            self.left_out.append(LeftOut(name, "it is no text in UTF-8"))
            return
        self._add("artifact", name, text)

    def add_outputs(self, step: StepName) -> None:
        if self._is_to_come(step, f"outputs of {step}"):
            return
        try:
            outputs = self._ctx.outputs[step]
        except KeyError as exc:
            raise errors.NotFound(
                f"step {step} has not ended, so it has no outputs",
                code="step-not-ended",
                hint=f"name it in the step's needs: `needs: [{step}]`",
            ) from exc
        text = json.dumps(outputs, ensure_ascii=False, sort_keys=True, indent=2, default=dict)
        self._add("outputs", step, f"{text}\n")

    def add_diff(self) -> None:
        ref = self._options.diff
        if not ref:
            return
        if not self._running:
            self.later.append(f"the diff against {ref}")
            return
        from nofx_cli.handlers.codegen.git import diff_against

        text, kept_back = diff_against(self._ctx, ref)
        self.left_out += kept_back
        shown = _first_lines(text, self._room)
        if len(shown) < len(text):
            told = f"only its first {shown.count(chr(10))} of {text.count(chr(10))} lines fit{self._full}"
            self.left_out.append(LeftOut(f"diff against {ref}", told))
        self._add("diff", ref, shown)

    def add_map(self, task: str) -> None:
        tokens = min(self._options.map_tokens, self._room.left)
        if tokens <= 0:
            return
        from nofx_cli.handlers.codegen.repo_map import repo_map

        given = [piece.name for piece in self.pieces if piece.kind == "file"]
        text = repo_map(self._listing(), task=task, given=given, tokens=tokens, read=self._text_of)
        if text:
            self.pieces.append(Piece("map", "", fenced("map", "", text)))

    def _is_to_come(self, step: StepName, what: str) -> bool:
        """Whether this is only shown beforehand, and what another step makes is not there yet."""
        if self._running or step in self._ctx.outputs:
            return False
        self.later.append(what)
        return True

    def _text_of(self, path: str) -> str:
        found = read_file(self._ctx, path)
        return found.text if isinstance(found, FileText) else ""

    def _selected(self, pattern: str) -> Iterable[str]:
        plain = pattern.rstrip("/").removeprefix("./")
        if SIGNS.isdisjoint(plain) and not (self._ctx.workspace / plain).is_dir():
            return [plain]
        glob = plain if not SIGNS.isdisjoint(plain) else f"{plain}/**" if plain != "." else "**"
        return (path for path in self._listing() if path_matches(path, glob))

    def _listing(self) -> tuple[str, ...]:
        if self._listed is None:
            self._listed = project_files(self._ctx.workspace, store=self._ctx.store)
        return self._listed

    def _add_file(self, path: str) -> None:
        if path in self._seen:
            return
        self._seen.add(path)
        found = read_file(self._ctx, path)
        if isinstance(found, LeftOut):
            self.left_out.append(found)
        else:
            self._add("file", path, found.text)

    def _add(self, kind: str, name: str, text: str) -> None:
        block = fenced(kind, name, text)
        if self._room.take(block):
            self.pieces.append(Piece(kind, name, block))
        else:
            self.left_out.append(LeftOut(name, f"it does not fit{self._full}"))

    @property
    def _full(self) -> str:
        return f" into the {self._room.most:,} tokens of context"


def _first_lines(text: str, room: Room) -> str:
    """As many whole lines as there is room for, with a fence around them."""
    data = text.encode("utf-8", "backslashreplace")
    most = bytes_of(room.left) - len(fenced("diff", "x" * 256, ""))
    if len(data) <= most:
        return text
    head = data[: max(most, 0)].decode(errors="ignore")
    return head[: head.rfind("\n") + 1]
