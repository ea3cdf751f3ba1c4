"""The examination of the machine, the project and the store that `nofx doctor` tells."""

from nofx_cli.wiring.doctor.examine import examine
from nofx_cli.wiring.doctor.finding import Finding, Status

__all__ = ["Finding", "Status", "examine"]
