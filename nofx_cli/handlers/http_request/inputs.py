"""What a step says of its request, and what is wrong with that."""

import re
from collections.abc import Iterator, Mapping, Sequence

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.handlers.inputs import Field, faults_of, is_scalar, is_template, word_for

FIELDS = {
    "url": Field(("text",), required=True),
    "method": Field(("text",)),
    "headers": Field(("mapping",)),
    "secret_headers": Field(("mapping",)),
    "query": Field(("mapping",)),
    "body": Field(("text",)),
    "json": Field(("anything",)),
    "form": Field(("mapping",)),
    "file": Field(("mapping",)),
    "expect": Field(("text", "number", "list")),
    "idempotency_header": Field(("text", "flag")),
    "save": Field(("text",)),
    "reconcile": Field(("mapping",)),
}
BODIES = ("body", "json", "form", "file")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
REPEATABLE = frozenset({"PUT", "DELETE"})
"""Methods that change, and come to the same however often they are sent (RFC 9110, 9.2.2)."""
IDEMPOTENCY_HEADER = "Idempotency-Key"
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""Where a secret of the step's scopes stands in a secret header."""

_STATUS = re.compile(r"[1-5](xx|[0-9]{2})")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OF_RECONCILE = {"url": Field(("text",), required=True), "expect": FIELDS["expect"]}
_NOT_TO_SET = {"host": "the address says it", "content-length": "the body says it", "transfer-encoding": "nofx says it"}


def input_faults(inputs: JsonObject) -> list[str]:
    """What is wrong with the inputs; values may still be templates."""
    return faults_of(inputs, FIELDS) or list(_faults(inputs))


def method_of(inputs: JsonObject) -> str:
    return str(inputs.get("method", "GET")).upper()


def _faults(inputs: JsonObject) -> Iterator[str]:
    yield from _url_faults("url", inputs["url"])
    yield from _method_faults(inputs)
    yield from _header_faults("headers", inputs)
    yield from _header_faults("secret_headers", inputs)
    yield from _value_faults(inputs)
    yield from _expect_faults("expect", inputs.get("expect"))
    yield from _reconcile_faults(inputs)


def _url_faults(name: str, url: JsonValue) -> Iterator[str]:
    from nofx_cli.safety.hosts import UnreadableHost, read_address

    text = str(url)
    authority = text.partition("://")[2].partition("/")[0]
    if is_template(text.partition("://")[0]) or is_template(authority) or "{{" in authority:
        return
    if not text.lower().startswith(("http://", "https://")):
        yield f"`{name}` must begin with https:// or http://"
        return
    try:
        read_address(text)
    except UnreadableHost as exc:
        yield f"`{name}` cannot be used: {exc}"


def _method_faults(inputs: JsonObject) -> Iterator[str]:
    method = inputs.get("method", "GET")
    given = [name for name in BODIES if name in inputs]
    if len(given) > 1:
        yield f"give one of `{'`, `'.join(given)}`"
    if is_template(method):
        return
    if str(method).upper() not in METHODS:
        yield f"`method` must be one of {', '.join(METHODS)}, not {method}"
    elif str(method).upper() in READS:
        if given:
            yield f"`{given[0]}` is for a `method` that sends a body, such as POST"
        if "reconcile" in inputs:
            yield "`reconcile` is for a `method` that changes something"


def _header_faults(name: str, inputs: JsonObject) -> Iterator[str]:
    headers = inputs.get(name, {})
    if not isinstance(headers, Mapping):
        return
    for header, value in headers.items():
        if not is_template(header) and not _TOKEN.fullmatch(header):
            yield f"`{name}`: `{header}` is no name of a header"
        elif header.lower() in _NOT_TO_SET:
            yield f"`{name}`: {header} is not to be set: {_NOT_TO_SET[header.lower()]}"
        elif not is_scalar(value):
            yield f"`{name}`: {header} must be a text, not {word_for(value)}"
        elif name == "secret_headers" and not is_template(value) and not PLACEHOLDER.search(str(value)):
            yield f'`{name}`: {header} names no secret; write it like "Bearer {{TOKEN}}", of a secret TOKEN'


def _value_faults(inputs: JsonObject) -> Iterator[str]:
    for name in ("query", "form"):
        values = inputs.get(name, {})
        if isinstance(values, Mapping):
            wrong = [key for key, value in values.items() if not _is_value(value)]
            yield from (f"`{name}`: {key} must be a text, a number, or a list of them" for key in wrong)
    file = inputs.get("file")
    if isinstance(file, Mapping) and not {"step", "name"} <= set(file) <= {"step", "name", "type"}:
        yield "`file` must have `step` and `name` of an artifact, may have the media `type`, and nothing else"


def _is_value(value: JsonValue) -> bool:
    return all(map(_is_plain, value)) if isinstance(value, list | tuple) else _is_plain(value)


def _is_plain(value: JsonValue) -> bool:
    return is_scalar(value) or isinstance(value, bool)


def _expect_faults(name: str, expect: JsonValue) -> Iterator[str]:
    if expect is None or is_template(expect):
        return
    for one in expect if isinstance(expect, list | tuple) else (expect,):
        if not is_template(one) and not _STATUS.fullmatch(str(one)):
            yield f"`{name}` takes statuses such as 201, classes such as 2xx, or a list of them, not {one}"


def _reconcile_faults(inputs: JsonObject) -> Iterator[str]:
    asked = inputs.get("reconcile")
    if not isinstance(asked, Mapping):
        return
    faults = faults_of(asked, _OF_RECONCILE)
    yield from (
        f"`reconcile`: {fault.replace('`', '')}" for fault in faults
    )  # the place told is the first in backticks
    if not faults:
        yield from _url_faults("reconcile.url", asked["url"])
        yield from _expect_faults("reconcile.expect", asked.get("expect"))


def expects(status: int, expect: JsonValue) -> bool:
    """Whether a status is one that is expected."""
    wanted: Sequence[JsonValue] = expect if isinstance(expect, list | tuple) else (expect,)
    return any(str(one) in (str(status), f"{status // 100}xx") for one in wanted)
