"""The examination of the machine, the project and the store that `nofx doctor` tells, and what it repairs."""

from nofx_cli.wiring.doctor.examine import examine
from nofx_cli.wiring.doctor.finding import Finding, Status
from nofx_cli.wiring.doctor.repair import repair
from nofx_cli.wiring.doctor.secrets import search_store

__all__ = ["Finding", "Status", "examine", "repair", "search_store"]
