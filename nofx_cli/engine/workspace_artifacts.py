"""Files of the workspace that a step declares as its artifacts: kept when the step has succeeded."""

from pathlib import Path

from nofx_cli.engine.prepare import Claimed
from nofx_cli.safety.never_written import GIT, STORE, protects


def keep_declared(claimed: Claimed) -> list[str]:
    """Keep what the step's `artifacts` globs match; returns the globs that matched nothing.

    A link that leads out of the workspace does not count as a match, nor does what git keeps for itself, nor the store,
    wherever a link to it stands.
    """
    ctx, absent = claimed.ctx, []
    for pattern in claimed.step.artifacts:
        names = [
            name
            for path in sorted(ctx.workspace.glob(pattern))
            if _may_be_kept(ctx.workspace, ctx.store, name := path.relative_to(ctx.workspace).as_posix())
        ]
        for name in names:
            ctx.put_artifact(name, ctx.workspace / name)
        if not names:
            absent.append(pattern)
    return absent


def _may_be_kept(workspace: Path, store: Path, name: str) -> bool:
    path = workspace / name
    return (
        path.is_file()
        and path.resolve().is_relative_to(workspace)
        and protects(workspace, store, name) not in (GIT, STORE)
    )
