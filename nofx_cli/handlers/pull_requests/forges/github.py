"""GitHub, and what speaks its API: GitHub Enterprise (`https://host/api/v3`), Gitea and Forgejo for the most part."""

from collections.abc import Mapping
from urllib.parse import quote

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.handlers.pull_requests.forges.api import AlreadyOpen, Api, Refused
from nofx_cli.handlers.pull_requests.forges.forge import PullRequest, Wanted

_SIDES = ("head", "base")


class GitHub:
    """Implements `forge.Forge`."""

    HEADERS: Mapping[str, str] = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}

    def __init__(self, api: Api, repository: str) -> None:
        self._api, self._owner = api, repository.partition("/")[0]
        self._path = f"/repos/{quote(repository)}"

    def find(self, branch: str, base: str) -> list[PullRequest]:
        head = f"{self._owner}:{branch}"
        query = {"state": "all", "head": head, "base": base, "per_page": "100"}
        found = self._api.ask_all(f"{self._path}/pulls", query=query)
        # Some that speak this API do not look at `head`, and tell of forks, too.
        return [read_pull(item) for item in found if _names(item) == (branch, base) and not _is_of_fork(item)]

    def open(self, wanted: Wanted) -> PullRequest:
        body: JsonObject = {
            "title": wanted.title,
            "head": wanted.branch,
            "base": wanted.base,
            "body": wanted.body,
            "draft": wanted.draft,
        }
        try:
            return read_pull(self._api.ask("POST", f"{self._path}/pulls", body))
        except Refused as exc:
            if "already exists" in exc.message:
                raise AlreadyOpen(exc.message) from exc
            raise

    def update(self, number: int, wanted: Wanted) -> None:
        self._api.ask("PATCH", f"{self._path}/pulls/{number}", {"title": wanted.title, "body": wanted.body})

    def label(self, number: int, labels: tuple[str, ...]) -> None:
        self._api.ask("POST", f"{self._path}/issues/{number}/labels", {"labels": labels})

    def ask_reviewers(self, number: int, names: tuple[str, ...]) -> None:
        body: JsonObject = {
            "reviewers": [name for name in names if "/" not in name],
            "team_reviewers": [name.rpartition("/")[2] for name in names if "/" in name],
        }
        self._api.ask("POST", f"{self._path}/pulls/{number}/requested_reviewers", body)


def read_pull(told: JsonValue) -> PullRequest:
    """A pull request as the API tells it.

    Raises:
        errors.Unavailable: it is none (code `forge-answer-odd`).
    """
    if not isinstance(told, Mapping) or not isinstance(told.get("number"), int):
        raise errors.Unavailable(
            "the forge answered with what is no pull request",
            code="forge-answer-odd",
            hint="see whether `api_url` is that of an API such as GitHub's",
        )
    number = told["number"]
    assert isinstance(number, int)
    return PullRequest(
        number,
        str(told.get("html_url") or ""),
        str(told.get("title") or ""),
        str(told.get("body") or ""),
        told.get("state") == "open",
    )


def _names(told: JsonObject) -> tuple[str, str]:
    return _ref(told, "head"), _ref(told, "base")


def _is_of_fork(told: JsonObject) -> bool:
    """Whether its branch is one of another repository; a fork that was deleted has none."""
    head, base = (side.get("repo", {}) if isinstance(side := told.get(name), Mapping) else {} for name in _SIDES)
    names = [str(repo.get("full_name", "")) if isinstance(repo, Mapping) else None for repo in (head, base)]
    return names[0] != names[1]


def _ref(told: JsonObject, side: str) -> str:
    found = told.get(side)
    return str(found.get("ref")) if isinstance(found, Mapping) else ""
