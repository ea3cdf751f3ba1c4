"""The text of a pull request: what the plan says, what speaks for it, and the mark by which it is known again."""

import re
from string import Template

from nofx_cli import errors
from nofx_cli.domain.evidence import Evidence, GateFact
from nofx_cli.domain.wording import counted, dollars
from nofx_cli.handlers.pull_requests.options import Options
from nofx_cli.ports.handler import StepContext
from nofx_cli.safety.paths import contained

PLACEHOLDERS = ("body", "gates", "cost", "journal", "run", "step")
_TEMPLATE = "${body}\n\n${gates}\n\n${cost}\n\n${journal}"
_LATER = "Here will stand what models cost, and the end of the journal."
_MARK = re.compile(r"<!-- nofx:pull-request (?P<run>[^\s:]+):(?P<step>[^\s:]+):(?P<inputs>[0-9a-f]+) -->")
_MOST_BYTES, _MOST_SENT = 60_000, 64_000
"""As it is approved, and with what is only known when it is opened; forges take 65,536 characters or more."""


def told_body(ctx: StepContext, options: Options) -> str:
    """The body as a person approves it: what is only known when it is opened is said to come."""
    return _filled(ctx, options, cost=_LATER, journal="", gates=_gates(ctx.evidence().gates), most=_MOST_BYTES)


def opened_body(ctx: StepContext, options: Options) -> str:
    """The body as it is sent, with the mark."""
    evidence = ctx.evidence()
    facts = {"cost": _cost(evidence), "journal": _journal(ctx, evidence), "gates": _gates(evidence.gates)}
    text = _filled(ctx, options, most=_MOST_SENT, **facts)
    return f"{text}\n\n{mark(ctx)}\n"


def mark(ctx: StepContext) -> str:
    """What a pull request is known again by: the idempotency key, which people do not see."""
    return f"<!-- nofx:pull-request {ctx.idempotency_key} -->"


def marked_by(body: str) -> str:
    """The idempotency key of the step that opened a pull request with this body; empty where it is none of nofx's."""
    found = _MARK.findall(body)
    return ":".join(found[-1]) if found else ""


def _filled(ctx: StepContext, options: Options, *, most: int, **facts: str) -> str:
    template = _template(ctx, options)
    values = {"body": options.body, "run": ctx.run_id, "step": ctx.step, **facts}
    text = Template(template).safe_substitute(values)  # `$5` stays what it is
    text = re.sub(r"\n{3,}", "\n\n", _MARK.sub("", text)).strip()  # a mark of another pull request, quoted
    if len(text.encode()) > most:
        raise errors.InvalidInput(
            f"the body of the pull request is longer than {most} bytes",
            code="body-too-long",
            hint="shorten `body`, or put what is long into a file",
        )
    return text


def _template(ctx: StepContext, options: Options) -> str:
    if not options.body_template:
        return _TEMPLATE
    path = contained(ctx.workspace, options.body_template)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise errors.NotFound(
            f"the template {options.body_template} cannot be read",
            code="body-template-unreadable",
            hint="name a text file below the project as `body_template`",
        ) from exc


def _gates(gates: tuple[GateFact, ...]) -> str:
    if not gates:
        return ""
    rows = [f"| {gate.step} | {gate.gate} | {gate.verdict.replace('_', ' ')} | {_cell(gate)} |" for gate in gates]
    return "\n".join(["| step | gate | verdict | what it counted |", "|---|---|---|---|", *rows])


def _cell(gate: GateFact) -> str:
    counts = ", ".join(f"{name.replace('_', ' ')}: {number}" for name, number in gate.counts.items())
    text = counts or gate.summary
    return re.sub(r"[\s|]+", " ", text).strip()


def _cost(evidence: Evidence) -> str:
    if not evidence.calls:
        return "Cost: no model was asked."
    unknown = f"; of {counted(evidence.unknown_calls, 'call')} it is not known" if evidence.unknown_calls else ""
    return f"Cost: {dollars(evidence.usd)} for {counted(evidence.calls, 'call')} to models{unknown}."


def _journal(ctx: StepContext, evidence: Evidence) -> str:
    proof = f"nofx verify {ctx.run_id} --expect-head {evidence.head}"
    return f"Step `{ctx.step}` of a run of nofx. That its journal was not changed since: `{proof}`"
