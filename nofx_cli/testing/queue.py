"""What every `Queue` must do. A driver is held to it like this, in a module of tests:

    def open_files(place: Path, clock: Clock) -> Queue:
        return FileQueue(Layout(place), clock)

    class TestFiles(SharedQueueContract):
        open_queue = staticmethod(open_files)

One that lives in one process takes `QueueContract`.
"""

from nofx_cli.testing.queue_delivery import QueueDelivery
from nofx_cli.testing.queue_races import QueueRaces, QueueRacesOfProcesses
from nofx_cli.testing.queue_rules import QueueRules


class QueueContract(QueueRules, QueueDelivery, QueueRaces):
    """Every rule, and every race among threads."""


class SharedQueueContract(QueueContract, QueueRacesOfProcesses):
    """The same for a queue that many open at a time, also in other processes."""

    processes = True
