"""The request of a step: what a plan shows of it, and what is sent, with the secrets."""

from collections.abc import Mapping
from dataclasses import replace

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, JsonValue, StepName, canonical_json, digest_of_bytes
from nofx_cli.domain.record import record
from nofx_cli.handlers.http_request.inputs import (
    BODIES,
    IDEMPOTENCY_HEADER,
    PLACEHOLDER,
    READS,
    REPEATABLE,
    method_of,
)
from nofx_cli.handlers.kept_artifact import read_kept
from nofx_cli.ports.handler import StepContext
from nofx_cli.safety.web_request import Request


@record
class Planned:
    """A request without its secrets.

    Attributes:
        secret_headers: with the names of secrets in braces.
        idempotency_header: the header that the key goes into; empty where none is sent.
        names_header: whether the plan names it, and so says that the server keeps to it.
    """

    request: Request
    secret_headers: Mapping[str, str]
    idempotency_header: str = ""
    names_header: bool = False

    @property
    def changes(self) -> bool:
        return self.request.method not in READS

    @property
    def may_be_repeated(self) -> bool:
        """Whether it comes to the same if it arrives twice."""
        return self.names_header or self.request.method in REPEATABLE

    @property
    def target(self) -> str:
        """Where it goes, without the query."""
        return self.request.url.partition("?")[0].partition("#")[0]

    @property
    def shown(self) -> JsonObject:
        """What a person approves."""
        shown: dict[str, JsonValue] = {"method": self.request.method, "url": self.request.url}
        if self.request.headers:
            shown["headers"] = self.request.headers
        if self.secret_headers:
            shown["secret_headers"] = self.secret_headers
        if self.request.body:
            shown |= {"body_digest": digest_of_bytes(self.request.body), "body_bytes": len(self.request.body)}
        if self.idempotency_header:
            shown["idempotency_header"] = self.idempotency_header
        return shown

    @property
    def digest(self) -> str:
        return digest_of_bytes(canonical_json(self.shown).encode())

    def to_send(self, ctx: StepContext) -> Request:
        """With the secrets and the idempotency key.

        Raises:
            errors.InvalidInput: the step does not have a secret that a header names (code `http-secret-missing`).
        """
        headers = {**self.request.headers, **secret_headers(self.secret_headers, ctx)}
        if self.idempotency_header:
            headers[self.idempotency_header] = ctx.idempotency_key
        return replace(self.request, headers=headers)


def planned(ctx: StepContext) -> Planned:
    """The request of rendered inputs without faults.

    Raises:
        errors.NotFound: the artifact that is to be sent does not exist.
    """
    inputs, method = ctx.inputs, method_of(ctx.inputs)
    body, media_type = _body(ctx)
    headers = _texts(inputs.get("headers"))
    if media_type and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = media_type
    request = Request(method, _with_query(str(inputs["url"]), inputs.get("query")), headers, body)
    named = inputs.get("idempotency_header", method not in READS)
    header = IDEMPOTENCY_HEADER if named is True else str(named or "")
    says_so = bool(named) and "idempotency_header" in inputs
    return Planned(request, _texts(inputs.get("secret_headers")), header, says_so)


def secret_headers(templates: Mapping[str, str], ctx: StepContext) -> dict[str, str]:
    """The values of headers that name secrets. Raises `errors.InvalidInput` where the step does not have one."""
    missing = [name for text in templates.values() for name in PLACEHOLDER.findall(text) if name not in ctx.secrets]
    if missing:
        raise errors.InvalidInput(
            f"a header of step {ctx.step} needs the secret {missing[0]}, which is in none of its scopes",
            code="http-secret-missing",
            hint="name its scope in `secrets_scope` of the step; scopes stand below `secrets:` in nofx.yaml",
        )
    return {name: PLACEHOLDER.sub(lambda found: ctx.secrets[found[1]], text) for name, text in templates.items()}


def _with_query(url: str, query: JsonValue) -> str:
    if not isinstance(query, Mapping) or not query:
        return url
    from urllib.parse import urlencode

    place, mark, fragment = url.partition("#")
    return f"{place}{'&' if '?' in place else '?'}{urlencode(_pairs(query))}{mark}{fragment}"


def _body(ctx: StepContext) -> tuple[bytes, str]:
    """The bytes, and their media type where the kind of body tells it."""
    import json
    from urllib.parse import urlencode

    kind = next((name for name in BODIES if name in ctx.inputs), "")
    given = ctx.inputs.get(kind)
    if kind == "json":
        return json.dumps(given, ensure_ascii=False, default=dict).encode(), "application/json"
    if kind == "form" and isinstance(given, Mapping):
        return urlencode(_pairs(given)).encode(), "application/x-www-form-urlencoded"
    if kind == "file" and isinstance(given, Mapping):
        data = read_kept(ctx, StepName(str(given["step"])), str(given["name"]))
        return data, str(given.get("type") or "application/octet-stream")
    return (str(given).encode(), "text/plain; charset=utf-8") if kind else (b"", "")


def _pairs(values: Mapping[str, JsonValue]) -> list[tuple[str, str]]:
    return [
        (name, _word(one))
        for name, value in values.items()
        for one in (value if isinstance(value, list | tuple) else (value,))
    ]


def _word(value: JsonValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _texts(values: JsonValue) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()} if isinstance(values, Mapping) else {}
