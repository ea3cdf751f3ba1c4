"""What every `Archive` must do. A driver is held to it like this, in a module of tests:

    def open_files(place: Path, masker: Masker) -> Archive:
        return FileArchive(Layout(place), masker)

    class TestFiles(SharedArchiveContract):
        open_archive = staticmethod(open_files)
        bytes_of = staticmethod(bytes_of_file)
        spoil = staticmethod(spoil_file)

One that lives in one process takes `ArchiveContract`.
"""

from nofx_cli.testing.archive_damage import ArchiveDamage
from nofx_cli.testing.archive_races import ArchiveRaces, ArchiveRacesOfProcesses
from nofx_cli.testing.archive_rules import ArchiveRules


class ArchiveContract(ArchiveRules, ArchiveDamage, ArchiveRaces):
    """Every rule, every damage, and every race among threads."""


class SharedArchiveContract(ArchiveContract, ArchiveRacesOfProcesses):
    """The same for an archive that many open at a time, also in other processes."""

    processes = True
