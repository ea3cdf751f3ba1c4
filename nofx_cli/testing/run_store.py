"""What every `RunStore` must do. A driver is held to it like this, in a module of tests:

    def open_files(place: Path) -> RunStore:
        return FileRunStore(Layout(place))

    class TestFiles(SharedRunStoreContract):
        open_store = staticmethod(open_files)

One that lives in one process takes `RunStoreContract`.
"""

from nofx_cli.testing.run_store_races import RunStoreRaces, RunStoreRacesOfProcesses
from nofx_cli.testing.run_store_rules import RunStoreRules


class RunStoreContract(RunStoreRules, RunStoreRaces):
    """Every rule, and every race among threads."""


class SharedRunStoreContract(RunStoreContract, RunStoreRacesOfProcesses):
    """The same for a store that many open at a time, also in other processes."""

    processes = True
