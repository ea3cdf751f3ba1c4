"""Draw `docs/pictures/live-view.svg`: a real run in a project made for it, caught in the middle.

The frame is the one that the live view draws; Rich writes it as SVG. `make picture` calls this.
"""

import io
import os
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from nofx_cli.cli.live import WatchedRun
from nofx_cli.cli.live.board import Board
from nofx_cli.cli.live.desk import Desk, Question
from nofx_cli.cli.live.frame import Size, frame
from nofx_cli.domain.events import Event
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.create_run import NewRun, create_run
from nofx_cli.testing.waiting import wait_until
from nofx_cli.wiring.session import Session, open_session
from nofx_cli.worker.attempts import Inbox, Stop
from nofx_cli.worker.inline import execute
from nofx_cli.workspace.checkout import describe_workspace

PICTURE = Path(__file__).parent / "pictures" / "live-view.svg"
COLUMNS = 96
PLAN = """\
goal: Release version 1.4 of the reader
steps:
  - {name: lint, tool: "gate:lint", needs: [], inputs: {paths: [reader]}}
  - {name: unit, tool: "gate:unit", needs: [], inputs: {paths: [tests]}}
  - {name: docstrings, tool: "gate:lint", needs: [], severity: warning, inputs: {args: [--select, D1]}}
  - name: mirror
    tool: shell
    needs: []
    retry: {max_attempts: 3, backoff: [30s]}
    inputs: {command: "echo connection refused >&2; exit 7"}
  - name: measure
    tool: shell
    needs: []
    inputs: {command: 'for round in $(seq 60); do echo "round $round of 60: 1.83 ms a page"; sleep 0.5; done'}
  - name: notes
    tool: workspace:write
    needs: [lint, unit]
    approval: true
    inputs: {path: CHANGES.md, content: "# Changes\\n\\n## 1.4\\n\\n- pages are read as a stream\\n\\n## 1.3\\n"}
  - {name: release, tool: "manual:release", needs: [notes, measure, mirror]}
  - {name: publish, tool: shell, inputs: {command: [./publish.sh, "1.4"]}}
"""
FILES = {
    "nofx.yaml": "",
    "release.yaml": PLAN,
    "CHANGES.md": "# Changes\n\n## 1.3\n",
    "publish.sh": "#!/bin/sh\n",
    "reader/__init__.py": '"""Reads pages."""\n',
    "reader/pages.py": "def words(text: str) -> list[str]:\n    return text.split()\n",
    "tests/test_pages.py": (
        "import pytest\n\nfrom reader.pages import words\n\n\n"
        '@pytest.mark.parametrize("count", range(40))\n'
        "def test_words(count: int) -> None:\n"
        '    assert len(words("page " * count)) == count\n'
    ),
    "conftest.py": "",
}
_DARK = TerminalTheme(
    (16, 20, 28),
    (214, 219, 228),
    [(40, 46, 58), (240, 113, 120), (142, 207, 122), (240, 196, 92), (96, 165, 250), (198, 146, 233), (94, 205, 213),
     (214, 219, 228)],
)  # fmt: skip
TEMPLATE = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
}}
.{unique_id}-title {{ font-family: ui-sans-serif, system-ui, sans-serif; font-size: 17px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""Rich's own would load a font from the network."""


@dataclass
class Onlooker:
    """Tells a board what happens."""

    board: Board

    def events(self, events: Sequence[Event]) -> None:
        self.board.tell(events)

    def line(self, step: StepName, text: str) -> None:
        self.board.hear(step, text)


def main() -> None:
    """Run, catch the moment, write the picture."""
    with tempfile.TemporaryDirectory(prefix="nofx-picture-") as folder:
        project = Path(folder).resolve() / "reader"
        for name, text in FILES.items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(text, encoding="utf-8")
        environ = {**os.environ, "NOFX_HOME": str(project / "local_data"), "USER": "ada"}
        svg = caught(open_session(folder=project, environ=environ), project)
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(svg, encoding="utf-8")
    sys.stdout.write(f"{PICTURE}\n")


def caught(session: Session, project: Path) -> str:
    """Execute the plan until there is something of everything to see."""
    text = (project / "release.yaml").read_text(encoding="utf-8")
    plan = session.services.load_plan(text, "release.yaml")
    new = NewRun(plan=plan, text=text, name="release", params={}, workspace=describe_workspace(project))
    opened = create_run(session.services, new, keys=session.keys)
    inbox: Inbox = Inbox()
    kept = session.layout.run(opened.run)
    board = Board(WatchedRun.of(opened, inbox=inbox, shown=lambda path: (kept / path).read_text("utf-8")))
    run = threading.Thread(target=execute, args=(opened,), kwargs={"observer": Onlooker(board), "inbox": inbox})
    run.start()
    try:
        wait_until(lambda: shows_enough(board), timeout=60, why="the moment to be caught")
        return drawn(board, now_us=session.services.clock.now_us())
    finally:
        inbox.put(Stop("SIGTERM"))
        run.join()


def shows_enough(board: Board) -> bool:
    """Whether something waits, something runs, and everything quick has ended."""
    board.take_in()
    counts = board.state.counts
    ended = counts[StepStatus.SUCCEEDED] + counts[StepStatus.FAILED]
    return bool(board.questions()) and ended == 3 and counts[StepStatus.QUEUED] == 1


def drawn(board: Board, *, now_us: int) -> str:
    """The frame as SVG, with fonts that are there instead of one from the network."""
    desk = Desk(is_open=True)
    desk.lay_out([Question(step.name, step.approval.digest) for step in board.questions() if step.approval])
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in [*frame(board, desk, size=Size(COLUMNS - 1, 40), now_us=now_us), ""]:
        console.print(line)
    return console.export_svg(title="nofx run release", theme=_DARK, unique_id="nofx", code_format=TEMPLATE)


if __name__ == "__main__":
    main()
