"""`nofx config`."""

from pathlib import Path

import typer

from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import columns, out, out_json, safe
from nofx_cli.config.settings import DECLARED, Settings, Value
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import JsonValue
from nofx_cli.wiring.session import open_session

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Show the settings, and where each comes from.",
)


@app.callback()
def config() -> None:
    """Show the settings, and where each comes from."""


@app.command()
def show(*, as_json: JsonOption = False) -> None:
    """Show each setting and its source.

    A variable wins over nofx.yaml, which wins over the default.
    """
    settings = open_session().settings
    if as_json:
        out_json({"project": str(settings.project), "settings": settings_json(settings)})
        return
    rows = [("SETTING", "VALUE", "FROM", "IN nofx.yaml", "VARIABLE")]
    for declared in DECLARED:
        value = _value(settings, declared.name)
        rows.append(
            (
                declared.name,
                safe(shown(declared.name, value.value)),
                safe(value.source),
                declared.key,
                declared.variable,
            )
        )
    for line in columns(rows, styles=[("dim",) * 5, *([("bold", "", "", "dim", "dim")] * len(DECLARED))]):
        out(line)


def settings_json(settings: Settings) -> dict[str, JsonValue]:
    """Each setting with its value and its source."""
    found: dict[str, JsonValue] = {}
    for declared in DECLARED:
        value = _value(settings, declared.name)
        plain = str(value.value) if isinstance(value.value, Path) else value.value
        assert isinstance(plain, str | int | bool)
        found[declared.name] = {"value": plain, "source": value.source}
    return found


def shown(name: str, value: object) -> str:
    """A value as a person writes it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return format_duration(value) if name.endswith("_ms") else format_size(value)
    return str(value) or "-"


def format_size(size: int) -> str:
    """A number of bytes in the largest unit that divides it: `64MB`, `1500`."""
    for unit, length in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if size and size % length == 0:
            return f"{size // length}{unit}"
    return str(size)


def _value(settings: Settings, name: str) -> Value[object]:
    value: Value[object] = getattr(settings, name)
    return value
