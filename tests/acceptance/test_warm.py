"""A process that begins warm is, for whoever looks at what it did, one that was started."""

import os
from pathlib import Path

import pytest

from nofx_cli.domain import events as ev
from tests.acceptance import warm
from tests.acceptance.program import Program, pipe_without_end

pytestmark = pytest.mark.acceptance

HANDLER = """\
import os, random, sys, tempfile
from nofx_cli.plugin import Succeeded

class Odd:
    rerun_safe = True

    def match(self, tool):
        return tool.startswith("odd:")

    def run(self, ctx):
        if ctx.tool == "odd:kill":
            os.kill(os.getpid(), 9)
        told = {name: os.environ.get(name, "") for name in ("HOME", "ODD")}
        folder = os.path.samefile(os.getcwd(), ctx.workspace)
        told |= {"folder": folder, "path": sys.path[0], "stdin": os.read(0, 9).decode(), "words": sys.argv[1:]}
        told |= {"temporary": tempfile.gettempdir(), "chance": random.random(), "parent": os.getppid()}
        return Succeeded(told)

HANDLERS = [Odd()]
"""


@pytest.fixture
def odd(nofx: Program) -> Program:
    (nofx.folder / "nofx_handlers").mkdir()
    (nofx.folder / "nofx_handlers/odd.py").write_text(HANDLER)
    nofx.plan("  - {name: a, tool: 'odd:tell'}\n")
    return nofx


def told(nofx: Program, *, cold: bool) -> dict[str, object]:
    """What a handler saw of the process that it ran in."""
    nofx.begins_cold = cold
    with (nofx.folder / "given").open("w+") as given:
        given.write("some words")
        given.seek(0)
        ended = nofx("run", "plan.yaml", env={"ODD": "one", "TMPDIR": str(nofx.folder)}, stdin=given)
    assert ended.code == 0, ended
    return next(dict(event.payload.outputs) for event in nofx.events() if isinstance(event.payload, ev.StepFinished))


def test_it_has_the_folder_the_variables_the_words_and_the_input_that_it_is_given(odd: Program) -> None:
    warm_one, again, cold_one = (told(odd, cold=cold) for cold in (False, False, True))
    own = ("chance", "parent")
    assert {name: warm_one[name] for name in warm_one if name not in own} == {
        name: cold_one[name] for name in cold_one if name not in own
    }
    assert warm_one["ODD"] == "one"
    assert warm_one["chance"] != again["chance"]
    assert cold_one["parent"] == os.getpid() != warm_one["parent"], "it is not one that begins warm"


def test_what_it_prints_and_its_exit_code_are_the_same(odd: Program) -> None:
    def tried() -> list[object]:
        return [vars(odd(*words)) for words in (("show",), ("run", "no.yaml"), ("--version",), ("run",))]

    warm_ones = tried()
    odd.begins_cold = True
    assert warm_ones == tried()


def test_one_that_is_killed_is_told_as_that(odd: Program) -> None:
    odd.plan("  - {name: a, tool: 'odd:kill'}\n")
    assert odd("run", "plan.yaml").code == -9


def test_one_that_hangs_is_killed_and_told(odd: Program) -> None:
    with pipe_without_end() as stdin, pytest.raises(warm.Hangs):
        warm.run(["run", "plan.yaml"], folder=odd.folder, environ=os.environ, stdin=stdin.fileno(), seconds=0.3)


def test_what_only_a_new_interpreter_obeys_starts_one(tmp_path: Path) -> None:
    assert warm.can_begin(dict(os.environ))
    assert not warm.can_begin({**os.environ, "PYTHONPATH": str(tmp_path)})
    assert not warm.can_begin({**os.environ, "PYTHONUTF8": "0"})
