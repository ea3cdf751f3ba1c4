"""The page of settings, from the one table of them."""

from nofx_cli.config.settings import DECLARED, Declared

_HEAD = """\
# Settings

A setting comes from a flag, then from a variable `NOFX_*`, then from `nofx.yaml` in the project's folder, then from its
default. `nofx config show` says what is in force and where it comes from.

The project is the nearest folder, from the one you are in upwards, that has a `nofx.yaml` or is a git checkout; where
there is none, it is the folder you are in.

| key in `nofx.yaml` | variable | default | what it is |
|---|---|---|---|
"""


def settings_page() -> str:
    """The page `docs/reference/settings.md`."""
    return _HEAD + "".join(map(_row, DECLARED))


def _row(setting: Declared) -> str:
    key = f"`{setting.key}`" if setting.key else ""
    default = f"`{setting.default}`" if setting.default else ""
    return f"| {key} | `{setting.variable}` | {default} | {setting.description} |\n"
