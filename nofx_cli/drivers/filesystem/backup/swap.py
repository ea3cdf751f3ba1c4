"""Exchange the content of a store for another that was unpacked beside it.

    <root>/restoring               the gate
    <root>/.restore/new/<folder>   what is to be there; taken from here by a rename, one folder after another
    <root>/.restore/old/<folder>   what was there

Each folder of a backup is there in `new`, be it empty, until it is in its place. So whoever brings an exchange to its
end, however often that was cut off, can tell from the names alone what is still to be done. Crash points: before the
gate says `swapping` the store is the old one; from then on it is closed, and the exchange only goes forward.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from nofx_cli.drivers.filesystem.backup.contents import DERIVED, FOLDERS
from nofx_cli.drivers.filesystem.gate import GATE, Gate, is_left
from nofx_cli.drivers.filesystem.layout import FORMAT, Layout

BESIDE = ".restore"
NEW, OLD = "new", "old"


def new_folder(layout: Layout) -> Path:
    """An empty folder for what is to be there, with all folders of a backup in it."""
    clear(layout)
    for name in FOLDERS:
        (layout.root / BESIDE / NEW / name).mkdir(parents=True)
    (layout.root / BESIDE / OLD).mkdir()
    return layout.root / BESIDE / NEW


def swap(layout: Layout) -> None:
    """Exchange what is there for what is in `new`. May be done again, wherever it was cut off."""
    new, old = layout.root / BESIDE / NEW, layout.root / BESIDE / OLD
    for name in FOLDERS:
        if (new / name).exists():
            if os.path.lexists(layout.root / name):
                os.rename(layout.root / name, old / name)
            os.rename(new / name, layout.root / name)
    for name in DERIVED:
        if os.path.lexists(layout.root / name) and not os.path.lexists(old / name):
            os.rename(layout.root / name, old / name)
    making = layout.root / f".{GATE}-format"
    making.write_text(f"{FORMAT}\n", encoding="ascii")
    os.replace(making, layout.root / "format")
    (layout.root / ".gitignore").write_text("*\n", encoding="ascii")
    if layout.sync:
        os.sync()


def clear(layout: Layout) -> None:
    """Take away what lies beside the store."""
    with suppress(FileNotFoundError):
        shutil.rmtree(layout.root / BESIDE)


def is_cut_off(layout: Layout) -> bool:
    """Whether a restore whose process is gone has left something."""
    return is_left(layout.root) or ((layout.root / BESIDE).exists() and not (layout.root / GATE).exists())


def finish(layout: Layout) -> str:
    """Bring a restore to its end that was cut off, or take away what it left; says what was done, if anything.

    Raises:
        errors.StoreFailure: it goes on in another process (code `store-being-restored`).
        OSError: the store cannot be written.
    """
    if not is_cut_off(layout):
        return ""
    gate = Gate(layout.root, sync=layout.sync)
    try:
        return (
            finish_behind(layout, gate) or "what a restore left that was cut off before it changed anything was removed"
        )
    finally:
        gate.leave()


def finish_behind(layout: Layout, gate: Gate) -> str:
    """The same, behind a gate that is closed; it is open afterwards."""
    told = ""
    if gate.is_cut_off:
        swap(layout)
        told = "a restore that was cut off was brought to its end"
    gate.open()
    clear(layout)
    return told
