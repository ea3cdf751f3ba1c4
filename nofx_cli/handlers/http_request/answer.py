"""What a step makes of an answer: its outputs, or why it failed."""

from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.outcome import Failed, StepError
from nofx_cli.handlers.failures import see_log
from nofx_cli.ports.handler import StepContext
from nofx_cli.safety.web_request import Response, Unanswered, origin_of

BODY_LIMIT = 32 * 1024
"""How large an answer can be to become an output; a larger one is kept as an artifact."""
KEPT_UNDER = "answer"
_LOGGED = 2_000
_HEADERS = (
    "content-type",
    "content-length",
    "etag",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "x-request-id",
)
_TEXTS = ("text/", "application/json", "application/xml", "application/problem+json", "application/x-www-form")


def outputs_of(ctx: StepContext, response: Response) -> JsonObject:
    """`status`, `headers`, and the answer as `json` or `body`; where it is large, no text, or to be saved, `saved`."""
    outputs: dict[str, JsonValue] = {
        "status": response.status,
        "headers": {name: response.headers[name] for name in _HEADERS if name in response.headers},
    }
    saved = str(ctx.inputs.get("save") or "")
    fits = len(response.body) <= BODY_LIMIT and _is_text(response)
    if response.body and (saved or not fits):
        ctx.put_artifact(saved or KEPT_UNDER, response.body)
        outputs["saved"] = saved or KEPT_UNDER
    if not response.body or not fits:
        return outputs
    is_json, value = _json(response)
    return {**outputs, "json": value} if is_json else {**outputs, "body": response.text}


def unexpected(ctx: StepContext, response: Response) -> Failed:
    """The failure of a step whose answer has a status that is not expected."""
    ctx.log(f"{response.status}: {_beginning(response)}")
    where, status = origin_of(response.url), response.status
    wait_ms = response.retry_after_ms(_now_us())
    hint = see_log(ctx)
    message = f"{where} answered with status {status}"
    if 300 <= status < 400 and "location" in response.headers:
        message += f", and points to {origin_of(response.headers['location']) or 'another place'}"
        hint = "redirects are followed by GET and HEAD, on the same host; write where it is now into `url`"
    elif wait_ms:
        message += f", and wants to be left alone for {format_duration(wait_ms)}"
        hint = "let the step try again when that is over: retry: {max_attempts: 3}"
    error = StepError("http-status", message, hint)
    return Failed(error, retryable=response.may_pass, outputs={"status": status}, wait_ms=round(wait_ms))


def unanswered(exc: Unanswered) -> Failed:
    """The failure of a step that got no answer."""
    hint = exc.hint or "give the step `retry`, or see whether the server is there"
    return Failed(StepError(exc.code, exc.message, hint), retryable=exc.code != "http-answer-too-large")


def _is_text(response: Response) -> bool:
    kind = response.headers.get("content-type", "").lower()
    return kind.startswith(_TEXTS) or "+json" in kind or "charset=" in kind


def _json(response: Response) -> tuple[bool, JsonValue]:
    from nofx_cli import errors

    if "json" not in response.headers.get("content-type", "").lower():
        return False, None
    try:
        return True, response.json()
    except errors.Unavailable:
        return False, None


def _beginning(response: Response) -> str:
    return response.text[:_LOGGED] if _is_text(response) else f"{len(response.body)} bytes"


def _now_us() -> int:
    from nofx_cli.clock import SystemClock

    return SystemClock().now_us()
