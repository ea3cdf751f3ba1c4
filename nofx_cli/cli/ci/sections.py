"""Collapsible parts of a job's log, one for each attempt at a step.

What stands in them is foreign text. On GitHub it stands in the fence (see `cli.github.fence`), and the lines that open
and close a section outside of it; on GitLab they are control sequences, which foreign text never has here.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from nofx_cli.cli.ci import on_gitlab
from nofx_cli.cli.github import on_github
from nofx_cli.cli.github.annotations import escaped
from nofx_cli.cli.github.fence import Fence

_BEGIN, _OWN = "\x1b[0K", "\r\x1b[0K"


class Sections(Protocol):
    """How a CI system wants them."""

    def section(self, name: str, title: str, lines: Sequence[str], *, at: int) -> list[str]:
        """The lines of a section.

        Args:
            name: of letters, digits, `.`, `_` and `-`; once in a log.
            title, lines: neutralised.
            at: seconds since 1970.
        """
        ...


class GithubSections:
    """Groups, whose commands stand outside of the fence."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    def section(self, name: str, title: str, lines: Sequence[str], *, at: int) -> list[str]:
        begin = self._fence.lifted(f"::group::{escaped(title)}")
        return [*begin, *lines, *self._fence.lifted("::endgroup::")]


class GitlabSections:
    """Sections, closed at first."""

    def section(self, name: str, title: str, lines: Sequence[str], *, at: int) -> list[str]:
        begin = f"{_BEGIN}section_start:{at}:{name}[collapsed=true]{_OWN}{title}"
        return [begin, *lines, f"{_BEGIN}section_end:{at}:{name}{_OWN}"]


def sections_of(environ: Mapping[str, str], fence: Fence) -> Sections | None:
    """Those of the CI system that this is a job of; None where it is none that has any."""
    if on_github(environ):
        return GithubSections(fence)
    return GitlabSections() if on_gitlab(environ) else None
