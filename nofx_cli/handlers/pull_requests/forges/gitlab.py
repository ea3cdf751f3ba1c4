"""GitLab: a pull request is a merge request there."""

from collections.abc import Mapping
from urllib.parse import quote

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.handlers.pull_requests.forges.api import AlreadyOpen, Api, Refused
from nofx_cli.handlers.pull_requests.forges.forge import PullRequest, Wanted

_DRAFT = "Draft: "


class GitLab:
    """Implements `forge.Forge`."""

    HEADERS: Mapping[str, str] = {}

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._path = f"/projects/{quote(repository, safe='')}/merge_requests"

    def find(self, branch: str, base: str) -> list[PullRequest]:
        where = {"source_branch": branch, "target_branch": base}
        found = self._api.ask_all(self._path, query={"state": "all", "per_page": "100", **where})
        # A fork may have a branch of that name, too.
        return [
            read_merge_request(one) for one in found if one.get("source_project_id") == one.get("target_project_id")
        ]

    def open(self, wanted: Wanted) -> PullRequest:
        body: JsonObject = {
            "source_branch": wanted.branch,
            "target_branch": wanted.base,
            "title": _DRAFT + wanted.title if wanted.draft else wanted.title,
            "description": wanted.body,
        }
        try:
            return read_merge_request(self._api.ask("POST", self._path, body))
        except Refused as exc:
            if "already exists" in exc.message:
                raise AlreadyOpen(exc.message) from exc
            raise

    def update(self, number: int, wanted: Wanted) -> None:
        title = _DRAFT + wanted.title if wanted.draft else wanted.title
        self._api.ask("PUT", f"{self._path}/{number}", {"title": title, "description": wanted.body})

    def label(self, number: int, labels: tuple[str, ...]) -> None:
        self._api.ask("PUT", f"{self._path}/{number}", {"add_labels": ",".join(labels)})

    def ask_reviewers(self, number: int, names: tuple[str, ...]) -> None:
        there = self._api.ask("GET", f"{self._path}/{number}")
        asked = there.get("reviewers") if isinstance(there, Mapping) else None
        before = [one["id"] for one in asked if isinstance(one, Mapping)] if isinstance(asked, list | tuple) else []
        more = [self._user(name) for name in names]
        self._api.ask("PUT", f"{self._path}/{number}", {"reviewer_ids": list(dict.fromkeys([*before, *more]))})

    def _user(self, name: str) -> int:
        told = self._api.ask("GET", "/users", query={"username": name})
        first = told[0] if isinstance(told, list | tuple) and told else None
        number = first.get("id") if isinstance(first, Mapping) else None
        if not isinstance(number, int):
            raise Refused(f"there is no user {name} at the forge", hint="mend `reviewers`")
        return number


def read_merge_request(told: JsonValue) -> PullRequest:
    """A merge request as the API tells it.

    Raises:
        errors.Unavailable: it is none (code `forge-answer-odd`).
    """
    if not isinstance(told, Mapping) or not isinstance(told.get("iid"), int):
        raise errors.Unavailable(
            "the forge answered with what is no merge request",
            code="forge-answer-odd",
            hint="see whether `api_url` is that of GitLab: https://host/api/v4",
        )
    number = told["iid"]
    assert isinstance(number, int)
    return PullRequest(
        number,
        str(told.get("web_url") or ""),
        str(told.get("title") or ""),
        str(told.get("description") or ""),
        told.get("state") == "opened",
    )
