"""The how-to page on handlers shows a plugin, and its error is the one that is told. tests/docs types the page."""

import re
from pathlib import Path

import pytest

from nofx_cli.handlers.registry import Registry
from nofx_cli.testing import FakeContext

PAGE = Path(__file__).parents[3] / "docs/how-to/write-a-handler.md"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with every file that the page shows."""
    files = dict(
        re.findall(r"^[^\n]*`([\w/.]+)`:\n\n```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    )
    assert list(files) == ["nofx_handlers/tag.py", "tests/test_tag.py"]
    for name, text in files.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return tmp_path / "project"


def test_the_handler_is_found_and_checks_its_inputs(project: Path, tmp_path: Path) -> None:
    handler = Registry(project).find("tag:create")
    assert handler is not None
    ctx = FakeContext(tmp_path, {"name": "v1"})
    assert handler.preview(ctx) == {"tag": "v1"}  # type: ignore[attr-defined] # optional, and this handler has it
    assert handler.check({}) == ["`name` is missing"]  # type: ignore[attr-defined] # optional, and this handler has it


def test_the_error_that_it_shows_is_the_one_that_is_raised(project: Path) -> None:
    handler = project / "nofx_handlers/tag.py"
    handler.write_text(handler.read_text().replace("nofx_cli", "nofx_clu"))
    with pytest.raises(Exception, match="plugin that may have it cannot be loaded") as caught:
        Registry(project).find("tag:create")
    assert str(caught.value) in PAGE.read_text()
