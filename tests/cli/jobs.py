"""The queue and the workers of the store that `nofx` uses in a test, at an hour that has long passed."""

from dataclasses import dataclass

from nofx_cli.clock import ManualClock, SystemClock
from nofx_cli.domain.ids import RunId, StepName, WorkerId
from nofx_cli.drivers.filesystem.queue import FileQueue
from nofx_cli.drivers.filesystem.workers import FileWorkers
from nofx_cli.ports.queue import Job
from nofx_cli.safety import identity
from tests.cli.console import AT, RUN, Records

OTHER = RunId("20260102-120000-bbbbbb")
_DELIVERIES = 5


def job(step: str = "build", *, run: str = RUN, attempt: int = 1, priority: int = 0, delay_ms: int = 0) -> Job:
    return Job(RunId(run), StepName(step), attempt, priority=priority, delay_ms=delay_ms)


def gone_worker() -> WorkerId:
    """The id of a worker of this host whose process never was."""
    return WorkerId(f"w-here-{identity.host_id()}-1-ffffff-1")


def worker_elsewhere() -> WorkerId:
    """The id of a worker of another host."""
    strange = "000000" if identity.host_id() != "000000" else "000001"
    return WorkerId(f"w-there-{strange}-1-ffffff-1")


@dataclass
class Jobs:
    """What is put here was put at `AT`."""

    records: Records

    def __post_init__(self) -> None:
        self.clock = ManualClock(AT)
        self.queue = FileQueue(self.records.layout, self.clock)
        self.workers = FileWorkers(self.records.layout, SystemClock())

    def put(self, *jobs: Job) -> None:
        self.queue.put(jobs)

    def put_now(self, *jobs: Job) -> None:
        FileQueue(self.records.layout, SystemClock()).put(jobs)

    def claim(self, worker: str, *, limit: int = 1) -> list[Job]:
        return self.queue.claim(WorkerId(worker), limit=limit)

    def dead_letter(self, dead: Job, *, why: str = "the plan is gone") -> Job:
        """Let a job fail until it is a dead letter. Nothing else must wait."""
        self.queue.put([dead])
        for _ in range(_DELIVERIES):
            self.clock.advance(20_000)
            assert self.claim("w")
            self.queue.nack(WorkerId("w"), dead.key, why)
        return dead

    def damage(self) -> None:
        """Write what is no record into the queue's log."""
        with open(self.records.layout.root / "queue" / "log.jsonl", "ab") as log:
            log.write(b"no record\n")

    def keys(self) -> list[str]:
        return [found.key for found in self.queue.waiting()]

    def leave_record(self, worker: WorkerId) -> None:
        """Leave what a killed worker leaves."""
        folder = self.records.layout.root / "workers"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{worker}.json").write_text("{}")
