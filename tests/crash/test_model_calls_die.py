"""`kill -9` while a model is asked, and while its changes are made: no answer is paid for twice, no file is torn."""

import signal
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from nofx_cli.testing.waiting import wait_until
from tests.acceptance.conftest import nofx, work
from tests.acceptance.model_project import A_CALL, ModelProject, says
from tests.acceptance.program import PATIENCE, Program
from tests.acceptance.workplace import Workplace
from tests.crash.dying_asker import NOT_KEPT, POINTS
from tests.model_server import Hang, ModelServer

__all__ = ["nofx", "work"]

pytestmark = pytest.mark.crash

OLD = {"sums.py": "def add(a, b):\n    return a - b\n", "more.py": "ONE = 2\n"}
NEW = {"sums.py": "def add(a, b):\n    return a + b\n", "more.py": "ONE = 1\n", "made/new.py": "TWO = 2\n"}
OF_WORKERS = ("the answer is archived, not on record", "one of two files is written")
"""Where workers die in the default suite; the other points are among the tests that take long."""
PLAN = """\
workspace: in_place
steps:
  - name: mend
    tool: codegen
    inputs: {prompt: Mend it., files: ["*.py"], apply: true, edits: whole, cache: "off"}
  - {name: seen, tool: shell, inputs: {command: cat sums.py}}
"""


class Scene:
    """A project whose files a model changes, in place."""

    def __init__(self, project: ModelProject, tmp_path: Path) -> None:
        self.project, self.nofx, self.server = project, project.nofx, project.server
        self.hits = tmp_path / "hits"
        for name, text in OLD.items():
            (self.nofx.folder / name).write_text(text)
        self.server.otherwise = says(*NEW.items())

    def dying(self, point: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "tests.crash.dying_asker", point, str(self.hits))

    def files(self) -> dict[str, str]:
        found = {path.relative_to(self.nofx.folder).as_posix(): path for path in self.nofx.folder.rglob("*.py")}
        return {name: path.read_text() for name, path in found.items()}

    def no_file_is_torn(self) -> None:
        for name, text in self.files().items():
            assert text in (OLD.get(name), NEW[name])

    def is_whole(self, *, calls: int) -> None:
        """All that the model wrote is there, nothing beside it, and so many requests reached the server."""
        assert self.files() == NEW
        assert list(self.nofx.folder.rglob(".nofx-*")) == []
        assert self.server.calls == calls
        assert len({str(asked.body["messages"]) for asked in self.server.asked}) == 1
        assert self.nofx.types()[-1] == "run.succeeded"


@pytest.fixture
def scene(nofx: Program, tmp_path: Path) -> Iterator[Scene]:
    with ModelServer() as server:
        yield Scene(ModelProject(nofx, server), tmp_path)


def resumed(scene: Scene, work: Workplace) -> None:
    told = scene.nofx("resume", "latest")
    assert told.code == 0, told


def taken_over(scene: Scene, work: Workplace) -> None:
    worker = work.worker()
    work.has("", "run.succeeded")
    worker.signal()
    assert worker.ended() == 0


def start_here(scene: Scene, work: Workplace, point: str) -> int:
    program = Program(scene.nofx.folder, scene.nofx.store)
    program.command = scene.dying(point)
    return program("run", scene.project.plan(PLAN)).code


def start_in_a_worker(scene: Scene, work: Workplace, point: str) -> int:
    told = scene.nofx("run", scene.project.plan(PLAN), "--detach", "--no-start-worker")
    assert told.code == 0, told
    return work.worker(command=scene.dying(point)).ended()


@pytest.mark.parametrize(
    ("start", "go_on", "point"),
    [
        *((start_here, resumed, point) for point in POINTS),
        *(
            pytest.param(start_in_a_worker, taken_over, point, marks=() if point in OF_WORKERS else pytest.mark.long)
            for point in POINTS
        ),
    ],
)
def test_what_was_answered_is_not_asked_again_and_the_workspace_is_whole(
    scene: Scene,
    work: Workplace,
    start: Callable[[Scene, Workplace, str], int],
    go_on: Callable[[Scene, Workplace], None],
    point: str,
) -> None:
    assert start(scene, work, point) == -signal.SIGKILL
    assert scene.hits.read_text() == f"{point}\n"
    before = scene.server.calls
    scene.no_file_is_torn()
    go_on(scene, work)
    scene.is_whole(calls=before + (point in NOT_KEPT))
    total = scene.project.shown("cost", "latest")["total"]
    assert Decimal(total["usd"]) == (0 if point == "the answer is archived, not on record" else A_CALL)
    lost = point in (*NOT_KEPT, "the answer is archived, not on record")
    assert total["unknown_calls"] == lost


def test_a_call_that_hangs_when_its_process_is_killed_is_made_once_more(scene: Scene, work: Workplace) -> None:
    scene.server.script(Hang(text="`sums.py`\n"))
    running = scene.nofx.start("run", scene.project.plan(PLAN))
    wait_until(lambda: scene.server.calls == 1, timeout=PATIENCE, why="the question")
    running.kill()
    running.wait()
    assert scene.files() == OLD
    resumed(scene, work)
    scene.is_whole(calls=2)
    total = scene.project.shown("cost", "latest")["total"]
    assert (total["calls"], total["unknown_calls"]) == (2, 1)
    assert "run.succeeded" in scene.nofx.types()
