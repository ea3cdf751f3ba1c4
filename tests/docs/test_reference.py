"""The generated pages are what the code says."""

import subprocess
import sys
from pathlib import Path

import pytest

from docs import generate
from docs.pages.events import events_page
from docs.pages.exit_codes import exit_codes_page
from nofx_cli.domain import events as ev
from nofx_cli.errors import ExitCode

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert name not in generate.out_of_date(), "run: make reference"


def test_a_page_that_is_out_of_date_is_told_and_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "REFERENCE", tmp_path / "reference")
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert generate.main() == 1
    assert not (tmp_path / "reference").exists()
    monkeypatch.setattr(sys, "argv", ["generate.py"])
    assert generate.main() == 0
    assert generate.out_of_date() == []
    (tmp_path / "reference" / "events.md").write_text("edited by hand")
    assert generate.out_of_date() == ["events.md"]


def test_every_event_stands_in_the_reference_with_every_field() -> None:
    page = events_page()
    for payload in ev.PAYLOADS:
        section = page.partition(f"### `{payload.type}`\n")[2].partition("### `")[0]
        assert section, payload.type
        for name in payload.__dataclass_fields__:
            assert name == "type" or f"| `{name}` | " in section, f"{payload.type}.{name}"


def test_every_exit_code_stands_in_the_reference() -> None:
    page = exit_codes_page()
    for code in ExitCode:
        assert f"| {code.value} | {code.meaning} |" in page


def test_the_generator_is_a_program() -> None:
    command = [sys.executable, "-m", "docs.generate", "--check"]
    done = subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
