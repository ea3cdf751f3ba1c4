"""What the witness, a plugin that pytest runs with, says of a session: see `witness/nofx_witness.py`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nofx_cli.domain.record import record
from nofx_cli.handlers.gates.evidence import NoEvidence, read_report
from nofx_cli.handlers.gates.parsers.reading import amount, json_of, line_of, mapping

PLUGIN = "nofx_witness"
FOLDER = Path(__file__).with_name("witness")
"""What Python has to look for modules in, so that pytest finds the plugin."""


@record
class Session:
    """A session of pytest.

    Attributes:
        collected: the tests that were to run, and `ran` those that did.
        left_out: the tests that were found, but taken out by `-k`, `-m`, a plugin or a `conftest.py`.
        ended: why it was ended before its end (`Exit: no database`); empty where it was not.
        broke: the error that pytest itself met.
    """

    collected: int = 0
    ran: int = 0
    left_out: int = 0
    ended: str = ""
    broke: str = ""


def read_session(report: Path) -> Session:
    """The session that wrote the JUnit file `report`; of workers counts the one that knows most.

    Raises:
        NoEvidence: the witness has left nothing that can be read.
    """
    own, *workers = _parts(report)
    return Session(
        max(amount(part.get("collected"), "`collected` of pytest's session") for part in (own, *workers)),
        amount(own.get("ran"), "`ran` of pytest's session"),
        max(amount(part.get("left_out"), "`left_out` of pytest's session") for part in (own, *workers)),
        line_of(own.get("ended")),
        line_of(own.get("broke")),
    )


def _parts(report: Path) -> Iterator[dict[str, Any]]:
    own = report.with_name(f"{report.name}.session")
    for file in (own, *sorted(report.parent.glob(f"{report.name}.*session"))):
        try:
            yield mapping(json_of(read_report(file, by="pytest"), by="pytest's session"), "pytest's session")
        except NoEvidence as exc:
            raise NoEvidence(f"pytest did not say how its session went: {exc}") from exc
