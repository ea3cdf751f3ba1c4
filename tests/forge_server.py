"""A forge over real HTTP on loopback: the APIs of GitHub and GitLab as far as pull requests go, and git itself.

    with ForgeServer(bare, token="s3cret") as forge:       # `bare` is the repository that the forge has
        forge.next("POST", refuse(422, "no"))               # the next POST is refused; those after it are taken
        ...                                                  # forge.github, forge.gitlab, forge.git: addresses
        assert [pull["title"] for pull in forge.pulls] == ["Notes"]

As at the real ones there is at most one open pull request from one branch to another. What can be scripted, for the
next requests of a method whose path has some words in it: `refuse(…)`; `DROP`, the request is lost; `DO_AND_DROP`, it
is done, and the answer is lost; a function, which is called before it is done. `forge.pulls` has what was opened,
`forge.asked` every request to the API as `POST /api/v3/repos/…`.
"""

import json
import os
import subprocess
import threading
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from tests.webhook_server import DROP, Answer, Received, WebServer

DO_AND_DROP = "do and drop"
Fault: TypeAlias = Answer | str | Callable[[], None]
REPOSITORY = "team/shop"


def refuse(status: int, message: object = "refused by the script", **headers: str) -> Answer:
    """An error, as both forges word it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return _json(status, {"message": message}, named)


class ForgeServer:
    """The forge; it is there as long as the block lasts."""

    def __init__(self, bare: Path, *, token: str, repository: str = REPOSITORY) -> None:
        self.bare, self.token, self.repository = bare, token, repository
        self.pulls: list[dict[str, Any]] = []
        self.pushes = 0
        self.users = {"ada": 7}
        self._faults: list[tuple[str, str, Fault]] = []
        self._lock = threading.RLock()
        self._web = WebServer(otherwise=self._answer)

    def __enter__(self) -> Self:
        self._web.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._web.stop()

    @property
    def github(self) -> str:
        return f"{self._web.url}/api/v3"

    @property
    def gitlab(self) -> str:
        return f"{self._web.url}/api/v4"

    @property
    def git(self) -> str:
        """The address of the repository."""
        return f"{self._web.url}/{self.repository}.git"

    @property
    def asked(self) -> list[str]:
        """The requests to the API, without what is behind a `?`."""
        return [f"{one.method} {urlsplit(one.path).path}" for one in self.received if "/api/" in one.path]

    @property
    def received(self) -> list[Received]:
        return self._web.requests

    def next(self, method: str, *faults: Fault, path: str = "") -> None:
        """What becomes of the next requests of that method whose path has these words in it."""
        self._faults += [(method, path, fault) for fault in faults]

    def _answer(self, received: Received) -> Answer | str:
        with self._lock:
            fault = self._fault(received)
            if isinstance(fault, Answer) or fault == DROP:
                return fault
            if callable(fault):
                fault()
            done = self._do(received)
            return DROP if fault == DO_AND_DROP else done

    def _fault(self, received: Received) -> Fault | None:
        for one in self._faults:
            method, path, fault = one
            if received.method == method and path in received.path:
                self._faults.remove(one)
                return fault
        return None

    def _do(self, received: Received) -> Answer:
        parts = urlsplit(received.path)
        if parts.path.startswith("/api/"):
            if received.headers.get("authorization") != f"Bearer {self.token}":
                return refuse(401, "Bad credentials")
            body = json.loads(received.body or b"{}")
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            answer = self._github if parts.path.startswith("/api/v3/") else self._gitlab
            return answer(received.method, parts.path[len("/api/v3") :], body, query)
        return self._git(received)

    def _github(self, method: str, path: str, body: dict[str, Any], query: dict[str, str]) -> Answer:
        here = f"/repos/{self.repository}"
        if not path.startswith(here):
            return refuse(404, "Not Found")
        match method, path.removeprefix(here).strip("/").split("/"):
            case "GET", ["pulls"]:
                head = query["head"].partition(":")[2]
                return _json(200, [self._as_github(one) for one in self._between(head, query["base"])])
            case "POST", ["pulls"]:
                if self._open_between(body["head"], body["base"]):
                    owner = self.repository.partition("/")[0]
                    told = {"message": f"A pull request already exists for {owner}:{body['head']}."}
                    return _json(422, {"message": "Validation Failed", "errors": [told]})
                made = self._make(body["head"], body["base"], body["title"], body["body"], draft=body["draft"])
                return _json(201, self._as_github(made))
            case "PATCH", ["pulls", number]:
                return _json(200, self._as_github(self._change(int(number), **body)))
            case "POST", ["issues", number, "labels"]:
                return _json(200, self._add(int(number), "labels", body["labels"]))
            case "POST", ["pulls", number, "requested_reviewers"]:
                return _json(201, self._add(int(number), "reviewers", body["reviewers"] + body["team_reviewers"]))
            case _:
                return refuse(404, "Not Found")

    def _gitlab(self, method: str, path: str, body: dict[str, Any], query: dict[str, str]) -> Answer:
        if path == "/users":
            found = self.users.get(query["username"])
            return _json(200, [{"id": found}] if found else [])
        here = f"/projects/{self.repository.replace('/', '%2F')}/merge_requests"
        if not path.startswith(here):
            return refuse(404, "404 Project Not Found")
        match method, path.removeprefix(here).strip("/"):
            case "GET", "":
                found_all = self._between(query["source_branch"], query["target_branch"])
                return _json(200, [self._as_gitlab(one) for one in found_all])
            case "POST", "":
                source, target = body["source_branch"], body["target_branch"]
                if there := self._open_between(source, target):
                    number = there[0]["number"]
                    told = f"Another open merge request already exists for this source branch: !{number}"
                    return _json(409, {"message": [told]})
                return _json(201, self._as_gitlab(self._make(source, target, body["title"], body["description"])))
            case "GET", number:
                return _json(200, self._as_gitlab(self.pulls[int(number) - 1]))
            case "PUT", number:
                if "add_labels" in body:
                    self._add(int(number), "labels", body["add_labels"].split(","))
                if "reviewer_ids" in body:
                    self._change(int(number), reviewers=body["reviewer_ids"])  # those that it had go
                changed = {"title": body.get("title"), "body": body.get("description")}
                return _json(200, self._as_gitlab(self._change(int(number), **changed)))
            case _:
                return refuse(404, "404 Not Found")

    def _make(self, head: str, base: str, title: str, body: str, *, draft: bool = False) -> dict[str, Any]:
        told = {"head": head, "base": base, "title": title, "body": body, "draft": draft}
        made = {"number": len(self.pulls) + 1, "open": True, "labels": [], "reviewers": [], **told}
        self.pulls.append(made)
        return made

    def _between(self, head: str, base: str) -> list[dict[str, Any]]:
        return [one for one in reversed(self.pulls) if (one["head"], one["base"]) == (head, base)]

    def _open_between(self, head: str, base: str) -> list[dict[str, Any]]:
        """Those of the repository's own branches; a fork has some of the same names."""
        return [one for one in self._between(head, base) if one["open"] and "of" not in one]

    def _change(self, number: int, **what: Any) -> dict[str, Any]:
        self.pulls[number - 1].update({name: value for name, value in what.items() if value is not None})
        return self.pulls[number - 1]

    def _add(self, number: int, name: str, more: list[Any]) -> list[Any]:
        there: list[Any] = self.pulls[number - 1][name]
        there += [one for one in more if one not in there]
        return there

    def _as_github(self, one: dict[str, Any]) -> dict[str, Any]:
        return {
            "number": one["number"],
            "html_url": f"https://forge.example/{self.repository}/pull/{one['number']}",
            "state": "open" if one["open"] else "closed",
            "title": one["title"],
            "body": one["body"],
            "head": {"ref": one["head"], "repo": {"full_name": one.get("of", self.repository)}},
            "base": {"ref": one["base"], "repo": {"full_name": self.repository}},
        }

    def _as_gitlab(self, one: dict[str, Any]) -> dict[str, Any]:
        return {
            "iid": one["number"],
            "web_url": f"https://forge.example/{self.repository}/-/merge_requests/{one['number']}",
            "state": "opened" if one["open"] else "closed",
            "title": one["title"],
            "description": one["body"],
            "reviewers": [{"id": number} for number in one["reviewers"]],
            "source_project_id": one.get("of", 1),
            "target_project_id": 1,
        }

    def _git(self, received: Received) -> Answer:
        """git's own protocol over HTTP, for whoever has the token."""
        given = b64decode(received.headers.get("authorization", "").removeprefix("Basic ")).decode()
        if given.partition(":")[2] != self.token:
            return Answer(401, b"", {"WWW-Authenticate": 'Basic realm="forge"'})
        parts = urlsplit(received.path)
        if not parts.path.startswith(f"/{self.repository}.git/"):
            return Answer(404)
        if parts.path.endswith("git-receive-pack"):
            self.pushes += 1
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.bare),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": unquote(parts.path.removeprefix(f"/{self.repository}.git")),
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": received.method,
            "CONTENT_TYPE": received.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(received.body)),
            "HTTP_CONTENT_ENCODING": received.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": received.headers.get("git-protocol", ""),
            "REMOTE_USER": "forge",
        }
        done = subprocess.run(
            ["git", "http-backend"], input=received.body, env=environment, capture_output=True, check=True
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        return Answer(int(headers.pop("Status", "200 OK").split()[0]), body, headers)


def _json(status: int, value: object, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})
