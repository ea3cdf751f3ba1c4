"""All checks, in the order in which they are told."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from nofx_cli import errors
from nofx_cli.wiring.doctor import agents, machine, notify, project, store
from nofx_cli.wiring.doctor.finding import Finding, fail, ok
from nofx_cli.wiring.session import open_session


def examine(folder: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at everything that runs depend on. Nothing is made but a file in the store's folder, which goes again.

    Args:
        folder: where the command was given.
    """
    yield from machine.checks(environ)
    try:
        session = open_session(folder=folder, environ=environ, newer=True)
    except errors.InvalidInput as exc:
        yield fail("settings", exc.message, "mend nofx.yaml or the variable; what depends on it was not examined")
        return
    yield ok("settings", f"project {session.project}")
    yield from store.checks(session)
    yield from project.checks(session)
    yield from agents.checks(session, environ)
    yield from notify.checks(session)
