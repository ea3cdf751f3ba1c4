"""The list of runs."""

from collections import Counter
from collections.abc import Iterable, Sequence

from nofx_cli.cli.output import columns, paint, safe, shorten, width
from nofx_cli.cli.render.status import style_of
from nofx_cli.clock import Clock, parse_at
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import JsonValue, RunId
from nofx_cli.engine.list_runs import ListedRun

_SUFFIX = 6
_SHORTEST = 3
_HEAD = ("RUN", "STATUS", "AGE", "TOOK", "STEPS", "PLAN", "GOAL")


def as_json(listed: ListedRun) -> dict[str, JsonValue]:
    """The fields that scripts rely on; a test pins them."""
    return {
        "run": listed.run,
        "status": listed.status or None,
        "live": listed.live,
        "queued": listed.queued,
        "plan": listed.plan,
        "goal": listed.goal,
        "actor": listed.actor,
        "created_at": listed.created_at or None,
        "ended_at": listed.ended_at or None,
        "duration_ms": listed.duration_ms,
        "steps": {"total": listed.total_steps, **(listed.steps or {})},
        "next": next_command(listed) or None,
        "fault": listed.fault or None,
    }


def next_command(listed: ListedRun) -> str:
    """What to type where the run needs somebody."""
    if listed.fault:
        return f"nofx verify {listed.run}"
    if listed.interrupted:
        return f"nofx resume {listed.run}"
    return f"nofx show {listed.run}" if listed.status == "waiting" else ""


def lines(runs: Sequence[ListedRun], *, clock: Clock, marked: "dict[RunId, int]", terminal_width: int) -> Iterable[str]:
    """The table. `marked` says how many characters at the end of an id name it alone; 0 for no limit of the width."""
    rows = [_HEAD, *(_row(listed, clock) for listed in runs)]
    styles = [("dim",) * len(_HEAD), *(("", style_of(listed.shown_status), *("",) * 5) for listed in runs)]
    last = len(_HEAD) - 1
    if terminal_width:
        left = terminal_width - sum(max(width(row[at]) for row in rows) + 2 for at in range(last))
        rows = [(*row[:last], shorten(row[last], max(left, 8))) for row in rows]
    plain = columns(rows, styles=styles)
    for line, listed in zip(plain, [None, *runs], strict=True):
        yield _mark(line, listed.run, marked.get(listed.run, 0)) if listed else line


def shortest_names(shown: Iterable[RunId], every: Sequence[RunId]) -> dict[RunId, int]:
    """For each shown run, how many characters at the end of its id name it among all runs."""
    ends = [run[-_SUFFIX:] for run in every]
    taken = {length: Counter(end[-length:] for end in ends) for length in range(_SHORTEST, _SUFFIX + 1)}
    dates = {run[:8] for run in every}
    return {run: _shortest(run, taken, dates) for run in shown}


def _shortest(run: RunId, taken: dict[int, Counter[str]], dates: set[str]) -> int:
    for length in range(_SHORTEST, _SUFFIX + 1):
        end = run[-length:]
        if taken[length][end] == 1 and not any(date.startswith(end) for date in dates):
            return length
    return len(run)


def _mark(line: str, run: RunId, length: int) -> str:
    if not length or not line.startswith(run):
        return line
    at = len(run) - length
    return paint(run[:at], "dim") + paint(run[at:], "bold") + line[len(run) :]


def _row(listed: ListedRun, clock: Clock) -> tuple[str, ...]:
    age = format_age((clock.now_us() - parse_at(listed.created_at)) // 1_000_000) if listed.created_at else ""
    took = format_duration(listed.duration_ms) if listed.created_at else ""
    return (
        listed.run,
        listed.shown_status,
        age,
        took,
        _steps(listed),
        safe(listed.plan),
        safe(listed.goal or listed.fault),
    )


def _steps(listed: ListedRun) -> str:
    if listed.fault:
        return ""
    done = "-" if listed.steps is None else str(listed.steps.get("succeeded", 0))
    return f"{done}/{listed.total_steps}"


def format_age(seconds: int) -> str:
    """How long ago, in the largest whole unit: `5s 12m 3h 40d`."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{max(seconds, 0)}s"
