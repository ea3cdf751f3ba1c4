"""What `nofx notify status` shows."""

from collections.abc import Iterator
from typing import Any

from nofx_cli.cli.output import safe
from nofx_cli.clock import parse_at
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.wording import counted
from nofx_cli.engine.deliver import Courier
from nofx_cli.safety.web_request import origin_of


def target_json(courier: Courier) -> JsonObject:
    """How a target does; of its address only the host, which is no secret."""
    target, health = courier.target, courier.outbox.health
    runs, events = courier.left()
    return {
        "target": target.name,
        "format": target.format,
        "url": f"secret {target.url}" if target.is_named_secret else origin_of(target.url),
        "signed": bool(target.secret),
        "events": target.events,
        "left": {"runs": runs, "events": events},
        "failing_since": health.since,
        "tries": health.tries,
        "next_us": health.next_us,
        "error": health.error,
    }


def target_lines(shown: JsonValue, *, now_us: int) -> Iterator[str]:
    targets: Any = shown.get("targets", ()) if isinstance(shown, dict) else ()
    for one in targets:
        signed = "signed" if one["signed"] else "not signed"
        yield f"{safe(one['target'])}  {one['format']} to {safe(one['url'])}, {signed}"
        yield f"  is told of  {', '.join(one['events'])}"
        left = one["left"]
        yield f"  left        {counted(left['events'], 'event')} of {counted(left['runs'], 'run')}"
        if one["tries"]:
            for_ms = (now_us - parse_at(one["failing_since"])) / 1000
            again_ms = max((one["next_us"] - now_us) / 1000, 0)
            yield f"  fails       for {format_duration(for_ms)}, {counted(one['tries'], 'time')}: {safe(one['error'])}"
            yield f"  next try    in {format_duration(again_ms)}; now: nofx notify send {safe(one['target'])}"
