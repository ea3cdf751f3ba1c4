"""The jobs of the queue, and the dead letters, as tables and as JSON."""

from collections.abc import Iterator, Sequence

from nofx_cli.cli.output import columns, paint, safe
from nofx_cli.clock import format_at
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import JsonValue
from nofx_cli.engine.view_queue import QueueView, WaitingJob
from nofx_cli.ports.queue import ClaimedJob, Job

_WAITING_HEAD = ("RUN", "STEP", "TRY", "PRIORITY", "DUE", "FAILED", "WHY")
_CLAIMED_HEAD = ("RUN", "STEP", "TRY", "PRIORITY", "WORKER")
_DEAD_HEAD = ("DEAD LETTER", "FAILED", "WHY")


def as_json(view: QueueView) -> list[dict[str, JsonValue]]:
    """The fields that scripts rely on; a test pins them."""
    return [*map(_waiting_json, view.waiting), *map(_claimed_json, view.claimed)]


def job_json(job: Job) -> dict[str, JsonValue]:
    """What every job has, dead letters too."""
    return {
        "key": job.key,
        "run": job.run,
        "step": job.step,
        "attempt": job.attempt,
        "priority": job.priority,
        "failures": job.failures,
        "reason": job.reason or None,
        "enqueued_at": format_at(job.enqueued_us),
    }


def lines(view: QueueView) -> Iterator[str]:
    """A table of what waits, in the order in which it goes, and one of what workers hold."""
    if view.waiting:
        rows = [_WAITING_HEAD, *(_waiting_row(waiting) for waiting in view.waiting)]
        yield from columns(rows, styles=_styles(rows))
    if view.waiting and view.claimed:
        yield ""
    if view.claimed:
        claimed_rows = [_CLAIMED_HEAD, *(_claimed_row(claimed) for claimed in view.claimed)]
        yield from columns(claimed_rows, styles=_styles(claimed_rows))


def dead_lines(letters: Sequence[Job]) -> Iterator[str]:
    """A table of dead letters, oldest first."""
    rows = [_DEAD_HEAD, *((safe(job.key), str(job.failures), safe(job.reason)) for job in letters)]
    yield from columns(rows, styles=_styles(rows))


def dead_letter_lines(job: Job, *, run_status: str, commands: Sequence[tuple[str, str]]) -> Iterator[str]:
    """One dead letter, and what to type: commands, and what each is for."""
    yield f"dead letter {paint(safe(job.key), 'bold')}"
    from nofx_cli.cli.render.event_text import local_date_time

    facts = {
        "run": f"{job.run}, {run_status}",
        "step": f"{job.step}, attempt {job.attempt}",
        "failed": f"{job.failures} times",
        "why": job.reason,
        "queued": local_date_time(format_at(job.enqueued_us)),
    }
    for name, value in facts.items():
        yield f"  {paint(f'{name:<6}', 'dim')}  {safe(value)}"
    yield ""
    wide = max(len(command) for command, _ in commands)
    for command, purpose in commands:
        yield f"{safe(command):<{wide}}  {paint(purpose, 'dim')}"


def _waiting_json(waiting: WaitingJob) -> dict[str, JsonValue]:
    state = "delayed" if waiting.due_in_ms else "due"
    return {**job_json(waiting.job), "state": state, "due_in_ms": waiting.due_in_ms, "worker": None}


def _claimed_json(claimed: ClaimedJob) -> dict[str, JsonValue]:
    return {**job_json(claimed.job), "state": "claimed", "due_in_ms": None, "worker": claimed.worker}


def _waiting_row(waiting: WaitingJob) -> tuple[str, ...]:
    job = waiting.job
    due = f"in {format_duration(waiting.due_in_ms)}" if waiting.due_in_ms else "now"
    return (*_named(job), str(job.priority), due, str(job.failures or ""), safe(job.reason))


def _claimed_row(claimed: ClaimedJob) -> tuple[str, ...]:
    return (*_named(claimed.job), str(claimed.job.priority), safe(claimed.worker))


def _named(job: Job) -> tuple[str, str, str]:
    return safe(job.run), safe(job.step), str(job.attempt)


def _styles(rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    width = len(rows[0])
    return [("dim",) * width, *(("",) * width for _ in rows[1:])]
