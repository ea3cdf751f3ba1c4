"""`nofx notify`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nofx_cli.cli.completion import complete_target
from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import note, out, out_json, safe
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.wording import counted
from nofx_cli.errors import ExitCode
from nofx_cli.wiring.session import Session, open_session

if TYPE_CHECKING:
    from nofx_cli.engine.deliver import Courier, Told

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="See who is told of events; tell what is left, try a target.",
)

_TargetOption = Annotated[
    str,
    typer.Argument(help="A target of nofx.yaml [default: all].", metavar="TARGET", autocompletion=complete_target),
]
_TargetArgument = Annotated[
    str, typer.Argument(help="A target of nofx.yaml.", metavar="TARGET", autocompletion=complete_target)
]


@app.callback()
def notify() -> None:
    """See who is told of events; tell what is left, try a target."""


@app.command(name="status")
def status(target: _TargetOption = "", *, as_json: JsonOption = False) -> None:
    """Show each target: its events, what is left to tell, what is wrong."""
    from nofx_cli.cli.render import notify_view

    session, couriers = _couriers(target)
    shown = session.services.mask({"targets": tuple(notify_view.target_json(courier) for courier in couriers)})
    if as_json:
        out_json(shown)
        return
    for line in notify_view.target_lines(shown, now_us=session.services.clock.now_us()):
        out(line)


@app.command(name="send")
def send(target: _TargetOption = "", *, as_json: JsonOption = False) -> None:
    """Tell now what is left to tell, also what was put off.

    Exits with 69 where something is left.
    """
    session, couriers = _couriers(target)
    results = [(courier.target.name, _sent(courier)) for courier in couriers]
    if as_json:
        out_json(session.services.mask({"targets": tuple(_as_json(name, one) for name, one in results)}))
    else:
        for name, one in results:
            out(session.services.mask_text(f"{name}: {_words(one)}"))
    if any(one.left for _, one in results):
        raise typer.Exit(ExitCode.UNAVAILABLE)


@app.command(name="test")
def try_target(target: _TargetArgument, *, as_json: JsonOption = False) -> None:
    """Send a notice to try a target, and show whether it was taken.

    It is of the type `nofx.test`. Exits with 69 where it was not.
    """
    import secrets

    from nofx_cli.clock import format_at
    from nofx_cli.domain.notices import test_notice

    session, [courier] = _couriers(target)
    now = format_at(session.services.clock.now_us())
    error = courier.test(test_notice(target, at=now, chance=secrets.token_hex(6)))
    if as_json:
        out_json(session.services.mask({"target": target, "ok": not error, "error": error}))
    else:
        out(session.services.mask_text(f"{target}: {error or 'it took the notice'}"))
    if error:
        raise typer.Exit(ExitCode.UNAVAILABLE)


@app.command(name="drop")
def drop(target: _TargetArgument, *, as_json: JsonOption = False) -> None:
    """Let go of all that the target was not told so far.

    It is told of what comes from now on.
    """
    _, [courier] = _couriers(target)
    runs = courier.drop()
    if as_json:
        out_json({"target": target, "runs": runs})
    else:
        out(
            f"{safe(target)}: {counted(runs, 'run')} let go of" if runs else f"{safe(target)}: nothing was left to tell"
        )


def _couriers(target: str) -> "tuple[Session, Sequence[Courier]]":
    from nofx_cli.wiring.notify import couriers_of

    session = open_session()
    couriers = couriers_of(session, target)
    if not couriers:
        note("nobody is told of events: nofx.yaml has no `notify:`")
        note("  hint: notify: {team: {url: https://…}}; see docs/how-to/be-notified.md")
    return session, couriers


def _sent(courier: "Courier") -> "Told":
    from nofx_cli.wiring.notify import tell_what_is_left

    return tell_what_is_left(courier)


def _as_json(name: str, told: "Told") -> JsonObject:
    return {"target": name, "sent": told.sent, "left": told.left, "error": told.error}


def _words(told: "Told") -> str:
    sent = f"{counted(told.sent, 'event')} told" if told.sent or told.left else "nothing was left to tell"
    if not told.left:
        return sent
    return f"{sent}; {told.error or 'another process tells the rest'}"
