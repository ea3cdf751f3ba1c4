"""The request that carries a notice: its body as the target takes it, its headers, its signature."""

import json

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.notices import slack_of
from nofx_cli.domain.notify import Format
from nofx_cli.domain.signature import signature_of
from nofx_cli.safety.web_request import Limits, Request, Response, origin_of

LIMITS = Limits(connect_ms=5_000, whole_ms=10_000, reads_body=False)
"""What a receiver gets to say that it has a notice, by its status alone; what it does with that, it does afterwards."""


def notice_body(notice: JsonObject, form: Format) -> JsonObject:
    """What is sent of a notice."""
    return slack_of(notice) if form == "slack" else notice


def notice_request(notice: JsonObject, body: JsonValue, *, url: str, secret: str, now_us: int) -> Request:
    """The request, signed where there is a secret. `X-Nofx-Delivery` is the same whenever the notice is sent."""
    # Names of files may have what no encoding has; JSON has a way to write it.
    data = json.dumps(body, ensure_ascii=False, default=dict).encode("utf-8", "backslashreplace")
    headers = {
        "Content-Type": "application/json",
        "X-Nofx-Event": str(notice["type"]),
        "X-Nofx-Delivery": str(notice["id"]),
        "X-Nofx-Timestamp": str(now_us // 1_000_000),
    }
    if secret:
        headers["X-Nofx-Signature"] = signature_of(secret, timestamp=headers["X-Nofx-Timestamp"], body=data)
    return Request("POST", url, headers, data)


def refusal(response: Response) -> str:
    """What is wrong with an answer that is not one of success."""
    more = ", and points to another address" if 300 <= response.status < 400 else ""
    return f"{origin_of(response.url)} answered with status {response.status}{more}"
