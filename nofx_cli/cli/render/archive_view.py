"""The archive of what models answered, as a table, as a page and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nofx_cli.cli.output import columns, paint, safe
from nofx_cli.cli.render.cost_view import exact, money
from nofx_cli.cli.render.event_text import local_date_time
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.exchanges import Exchange
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.models import Usage
from nofx_cli.domain.wording import counted, size_words
from nofx_cli.engine.archive_export import Exported
from nofx_cli.engine.archive_prune import Pruned, PruneOrder
from nofx_cli.ports.archive import ArchiveEntry
from nofx_cli.safety.terminal_text import fence_workflow_commands, neutralise

_SHORT = 12
_HEAD = ("REQUEST", "ANSWERS", "NEWEST", "BYTES", "COST", "MODELS")


def entry_json(entry: ArchiveEntry) -> dict[str, JsonValue]:
    """The fields that scripts rely on; a test pins them. Of what cannot be read, `fault` says why."""
    return {
        "request": entry.request,
        "answers": entry.answers,
        "models": entry.models,
        "at": entry.at or None,
        "bytes": entry.bytes,
        "usd": None if entry.cost_usd is None else exact(entry.cost_usd),
        "fault": entry.fault or None,
    }


def list_lines(entries: Sequence[ArchiveEntry]) -> Iterator[str]:
    """A table of what can be read."""
    rows = [_HEAD, *map(_row, entries)]
    yield from columns(rows, styles=[("dim",) * len(_HEAD), *([("",) * len(_HEAD)] * len(entries))])


def shown_json(request: str, canonical: JsonObject, exchanges: Sequence[Exchange]) -> dict[str, JsonValue]:
    """A request with its answers; a test pins the fields."""
    return {"request": request, "canonical": canonical, "answers": [_exchange_json(one) for one in exchanges]}


def shown_lines(request: str, canonical: Mapping[str, Any], exchanges: Sequence[Exchange]) -> Iterator[str]:
    """The page for people: what was asked, and what was answered, oldest first."""
    yield f"request {paint(request, 'bold')}"
    yield from _facts(
        {
            "models": ", ".join(map(str, canonical.get("models") or ())),
            "schema": "yes" if canonical.get("schema") else "",
            "max output": str(canonical.get("max_output_tokens") or ""),
            "temperature": "" if canonical.get("temperature") is None else str(canonical["temperature"]),
        }
    )
    for message in canonical.get("messages") or ():
        yield ""
        yield paint(f"{safe(str(message.get('role')))}:", "cyan")
        yield from _text(str(message.get("content")))
    for number, exchange in enumerate(exchanges, 1):
        yield ""
        yield from _answer(number, exchange)


def exported_json(done: Exported) -> dict[str, JsonValue]:
    """What was written; a test pins the fields."""
    return {
        "path": done.path,
        "requests": done.requests,
        "answers": done.answers,
        "bytes": done.bytes,
        "missing": done.missing,
        "damaged": done.damaged,
    }


def pruned_json(done: Pruned, *, dry_run: bool) -> dict[str, JsonValue]:
    """What was removed, or would be; a test pins the fields."""
    return {
        "dry_run": dry_run,
        "answers": done.answers,
        "requests": done.requests,
        "bytes": done.bytes,
        "needed": done.needed,
        "damaged": done.damaged,
        "damaged_left": done.damaged_left,
    }


def pruned_words(done: Pruned, order: PruneOrder) -> str:
    """`removed 3 answers and with them 2 requests, 4.1 kB`."""
    verb = "would remove" if order.dry_run else "removed"
    if not done.answers and not done.damaged:
        return f"{verb} nothing"
    requests = f" and with them {counted(done.requests, 'request')}" if done.requests else ""
    parts = [f"{counted(done.answers, 'answer')}{requests}"] if order.answers else []
    if order.damaged:
        parts.append(counted(done.damaged, "damaged entry", "damaged entries"))
    return f"{verb} {', '.join(parts)}, {size_words(done.bytes)}"


def pruned_notes(done: Pruned) -> Iterator[str]:
    """What stays, and why."""
    if done.needed:
        yield f"kept {counted(done.needed, 'answer')} that runs need"
    if done.damaged_left:
        count = counted(done.damaged_left, "entry", "entries")
        yield f"{count} of the archive cannot be read: nofx archive ls"


def _row(entry: ArchiveEntry) -> tuple[str, ...]:
    cost = "?" if entry.cost_usd is None else money(entry.cost_usd)
    models = safe(", ".join(entry.models))
    newest = local_date_time(entry.at)
    return (entry.request[:_SHORT], str(entry.answers), newest, str(entry.bytes), cost, models)


def _answer(number: int, exchange: Exchange) -> Iterator[str]:
    reply = exchange.reply
    head = f"answer {number} of {safe(reply.model)}:"
    yield paint(head, "green")
    yield from _facts(
        {
            "digest": exchange.answer,
            "came": f"{local_date_time(exchange.at)} for step {exchange.step} of run {exchange.run}",
            "cost": "not known" if reply.cost_usd is None else money(reply.cost_usd),
            "tokens": usage_words(reply.usage),
            "took": format_duration(reply.duration_ms),
            "finish": "" if reply.finish == "stop" else reply.finish,
            "shared": "" if exchange.shared else "no: only that step takes it",
        }
    )
    yield from _text(reply.text)


def usage_words(usage: Usage) -> str:
    """`120 in (100 cached), 7 out`; what is not known is told as that."""

    def known(count: int | None) -> str:
        return "?" if count is None else str(count)

    cached = f" ({usage.cached} cached)" if usage.cached else ""
    reasoning = f" ({usage.reasoning} reasoning)" if usage.reasoning else ""
    return f"{known(usage.input)} in{cached}, {known(usage.output)} out{reasoning}"


def _facts(facts: Mapping[str, str]) -> Iterator[str]:
    for name, value in facts.items():
        if value:
            yield f"  {paint(f'{name:<11}', 'dim')} {safe(value)}"


def _text(text: str) -> Iterator[str]:
    """Foreign text on its own lines, harmless and set in, so that none of it looks like ours."""
    for line in neutralise(text, keep_newlines=True).split("\n"):
        yield f"  | {fence_workflow_commands(line)}".rstrip()


def _exchange_json(exchange: Exchange) -> dict[str, JsonValue]:
    reply = exchange.reply
    return {
        "answer": exchange.answer,
        "model": reply.model,
        "text": reply.text,
        "data": reply.data,
        "finish": reply.finish,
        "usage": reply.usage.to_json(),
        "usd": None if reply.cost_usd is None else exact(reply.cost_usd),
        "duration_ms": reply.duration_ms,
        "at": exchange.at,
        "run": exchange.run,
        "step": exchange.step,
        "shared": exchange.shared,
    }
