"""What carries the runs of a session to other stores, and takes runs of others in."""

from nofx_cli.drivers.filesystem.carrier import FileRunCarrier
from nofx_cli.engine.export_run import Bearers
from nofx_cli.ports.carrying import TreeCarrier
from nofx_cli.wiring.session import Session


def bearers_of(session: Session) -> Bearers:
    """See `engine.export_run` and `engine.import_run`."""

    def trees() -> TreeCarrier:
        from nofx_cli.workspace.carrying import GitTreeCarrier

        return GitTreeCarrier(session.project)

    return Bearers(FileRunCarrier(session.layout), trees, session.masker)
