"""The REST API of a forge: one request, and what its refusals mean.

Codes: `forge-unauthorized` (401), `forge-forbidden` (403), `forge-not-found` (404), `forge-moved` (a redirect),
`forge-rate-limited` (429, or 403 that says so), `forge-unavailable` (500 and more), `forge-refused` (any other), and
those of `safety.web`.
"""

import json
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.wording import shortened
from nofx_cli.safety.web import Request, Response, origin_of, send

_TOLD = 400
_HOUR_S = 3600
_MOST_PAGES = 20


class Refused(errors.Denied):
    """The forge does not do what it was asked, and says why: 400, 409, 422, …"""

    default_code = "forge-refused"


class AlreadyOpen(Refused):
    """There is a pull request from that branch to that base."""


class Api:
    """The API of one forge, with a token. Neither its `repr` nor its errors tell that."""

    def __init__(self, url: str, token: str, *, headers: Mapping[str, str], check: Callable[[], None]) -> None:
        """`headers` go with every request beside the token, `check` is asked while one is under way."""
        self._url, self._token, self._check = url, token, check
        self._headers = {**headers, "Authorization": f"Bearer {token}"}

    def ask(
        self, method: str, path: str, body: JsonObject | None = None, *, query: Mapping[str, str] | None = None
    ) -> JsonValue:
        """Send a request; returns the JSON of its answer, None where it has no body.

        Raises:
            errors.NofxError: it was refused; codes as above.
            Unanswered: there was no whole answer.
        """
        response = self._send(method, path, body, query)
        return response.json() if response.body.strip() else None

    def ask_all(self, path: str, *, query: Mapping[str, str]) -> list[JsonObject]:
        """All that the forge has there, in its order, also what it tells on further pages.

        Raises:
            errors.NofxError: as `ask`; or it answered with what is no list (code `forge-answer-odd`).
        """
        found: list[JsonObject] = []
        for page in range(1, _MOST_PAGES + 1):
            response = self._send("GET", path, None, {**query, "page": str(page)} if page > 1 else query)
            told = response.json()
            if not isinstance(told, list | tuple) or not all(isinstance(one, Mapping) for one in told):
                message = f"{origin_of(response.url)} answered GET {path} with what is no list"
                raise errors.Unavailable(
                    message, code="forge-answer-odd", hint="see whether `api_url` is that of an API"
                )
            found += [one for one in told if isinstance(one, Mapping)]
            if 'rel="next"' not in response.headers.get("link", ""):
                break
        return found

    def _send(self, method: str, path: str, body: JsonObject | None, query: Mapping[str, str] | None) -> Response:
        url = self._url + path + (f"?{urlencode(query)}" if query else "")
        content = b"" if body is None else json.dumps(dict(body), default=dict).encode()
        headers = {**self._headers, **({"Content-Type": "application/json"} if content else {})}
        response = send(Request(method, url, headers, content), check=self._check)
        if not response.ok:
            raise _refusal(response, f"{method} {path}", token=self._token)
        return response


def _refusal(response: Response, what: str, *, token: str) -> errors.NofxError:
    at, said = origin_of(response.url), shortened(_said(response).replace(token, "***"), _TOLD)
    status, because = response.status, f": {said}" if said else ""
    if status == 429 or (status == 403 and _is_limited(response)):
        message = f"{at} has had enough requests for now{_until(response)}{because}"
        return errors.Unavailable(message, code="forge-rate-limited", hint="try again later: nofx retry latest")
    if status >= 500:
        message = f"{at} answered {what} with status {status}{because}"
        return errors.Unavailable(message, code="forge-unavailable", hint="try again: nofx retry latest")
    if status == 401:
        hint = "see whether it is complete and has not expired: nofx doctor"
        return errors.Denied(f"{at} does not accept the token{because}", code="forge-unauthorized", hint=hint)
    if status == 403:
        hint = "give the token the right to write contents and pull requests of the repository"
        return errors.Denied(f"the token may not do {what} at {at}{because}", code="forge-forbidden", hint=hint)
    if status == 404:
        hint = "mend `repository` or `api_url`, or let the token see the repository"
        return errors.NotFound(f"{at} does not have what {what} needs{because}", code="forge-not-found", hint=hint)
    if 300 <= status < 400:
        hint = "write the new name of the repository: `remote`, `repository`, `api_url`"
        return errors.NotFound(f"{at} says that {what} moved elsewhere", code="forge-moved", hint=hint)
    return Refused(f"{at} refuses {what} with status {status}{because}", hint="mend the inputs of the step")


def _is_limited(response: Response) -> bool:
    return "retry-after" in response.headers or response.headers.get("x-ratelimit-remaining") == "0"


def _until(response: Response) -> str:
    told = response.headers.get("retry-after", "")
    return f"; it asks to wait {told} s" if told.isdecimal() and int(told) <= 24 * _HOUR_S else ""


def _said(response: Response) -> str:
    """What the forge says of the failure, in one line; both forges nest it in their own ways."""
    try:
        value = response.json()
    except errors.Unavailable:
        return ""
    return " ".join("; ".join(_words(value)).split())


def _words(value: JsonValue) -> list[str]:
    match value:
        case str():
            return [value]
        case list() | tuple():
            return [word for item in value for word in _words(item)]
        case Mapping():
            named = [value[name] for name in ("message", "error", "errors", "error_description") if value.get(name)]
            if named:
                return [word for item in named for word in _words(item)]
            fields = [str(value[name]) for name in ("resource", "field", "code") if value.get(name)]
            return (
                [" ".join(fields)] if fields else [f"{name} {word}" for name in value for word in _words(value[name])]
            )
        case _:
            return []
