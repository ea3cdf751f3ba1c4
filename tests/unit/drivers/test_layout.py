"""The store's root: made on first use, and refused where a newer nofx wrote it."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.drivers.filesystem.layout import FORMAT, Layout


def test_a_store_is_made_on_first_use_and_keeps_itself_out_of_git(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "local_data")
    assert not layout.check_format()

    layout.prepare()

    assert layout.check_format()
    assert (tmp_path / "local_data" / ".gitignore").read_text() == "*\n"
    assert (tmp_path / "local_data" / "format").read_text() == f"{FORMAT}\n"


@pytest.mark.parametrize("found", [str(FORMAT + 1), "x"])
def test_a_store_of_a_newer_nofx_is_refused(tmp_path: Path, found: str) -> None:
    (tmp_path / "format").write_text(found)

    with pytest.raises(errors.StoreFailure) as refused:
        Layout(tmp_path).check_format()

    assert refused.value.code == "store-newer"
    assert refused.value.hint == "update nofx, or choose another store with NOFX_HOME"
