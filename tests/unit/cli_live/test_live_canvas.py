"""The area that is drawn again and again: nothing is written that stands there, nothing is left behind."""

import pytest
from rich.text import Text

from nofx_cli.cli.live.canvas import Canvas
from tests.unit.cli_live.emulator import Emulator


def _texts(*lines: str) -> list[Text]:
    return [Text(line) for line in lines]


@pytest.fixture
def terminal() -> Emulator:
    terminal = Emulator()
    terminal.write("$ nofx run demo\r\n")
    return terminal


def test_draws_below_what_stands_there(terminal: Emulator) -> None:
    Canvas(terminal).draw(_texts("one", "two"), width=40)
    assert terminal.screen() == ["$ nofx run demo", "one", "two"]
    assert terminal.cursor_is_hidden


def test_same_frame_writes_nothing(terminal: Emulator) -> None:
    canvas = Canvas(terminal)
    canvas.draw(_texts("one", "two"), width=40)
    before = len(terminal.written)
    canvas.draw(_texts("one", "two"), width=40)
    assert len(terminal.written) == before


def test_only_lines_that_changed_are_written_and_in_one_go(terminal: Emulator) -> None:
    canvas = Canvas(terminal)
    canvas.draw(_texts("one", "two", "three"), width=40)
    before = len(terminal.written)
    canvas.draw(_texts("one", "2", "three"), width=40)
    [written] = terminal.written[before:]
    assert "one" not in written
    assert "three" not in written
    assert terminal.screen() == ["$ nofx run demo", "one", "2", "three"]


def test_nothing_is_erased_before_it_is_written(terminal: Emulator) -> None:
    """Else a slow terminal would flicker."""
    canvas = Canvas(terminal)
    canvas.draw(_texts("one", "two"), width=40)
    canvas.draw(_texts("1", "2"), width=40)
    assert "\x1b[2K" not in terminal.written[-1]
    assert "\x1b[J" not in terminal.written[-1]


def test_frame_grows_and_shrinks(terminal: Emulator) -> None:
    canvas = Canvas(terminal)
    for frame in (("one",), ("one", "two", "three"), ("1", "2"), ("a",), ("a", "b", "c", "d")):
        canvas.draw(_texts(*frame), width=40)
        assert terminal.screen() == ["$ nofx run demo", *frame]


def test_prints_above_and_draws_on(terminal: Emulator) -> None:
    canvas = Canvas(terminal)
    canvas.draw(_texts("one", "two"), width=40)
    canvas.print_above(_texts("printed"), width=40)
    canvas.draw(_texts("one", "two"), width=40)
    assert terminal.screen() == ["$ nofx run demo", "printed", "one", "two"]


def test_clears_without_a_trace(terminal: Emulator) -> None:
    canvas = Canvas(terminal)
    canvas.draw(_texts("one", "two", "three"), width=40)
    canvas.clear(width=40)
    assert terminal.screen() == ["$ nofx run demo"]
    assert not terminal.cursor_is_hidden
    canvas.clear(width=40)
    assert terminal.screen() == ["$ nofx run demo"]


def test_area_at_the_top_is_erased_line_by_line() -> None:
    """tmux would move what an erased screen showed into its history."""
    terminal = Emulator()
    canvas = Canvas(terminal)
    canvas.draw(_texts("one", "two"), width=40)
    canvas.clear(width=40)
    assert terminal.written[-1].startswith("\r\x1b[J\x1b[A\x1b[2K")


@pytest.mark.parametrize("columns", [39, 25, 20, 13])
def test_narrower_terminal_leaves_no_rest(terminal: Emulator, columns: int) -> None:
    canvas = Canvas(terminal)
    canvas.draw(_texts("x" * 39, "", "short", "y" * 30), width=40)
    terminal.narrow(columns)
    canvas.draw(_texts("x" * (columns - 1), "", "short"), width=columns)
    assert "".join(terminal.screen()).startswith("$ nofx run demo")
    assert terminal.screen()[-3:] == ["x" * (columns - 1), "", "short"]
    assert "y" not in "".join(terminal.screen())


def test_colours_are_the_terminals_own(terminal: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    Canvas(terminal).draw([Text("good", style="green")], width=40)
    assert "\x1b[32mgood\x1b[0m" in terminal.written[-1]


def test_no_color_has_none(terminal: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    Canvas(terminal).draw([Text("good", style="green")], width=40)
    assert "32m" not in terminal.written[-1]


def test_terminal_without_unicode_gets_one_sign_for_one_sign() -> None:
    terminal = Emulator(encoding="ascii")
    Canvas(terminal).draw(_texts(" ✓ lint  no findings · ü…", " ╭─ ⠹ ─╯"), width=40)
    assert terminal.screen() == [" + lint  no findings - ?~", " +- - -+"]
