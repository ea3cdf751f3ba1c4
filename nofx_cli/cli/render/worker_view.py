"""The workers of a store, and its queue in a line."""

from collections.abc import Iterator, Sequence

from nofx_cli.cli.output import columns, safe
from nofx_cli.clock import Clock, parse_at
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.wording import counted
from nofx_cli.ports.queue import QueueStats
from nofx_cli.ports.workers import SeenWorker, Standing

_HEAD = ("WORKER", "STATUS", "PID", "HOST", "UP", "BUSY", "STEPS", "A MINUTE", "RUNS")
_STYLES = {"alive": "green", "stopping": "yellow", "gone": "red", "elsewhere": "yellow"}


def as_json(seen: Sequence[SeenWorker], stats: QueueStats) -> JsonObject:
    """The fields that scripts rely on; a test pins them."""
    return {"workers": [_as_json(one) for one in seen], "queue": queue_as_json(stats)}


def queue_as_json(stats: QueueStats) -> dict[str, JsonValue]:
    """The queue at a glance."""
    return {
        "depth": stats.depth,
        "due": stats.due,
        "delayed": stats.delayed,
        "claimed": stats.claimed,
        "dead": stats.dead,
        "oldest_age_ms": stats.oldest_age_ms,
        "paused": stats.paused,
        "damaged": stats.damaged,
    }


def lines(seen: Sequence[SeenWorker], stats: QueueStats, *, clock: Clock) -> Iterator[str]:
    """A table of the workers, what each does below it, and the queue."""
    if seen:
        rows = [_HEAD, *(_row(one, clock) for one in seen)]
        styles = [("dim",) * len(_HEAD), *(("", _STYLES[status_of(one)], *("",) * 7) for one in seen)]
        yield from columns(rows, styles=styles)
        for one in seen:
            for attempt in one.info.doing if one.standing is Standing.ALIVE else ():
                yield f"{one.info.id}  runs {safe(attempt)}"
    else:
        yield "no worker"
    yield queue_line(stats)


def queue_line(stats: QueueStats) -> str:
    """The queue at a glance, in words."""
    parts = [f"{stats.due} due", f"{stats.delayed} delayed", f"{stats.claimed} claimed"]
    if stats.dead:
        parts.append(counted(stats.dead, "dead letter"))
    oldest = f"; the oldest is due for {format_duration(stats.oldest_age_ms)}" if stats.due else ""
    return f"queue: {', '.join(parts)}{oldest}{'; paused' if stats.paused else ''}"


def remedies(seen: Sequence[SeenWorker], stats: QueueStats) -> Iterator[str]:
    """What to type where something needs a person."""
    if stats.paused:
        yield "the queue is paused; go on with: nofx queue resume"
    elif stats.depth and not any(one.standing is Standing.ALIVE for one in seen):
        yield "jobs wait and no worker lives: nofx worker start"
    if stats.dead:
        yield "some jobs could not be delivered: nofx dlq list"
    for one in seen:
        if one.standing is Standing.ELSEWHERE:
            yield f"whether {one.info.id} lives cannot be known here; if it is gone: nofx worker forget {one.info.id}"
        if one.standing is Standing.GONE:
            yield f"{one.info.id} is gone; a living worker takes over what it had, or: nofx doctor --repair"


def status_of(one: SeenWorker) -> str:
    """Its standing, or that it takes no more work."""
    stopping = one.standing is Standing.ALIVE and one.info.stopping
    return "stopping" if stopping else one.standing.value


def _row(one: SeenWorker, clock: Clock) -> tuple[str, ...]:
    info = one.info
    up_ms = max(clock.now_us() - parse_at(info.since), 0) // 1000 if info.since else 0
    alive = one.standing is Standing.ALIVE
    return (
        info.id,
        status_of(one),
        str(info.pid),
        safe(info.host),
        format_duration(up_ms) if up_ms and alive else "",
        f"{len(info.doing)}/{info.concurrency}" if alive else "",
        str(info.steps),
        str(info.last_minute) if alive else "",
        str(info.runs),
    )


def _as_json(one: SeenWorker) -> dict[str, JsonValue]:
    info = one.info
    return {
        "worker": info.id,
        "status": status_of(one),
        "pid": info.pid,
        "host": info.host,
        "since": info.since or None,
        "concurrency": info.concurrency,
        "nofx": info.nofx,
        "log": info.log or None,
        "doing": list(info.doing),
        "steps": info.steps,
        "steps_last_minute": info.last_minute,
        "runs": info.runs,
    }
