"""What a run changed in its worktree, carried over to the commit that the pull request goes to.

The run began from the commit that the user was on; the remote's branch may have gone on since, or not be that far. A
file that both changed is merged line by line; where that does not come out even, nothing is committed.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from nofx_cli import errors
from nofx_cli.handlers.pull_requests.repository import LINK, SUBMODULE, Change, Entry, OwnRepository
from nofx_cli.ports.handler import RunTrees, StepContext

_MOST_TOLD = 10


def run_changes(ctx: StepContext, trees: RunTrees, own: OwnRepository, *, base: str, prefix: str) -> list[Change]:
    """What the run's changes change of the commit `base`.

    Raises:
        errors.Conflict: some cannot be carried over (code `changes-conflict`); `context["paths"]` names them.
        errors.PolicyDenied: a rule does not allow a path.
    """
    found, conflicts = [], []
    entries = own.entries(base)
    for change in own.changes_between(trees.before, trees.now):
        if change.path.startswith(prefix):
            ctx.check_write(change.path.removeprefix(prefix))
        there = entries.get(change.path)
        if there == change.new:
            continue
        new = change.new if there == change.old else _merged(own, change, there)
        if new is None and not (change.new is None and there == change.old):
            conflicts.append(change.path)
        else:
            found.append(Change(change.path, there, new))
    if conflicts:
        raise _conflict(conflicts)
    return found


def _merged(own: OwnRepository, change: Change, there: Entry | None) -> Entry | None:
    """What comes of a file that both changed; None where that cannot be said."""
    before, now = change.old, change.new
    if before is None or now is None or there is None:
        return None
    modes = {before.mode, now.mode, there.mode}
    if modes & {LINK, SUBMODULE}:
        return None
    mode = now.mode if there.mode == before.mode else there.mode
    with TemporaryDirectory(prefix="nofx-merge-") as folder:
        sides = [Path(folder, name) for name in ("theirs", "before", "ours")]
        for path, entry in zip(sides, (there, before, now), strict=True):
            path.write_bytes(own.content(entry.oid))
        code, _, _ = own.git.attempt("merge-file", "--quiet", *map(str, sides))
        return Entry(mode, own.put(sides[0].read_bytes())) if code == 0 else None


def _conflict(paths: Sequence[str]) -> errors.Conflict:
    more = f" and {len(paths) - _MOST_TOLD} more" if len(paths) > _MOST_TOLD else ""
    return errors.Conflict(
        f"what the run changed does not go together with the base branch: {', '.join(paths[:_MOST_TOLD])}{more}",
        code="changes-conflict",
        hint="take the newest state of the base branch into your checkout and run the plan again",
        context={"paths": list(paths)},
    )
