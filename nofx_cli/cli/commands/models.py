"""`nofx models`."""

from typing import Annotated

import typer

from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import note, out, out_json, safe
from nofx_cli.cli.render import models_view
from nofx_cli.models.router import Router
from nofx_cli.wiring.session import open_session

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="See which models are configured, and try them.",
)

_ModelArgument = Annotated[
    str, typer.Argument(help="`<provider>/<model>` [default: each one that a route names].", metavar="MODEL")
]


@app.callback()
def models() -> None:
    """See which models are configured, and try them."""


@app.command(name="list")
def list_models(*, as_json: JsonOption = False) -> None:
    """List routes, models and providers.

    With the prices of models, whose they are, and where the keys of providers come from. Nothing is sent, and no key is
    shown.
    """
    from nofx_cli.wiring.models import router_of

    session = open_session()
    standing = router_of(session).standing()
    if as_json:
        out_json(session.services.mask(models_view.standing_json(standing)))
        return
    for line in models_view.standing_lines(standing):
        out(session.services.mask_text(line))


@app.command(name="test")
def try_models(model: _ModelArgument = "", *, as_json: JsonOption = False) -> None:
    """Make one tiny call, and show how long it took and what it cost.

    The call is paid for, and counts in no budget. Exits with 0 where all answered, else as the first failure says.
    """
    from nofx_cli.engine.cancellation import StopRequest
    from nofx_cli.wiring.models import router_of

    session = open_session()
    router = router_of(session)
    tested = []
    for name in [model] if model else _routed(router):
        one = router.test(name, cancellation=StopRequest())
        tested.append(one)
        if not as_json:
            for line in models_view.tested_lines(one):
                out(session.services.mask_text(line))
            if one.hint:
                note(f"  hint: {safe(session.services.mask_text(one.hint))}")
    if as_json:
        out_json(session.services.mask({"models": [models_view.tested_json(one) for one in tested]}))
    code = next((one.exit_code for one in tested if not one.ok), 0)
    if code:
        raise typer.Exit(code)


def _routed(router: Router) -> list[str]:
    """The models of all routes, each once. Raises the error that says what to write where there are none."""
    from nofx_cli.domain.models import ModelRequest

    found = [model.model for model in router.standing().models if model.kinds]
    return found or list(router.route(ModelRequest(())))
