"""What every `RunStore` must do. A driver is held to it like this, in a module of tests:

def open_files(place: Path) -> RunStore:
    return FileRunStore(Layout(place))

class TestFiles(RunStoreContract):
    open_store = staticmethod(open_files)
    processes = True
"""

from nofx_cli.testing.run_store_races import RunStoreRaces
from nofx_cli.testing.run_store_rules import RunStoreRules


class RunStoreContract(RunStoreRules, RunStoreRaces):
    """Every rule and every race. Set `open_store`, and `processes` where openers of one place share a store."""
