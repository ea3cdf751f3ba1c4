"""The router of a session, with what only commands about models ask it."""

from nofx_cli.models.router import Router
from nofx_cli.wiring.session import Session


def router_of(session: Session) -> Router:
    """The router by the project's `nofx.yaml` and the environment, as they are now."""
    router = session.services.models()
    assert isinstance(router, Router)
    return router
