"""A run in a CI job: no questions, plain lines in sections, and evidence to upload.

What the environment says (`CI=true`) changes how nofx behaves: it asks nothing, waits for nobody and draws nothing.
Files are written only where somebody asked for them, with `--ci` or `--evidence`: many a shell has `CI=true` for other
reasons, and hooks of git run in jobs, too.
"""

import os
from collections.abc import Mapping


def in_ci(environ: Mapping[str, str]) -> bool:
    """Whether nobody sits there: the environment is that of a CI job."""
    return environ.get("CI", "").lower() in {"1", "true"}


def on_gitlab(environ: Mapping[str, str]) -> bool:
    """Whether this is a job of GitLab CI."""
    return environ.get("GITLAB_CI") == "true"


def enter_ci() -> None:
    """Let this process be in CI, as `--ci` says: also who is on record, and whatever asks the environment later."""
    os.environ["CI"] = "true"
