"""What a forge can do, and the pull requests that it has."""

from typing import Protocol

from nofx_cli.domain.record import record


@record
class Wanted:
    """A pull request as it is to be. `body` has the mark of the step."""

    title: str
    body: str
    base: str
    branch: str
    draft: bool


@record
class PullRequest:
    """One that is there. `number` is that of its address; `is_open` says that it is neither merged nor closed."""

    number: int
    url: str
    title: str
    body: str
    is_open: bool


class Forge(Protocol):
    """One repository at a forge.

    Every method raises `errors.NofxError` where the forge refuses or cannot be reached; the codes stand in
    `forges.api`. Nothing is sent twice.
    """

    def find(self, branch: str, base: str) -> list[PullRequest]:
        """The pull requests from one branch to another, newest first, also those that are merged or closed."""
        ...

    def open(self, wanted: Wanted) -> PullRequest:
        """Open one. A forge has at most one that is open from one branch to another.

        Raises:
            AlreadyOpen: there is one.
            Unanswered: nobody knows whether it was opened, where `may_have_arrived`.
        """
        ...

    def update(self, number: int, wanted: Wanted) -> None:
        """Give one another title and body."""
        ...

    def label(self, number: int, labels: tuple[str, ...]) -> None:
        """Add labels; those that it has are left alone."""
        ...

    def ask_reviewers(self, number: int, names: tuple[str, ...]) -> None:
        """Ask people, by the names that they have there, or teams (`org/team`), for a review."""
        ...
