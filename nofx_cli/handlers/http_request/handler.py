"""`http`: send one request, and go by the status of the answer.

A request with `GET`, `HEAD` or `OPTIONS` changes nothing and may simply run again. Any other is an effect: it is on
record as intended before it is sent, and as made once an answer with an expected status is there. What is known when
that was cut off, or failed:

- `reconcile: {url, expect}` asks by `GET`: an expected status says that it was made, 404 and 410 that it was not;
- what did not reach the server, or was refused with a status of 400 to 499 but 408, was not made: that is kept;
- `PUT` and `DELETE` come to the same if they are sent twice, and so does what carries a key in a header that the plan
  names (`idempotency_header: Idempotency-Key`): they are sent again;
- for the rest a person decides. The key is sent by default, too, but whether a server keeps to it only the plan knows.
"""

import json
from collections.abc import Mapping

from nofx_cli.domain.effects import Done, Intent, NotDone, Reconciled, Unclear
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.handlers.failures import invalid_inputs
from nofx_cli.handlers.http_request.inputs import expects, input_faults
from nofx_cli.ports.handler import StepContext

TOOL = "http"
REFUSED = "not-made.json"
"""The artifact that tells of an attempt that changed nothing."""
_WHOLE_MS = 24 * 3_600_000  # the step's own time limit is what counts
_ANSWER_BYTES = 64 * 1024 * 1024
_GAVE_UP_WAITING = 408
_GONE = (404, 410)


class Http:
    """The handler. Its preview is the request without its secrets."""

    default_timeout_ms = 60_000

    def match(self, tool: str) -> bool:
        return tool == TOOL

    def check(self, inputs: JsonObject) -> list[str]:
        return input_faults(inputs)

    def preview(self, ctx: StepContext) -> JsonObject:
        faults = self.check(ctx.inputs)
        if faults:
            return {"faults": tuple(faults)}
        from nofx_cli.handlers.http_request.request import planned

        return planned(ctx).shown

    def run(self, ctx: StepContext) -> Outcome:
        faults = self.check(ctx.inputs)
        if faults:
            return invalid_inputs(faults)
        from nofx_cli.handlers.http_request.request import planned

        plan = planned(ctx)
        ctx.check_host(plan.request.url)
        request = plan.to_send(ctx)
        if not plan.changes:
            return _sent(ctx, request)
        effect = ctx.effect(f"http.{plan.request.method.lower()}", plan.target, plan.digest)
        if effect.result is not None:
            return Succeeded(effect.result)
        outcome = _sent(ctx, request, keeps=True)
        if isinstance(outcome, Succeeded):
            effect.done(outcome.outputs)
        return outcome

    def reconcile(self, ctx: StepContext, intent: Intent) -> Reconciled:
        from nofx_cli.handlers.http_request.request import planned

        asked = ctx.inputs.get("reconcile")
        if isinstance(asked, Mapping):
            return _looked(ctx, asked)
        plan = planned(ctx)
        if plan.may_be_repeated or _was_not_made(ctx, intent.attempt):
            return NotDone()
        return Unclear(f"a {plan.request.method} to {plan.target} was sent, and no answer is on record")


def _sent(ctx: StepContext, request: object, *, keeps: bool = False) -> Outcome:
    """Send it, and judge the answer; `keeps` has it on record where nothing can have changed."""
    from nofx_cli.handlers.http_request.answer import outputs_of, unanswered, unexpected
    from nofx_cli.safety.web import Limits, Request, Unanswered, send

    assert isinstance(request, Request)
    limits = Limits(whole_ms=_WHOLE_MS, answer_bytes=_ANSWER_BYTES)
    ctx.log(f"{request.method} {request.url}")
    try:
        response = send(request, limits=limits, check=ctx.check_cancelled, on_redirect=ctx.check_host)
    except Unanswered as exc:
        if keeps and not exc.may_have_arrived:
            _keep(ctx, exc.message)
        return unanswered(exc)
    ctx.log(f"{response.status}, {len(response.body)} bytes")
    if expects(response.status, ctx.inputs.get("expect", "2xx")):
        return Succeeded(outputs_of(ctx, response))
    if keeps and 400 <= response.status < 500 and response.status != _GAVE_UP_WAITING:
        _keep(ctx, f"refused with status {response.status}")
    return unexpected(ctx, response)


def _keep(ctx: StepContext, why: str) -> None:
    ctx.put_artifact(REFUSED, json.dumps({"attempt": ctx.attempt, "why": why}))


def _was_not_made(ctx: StepContext, attempt: int) -> bool:
    told = [artifact for artifact in ctx.artifacts_of(ctx.step) if artifact.name == REFUSED]
    return any(json.loads(ctx.read_artifact(one)).get("attempt") == attempt for one in told[-1:])


def _looked(ctx: StepContext, asked: JsonObject) -> Reconciled:
    """Ask the server whether it was made, with the headers of the request."""
    from nofx_cli.handlers.http_request.request import planned, secret_headers
    from nofx_cli.safety.web import Limits, Request, origin_of, send

    plan, url = planned(ctx), str(asked["url"])
    ctx.check_host(url)
    same_server = origin_of(url) == origin_of(plan.request.url)
    headers = secret_headers(plan.secret_headers, ctx) if same_server else {}
    response = send(Request("GET", url, headers), limits=Limits(), on_redirect=ctx.check_host)
    if expects(response.status, asked.get("expect", "2xx")):
        return Done({"status": response.status, "found": url})
    if response.status in _GONE:
        return NotDone()
    return Unclear(f"whether a {plan.request.method} to {plan.target} was made: {url} answered {response.status}")


HANDLER = Http()
