"""Which view a run gets, and what that costs at the start."""

import io
import subprocess
import sys

import pytest

from nofx_cli.cli.live.choice import choose_view, is_drawable
from nofx_cli.cli.live.live_view import LiveView
from nofx_cli.cli.live.plain import PlainView
from tests.unit.cli_live.stage import Stage, step


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 0


TERMINAL = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("stream", "environ", "drawable"),
    [
        (Tty(), TERMINAL, True),
        (Tty(), {**TERMINAL, "CI": "false"}, True),
        (Tty(), {**TERMINAL, "CI": "true"}, False),
        (Tty(), {"TERM": "dumb"}, False),
        (Tty(), {}, False),
        (io.StringIO(), TERMINAL, False),
    ],
)
def test_terminal_that_obeys_and_belongs_to_a_person(
    stream: io.StringIO, environ: dict[str, str], drawable: bool
) -> None:
    assert is_drawable(stream, environ) is drawable


def test_live_on_a_terminal_plain_elsewhere() -> None:
    watched = Stage(step("build")).watched
    live = choose_view(watched, stderr=Tty(), stdin=io.StringIO(), environ=TERMINAL)
    assert isinstance(live, LiveView)
    plain = choose_view(watched, stderr=io.StringIO(), stdin=Tty(), environ=TERMINAL)
    assert isinstance(plain, PlainView)
    verbose = choose_view(watched, stderr=Tty(), stdin=Tty(), environ=TERMINAL, verbose=True)
    assert isinstance(verbose, PlainView)


def test_plain_view_needs_no_rich() -> None:
    code = "import sys, nofx_cli.cli.live, nofx_cli.cli.live.plain; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
