"""Files of the workspace that a step declares as its artifacts: kept when the step has succeeded."""

from nofx_cli.engine.prepare import Claimed


def keep_declared(claimed: Claimed) -> list[str]:
    """Keep what the step's `artifacts` globs match; returns the globs that matched nothing.

    A link that leads out of the workspace does not count as a match.
    """
    workspace = claimed.ctx.workspace
    absent = []
    for pattern in claimed.step.artifacts:
        files = [
            path
            for path in sorted(workspace.glob(pattern))
            if path.is_file() and path.resolve().is_relative_to(workspace)
        ]
        for path in files:
            claimed.ctx.put_artifact(path.relative_to(workspace).as_posix(), path)
        if not files:
            absent.append(pattern)
    return absent
