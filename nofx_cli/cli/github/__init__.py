"""What nofx tells GitHub Actions: a fence round foreign text, annotations, a summary of the job's step.

The runner obeys lines that begin with `::` on either stream. So all that a view prints of a run stands between
`::stop-commands::<token>` and `::<token>::`, with a token that nobody can know beforehand, and only lines that nofx
writes itself, escaped as the runner reads them, stand outside.
"""

from collections.abc import Mapping


def on_github(environ: Mapping[str, str]) -> bool:
    """Whether this is a job of GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true"
