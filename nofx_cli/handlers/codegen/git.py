"""What git says of the workspace while a step runs: what differs from a commit.

Programs that the checkout's own settings name do not run: no monitor, no filter, no driver for differences.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from nofx_cli import errors
from nofx_cli.handlers.codegen.project_files import in_checkout
from nofx_cli.handlers.codegen.readable import FileText, LeftOut, read_file, withheld
from nofx_cli.handlers.file_diff import file_diff
from nofx_cli.ports.handler import StepCancelled, StepContext
from nofx_cli.safety.git_filters import LIST_FILTERS, without_own_filters

_TO_FILE = ("/bin/sh", "-c", 'exec "$@" >"$0"')
_SAME_FOR_ALL = ("--no-color", "--no-renames", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/")


def diff_against(ctx: StepContext, ref: str) -> tuple[str, tuple[LeftOut, ...]]:
    """The difference of the workspace to a commit, new files included, and the files of it that are kept back.

    Raises:
        errors.InvalidInput: git cannot tell (code `diff-failed`), such as for a ref that is not there.
    """
    git = _Git(ctx)
    changed, new = git.changed(ref), git.new()
    left_out = [LeftOut(path, why) for path in (*changed, *new) if (why := withheld(path))]
    without = [f":(exclude,literal){path}" for path in changed if withheld(path)]
    command = ["diff", *_SAME_FOR_ALL, "--relative", "--end-of-options", ref, "--", ".", *without]
    pieces = [git.answer(command).decode(errors="replace")]
    for path in new:
        found = read_file(ctx, path)
        if isinstance(found, FileText):
            pieces.append(file_diff(path, None, found.text.encode("utf-8", "backslashreplace")))
        elif found not in left_out:
            left_out.append(found)
    return "".join(pieces), tuple(left_out)


def changed_files(ctx: StepContext) -> tuple[str, ...]:
    """The files of the workspace that differ from the last commit, new ones included; none where git cannot tell."""
    if not in_checkout(ctx.workspace):
        return ()
    git = _Git(ctx)
    try:
        return tuple(sorted({*git.changed("HEAD"), *git.new()}))
    except errors.InvalidInput:  # there is no commit yet
        return ()


class _Git:
    def __init__(self, ctx: StepContext) -> None:
        self._ctx = ctx
        self._safe: list[str] | None = None

    def changed(self, ref: str) -> list[str]:
        return _names(
            self.answer(["diff", "--name-only", "-z", "--no-renames", "--relative", "--end-of-options", ref, "--", "."])
        )

    def new(self) -> list[str]:
        store = os.path.relpath(self._ctx.store, self._ctx.workspace)
        found = _names(self.answer(["ls-files", "-z", "--others", "--exclude-standard"]))
        return [path for path in found if not path.startswith(f"{store}/")]

    def answer(self, words: Sequence[str]) -> bytes:
        """What git prints.

        Raises:
            errors.InvalidInput: it exited with something else than 0.
        """
        if self._safe is None:
            told = self._run(LIST_FILTERS, fine=(0, 1))
            without = without_own_filters(told.decode(errors="replace"))
            if without is None:
                raise _failed("a filter in its settings has a name that cannot be switched off")
            self._safe = ["-c", "core.fsmonitor=false", "-c", "core.quotePath=false", *without]
        return self._run(["git", "--no-optional-locks", "--no-pager", *self._safe, *words])

    def _run(self, command: Sequence[str], fine: Sequence[int] = (0,)) -> bytes:
        printed = Path(self._ctx.scratch) / "git"
        result = self._ctx.process([*_TO_FILE, str(printed), *command], of_nofx=True)
        if result.stopped:
            raise StepCancelled(result.stopped)
        if result.exit_code not in fine:
            raise _failed(result.last_line or f"exit code {result.exit_code}{result.signal}")
        return printed.read_bytes()


def _names(printed: bytes) -> list[str]:
    return sorted(os.fsdecode(name) for name in printed.split(b"\0") if name)


def _failed(why: str) -> errors.InvalidInput:
    return errors.InvalidInput(
        f"git cannot tell what differs: {why}",
        code="diff-failed",
        hint="`diff` names a commit, a branch or a tag that the repository has: git rev-parse REF",
    )
