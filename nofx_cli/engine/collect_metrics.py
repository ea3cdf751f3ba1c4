"""What `nofx metrics` tells of a store, as families of samples with the names that Prometheus would give them.

Everything comes from the journals, the queue and the records of the workers, so it is the work of all processes
together, also of those that are gone. Counters count what is in the store: they go down when runs are taken away, as
they do when a program starts anew.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import accumulate
from typing import Literal, TypeVar

from nofx_cli import __version__
from nofx_cli.domain.record import record
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.measure_runs import BOUNDS_MS, Durations, RunMeasures, measure_runs
from nofx_cli.engine.services import Services
from nofx_cli.ports.queue import QueueStats
from nofx_cli.ports.workers import SeenWorker, Standing

S = TypeVar("S", bound=StrEnum)


@record
class Sample:
    """A number. `suffix` stands behind the family's name, for the parts of a histogram."""

    value: float
    labels: tuple[tuple[str, str], ...] = ()
    suffix: str = ""


@record
class Family:
    """All samples of one name. Times are in seconds."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    samples: Sequence[Sample]


def collect_metrics(services: Services) -> list[Family]:
    """Read every journal, the queue and the records of the workers.

    Raises:
        errors.StoreFailure: the queue cannot be read.
    """
    version = Sample(1, (("version", __version__),))
    return [
        Family("nofx_build_info", "gauge", "The nofx that tells this.", [version]),
        *_of_runs(measure_runs(services.store)),
        *_of_queue(services.queue.stats()),
        *_of_workers(services.workers.seen()),
    ]


def _of_runs(runs: RunMeasures) -> Iterator[Family]:
    yield Family("nofx_runs", "gauge", "Runs by status.", _by(RunStatus, "status", runs.runs))
    yield _gauge("nofx_runs_damaged", "Runs whose journal cannot be read; they are counted nowhere else.", runs.damaged)
    yield Family("nofx_steps", "gauge", "Steps of all runs by status.", _by(StepStatus, "status", runs.steps))
    yield Family(
        "nofx_step_duration_seconds",
        "histogram",
        "How long attempts at steps took that came to their end, whatever came of them, by tool.",
        [sample for tool, durations in sorted(runs.durations.items()) for sample in _histogram(tool, durations)],
    )
    yield _counter("nofx_step_retries_total", "Attempts that failed and were followed by another one.", runs.retries)
    yield _counter(
        "nofx_step_interruptions_total",
        "Attempts that were cut off because their process was gone or was stopped.",
        runs.interruptions,
    )


def _of_queue(stats: QueueStats) -> Iterator[Family]:
    depth = {"due": stats.due, "delayed": stats.delayed, "claimed": stats.claimed, "dead": stats.dead}
    samples = [Sample(number, (("state", state),)) for state, number in depth.items()]
    yield Family("nofx_queue_depth", "gauge", "Jobs of the queue by state; dead ones are dead letters.", samples)
    yield _gauge(
        "nofx_queue_oldest_age_seconds", "How long the oldest due job has been due.", stats.oldest_age_ms / 1000
    )
    yield _gauge("nofx_queue_paused", "Whether the queue hands out nothing (1) or not (0).", int(stats.paused))
    yield _gauge("nofx_queue_damaged", "Records of the queue that cannot be read; it may lack jobs.", stats.damaged)


def _of_workers(seen: Sequence[SeenWorker]) -> Iterator[Family]:
    standings = [one.standing for one in seen]
    numbers = {standing: standings.count(standing) for standing in Standing}
    yield Family(
        "nofx_workers", "gauge", "Workers that have a record, by standing.", _by(Standing, "standing", numbers)
    )
    steps = [Sample(one.info.steps, (("worker", one.info.id),)) for one in seen if one.standing is Standing.ALIVE]
    yield Family(
        "nofx_worker_steps_total", "counter", "Attempts that came to their end in the hands of a living worker.", steps
    )


def _gauge(name: str, told: str, value: float) -> Family:
    return Family(name, "gauge", told, [Sample(value)])


def _counter(name: str, told: str, value: float) -> Family:
    return Family(name, "counter", told, [Sample(value)])


def _by(every: Iterable[S], label: str, numbers: Mapping[S, int]) -> list[Sample]:
    """One sample for each value there is, so that none is missing while it is 0."""
    return [Sample(numbers.get(one, 0), ((label, one.value),)) for one in every]


def _histogram(tool: str, durations: Durations) -> Iterator[Sample]:
    of_tool = ("tool", tool)
    bounds = [*(f"{bound_ms / 1000:g}" for bound_ms in BOUNDS_MS), "+Inf"]
    for bound, number in zip(bounds, accumulate(durations.buckets), strict=True):
        yield Sample(number, (of_tool, ("le", bound)), "_bucket")
    yield Sample(durations.sum_ms / 1000, (of_tool,), "_sum")
    yield Sample(durations.count, (of_tool,), "_count")
