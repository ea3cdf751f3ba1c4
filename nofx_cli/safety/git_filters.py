"""Git runs filters that the settings of a checkout name, to compare contents; an earlier step may have written them."""

LIST_FILTERS = ("git", "config", "-z", "--show-scope", "--get-regexp", r"^filter\.")
"""Prints what `without_own_filters` reads; exits with 1 where there are none."""

_TRUSTED = ("system", "global", "command")
_WITHOUT = {"clean": "", "smudge": "", "process": "", "required": "false"}


def without_own_filters(told: str) -> list[str] | None:
    """Options that take away the filters which the checkout itself names; those of the user and the machine stay.

    None where it cannot be said: a name with `=` in it can be given to git in no way.
    """
    fields = told.split("\0")
    entries = [(scope, *entry.partition("\n")[::2]) for scope, entry in zip(fields[::2], fields[1::2], strict=False)]
    own = {name.rpartition(".")[0] for scope, name, _ in entries if scope not in _TRUSTED}
    if any("=" in name for name in own):
        return None
    trusted = {name: value for scope, name, value in entries if scope in _TRUSTED}
    return [
        word
        for name in sorted(own)
        for setting, without in _WITHOUT.items()
        for word in ("-c", f"{name}.{setting}={trusted.get(f'{name}.{setting}', without)}")
    ]
