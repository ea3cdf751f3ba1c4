"""Write the pages of `docs/reference` that are made from code, or (`--check`) say which ones are out of date."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from docs.pages.commands import commands_page
from docs.pages.events import events_page
from docs.pages.exit_codes import exit_codes_page
from docs.pages.settings import settings_page
from nofx_cli.planning.reference import plan_page
from nofx_cli.planning.schema import plan_schema_text

REFERENCE = Path(__file__).resolve().parent / "reference"

PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": commands_page,
    "events.md": events_page,
    "exit-codes.md": exit_codes_page,
    "plan.md": plan_page,
    "plan.schema.json": plan_schema_text,
    "settings.md": settings_page,
}


def out_of_date() -> list[str]:
    """The pages that differ from what the code gives, or are not there."""
    return [name for name, page in PAGES.items() if _written(REFERENCE / name) != page()]


def _written(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main() -> int:
    """Write, or with `--check` only look."""
    stale = out_of_date()
    if "--check" in sys.argv[1:]:
        for name in stale:
            sys.stderr.write(f"docs/reference/{name} is out of date; write it anew with: make reference\n")
        return 1 if stale else 0
    REFERENCE.mkdir(exist_ok=True)
    for name in stale:
        (REFERENCE / name).write_text(PAGES[name](), encoding="utf-8")
        sys.stderr.write(f"wrote docs/reference/{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
