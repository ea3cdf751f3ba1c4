"""`notify`: say something to a target of `nofx.yaml`, once a step.

It is an effect: on record as intended before it is sent. One that was cut off is sent again, with the same
`X-Nofx-Delivery`: the target may get it twice, never not at all.
"""

from collections.abc import Mapping

from nofx_cli import errors
from nofx_cli.clock import SystemClock, format_at
from nofx_cli.domain.effects import Intent, NotDone, Reconciled
from nofx_cli.domain.ids import JsonObject, digest_of_bytes
from nofx_cli.domain.notices import message_notice
from nofx_cli.domain.notify import NotifyTarget
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.handlers.failures import invalid_inputs
from nofx_cli.handlers.inputs import Field, faults_of, is_template
from nofx_cli.ports.handler import StepContext

TOOL = "notify"
FIELDS = {"target": Field(("text",), required=True), "text": Field(("text",), required=True)}


class Notify:
    """The handler, for the targets that there are now. Its preview is what would be said, and to whom."""

    def __init__(self, targets: Mapping[str, NotifyTarget]) -> None:
        self._targets = targets

    def match(self, tool: str) -> bool:
        return tool == TOOL

    def check(self, inputs: JsonObject) -> list[str]:
        faults = faults_of(inputs, FIELDS)
        target = inputs.get("target")
        if not faults and not is_template(target) and target not in self._targets:
            faults.append(f"`target`: {self._unknown(str(target))}")
        if not faults and not str(inputs["text"]).strip():
            faults.append("`text` is empty")
        return faults

    def preview(self, ctx: StepContext) -> JsonObject:
        faults = self.check(ctx.inputs)
        if faults:
            return {"faults": tuple(faults)}
        target = self._targets[str(ctx.inputs["target"])]
        return {"target": target.name, "url": _shown_address(target), "format": target.format, **_text_of(ctx)}

    def run(self, ctx: StepContext) -> Outcome:
        faults = self.check(ctx.inputs)
        if faults:
            return invalid_inputs(faults)
        target = self._targets[str(ctx.inputs["target"])]
        url, secret = _value(target.url, ctx) if target.is_named_secret else target.url, _value(target.secret, ctx)
        ctx.check_host(url)
        text = str(ctx.inputs["text"])
        effect = ctx.effect(TOOL, target.name, digest_of_bytes(text.encode()))
        if effect.result is not None:
            return Succeeded(effect.result)
        outcome = _said(ctx, target, text=text, url=url, secret=secret)
        if isinstance(outcome, Succeeded):
            effect.done(outcome.outputs)
        return outcome

    def reconcile(self, ctx: StepContext, intent: Intent) -> Reconciled:
        return NotDone()

    def _unknown(self, name: str) -> str:
        from difflib import get_close_matches

        near = get_close_matches(name, self._targets, n=1)
        there = f"there are {', '.join(self._targets)}" if self._targets else "nofx.yaml has none below `notify:`"
        return f"{name} is no target of nofx.yaml; {f'did you mean {near[0]}?' if near else there}"


def _said(ctx: StepContext, target: NotifyTarget, *, text: str, url: str, secret: str) -> Outcome:
    from nofx_cli.safety.notice_request import LIMITS, notice_body, notice_request, refusal
    from nofx_cli.safety.web import Unanswered, send

    now_us = SystemClock().now_us()
    notice = message_notice(text, key=ctx.idempotency_key, run=ctx.run_id, step=ctx.step, at=format_at(now_us))
    request = notice_request(notice, notice_body(notice, target.format), url=url, secret=secret, now_us=now_us)
    try:
        response = send(request, limits=LIMITS, check=ctx.check_cancelled)
    except Unanswered as exc:
        return Failed(StepError(exc.code, exc.message, _TRY.format(target.name)), retryable=True)
    if response.ok:
        ctx.log(f"{target.name} took it: {response.status}")
        return Succeeded({"target": target.name, "status": response.status})
    return Failed(StepError("http-status", refusal(response), _TRY.format(target.name)), retryable=response.may_pass)


_TRY = "nofx notify test {}"


def _value(name: str, ctx: StepContext) -> str:
    """The secret of a target; empty where it has none."""
    scope, _, variable = name.partition("/")
    if name and variable not in ctx.secrets:
        raise errors.InvalidInput(
            f"step {ctx.step} needs the secret {name}, which is in none of its scopes",
            code="notify-secret-missing",
            hint=f"write into the step: secrets_scope: {scope}",
        )
    return ctx.secrets[variable].strip() if name else ""


def _shown_address(target: NotifyTarget) -> str:
    from nofx_cli.safety.web_request import origin_of

    return f"secret {target.url}" if target.is_named_secret else origin_of(target.url)


def _text_of(ctx: StepContext) -> JsonObject:
    return {"text": ctx.inputs["text"]}


HANDLER = Notify({})
