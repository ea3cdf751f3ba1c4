"""`nofx replay` where no network can be reached: all that models said comes from the archive, and comes to the same."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.acceptance.model_project import USAGE, ModelProject, says
from tests.acceptance.program import PATIENCE, Ended, Program
from tests.model_server import Hang, ModelServer, Say

pytestmark = pytest.mark.acceptance

BROKEN = "def add(a, b):\n    return a - b\n\n\ndef double(a):\n    return a\n"
HALF = BROKEN.replace("a - b", "a + b")
MENDED = HALF.replace("return a\n", "return 2 * a\n")
TESTS = """\
from sums import add, double


def test_add():
    assert add(1, 2) == 3


def test_double():
    assert double(2) == 4
"""
PLAN = """\
steps:
  - name: notes
    tool: codegen
    inputs: {prompt_file: prompt.txt, files: [sums.py], output: notes.md}
  - name: risks
    tool: codegen
    inputs:
      prompt: Which risks?
      outputs: [notes]
      schema: {type: object, properties: {risks: {type: array}}, required: [risks]}
  - {name: agree, tool: "manual:agree"}
  - name: mend
    tool: codegen
    inputs: {prompt: Mend it., files: ["*.py"], apply: true, edits: whole, write: [sums.py]}
  - {name: tests, tool: "gate:unit", repair: {step: mend, attempts: 3}}
  - {name: kept, tool: shell, inputs: {command: "cat sums.py; echo told > told.txt"}}
"""
NO_SOCKETS = """\
import socket

def refuse(*_, **__):
    with open({told!r}, "a") as told:
        told.write("tried\\n")
    raise OSError("every socket is refused")

for name in ("connect", "connect_ex", "bind"):
    setattr(socket.socket, name, refuse)
socket.create_connection = socket.getaddrinfo = refuse
"""
NO_NETWORK = ("unshare", "--user", "--map-current-user", "--net")


@pytest.fixture
def project(nofx: Program) -> Iterator[ModelProject]:
    with ModelServer() as server:
        made = ModelProject(nofx, server, sums=BROKEN, test_sums=TESTS)
        (nofx.folder / "prompt.txt").write_text("Write notes.\n")
        made.checkout.commit("the prompt")
        yield made


@pytest.fixture
def run(project: ModelProject) -> str:
    """A run that used all of it: words, data, a person, edits of which the first is refused, two rounds of a repair."""
    project.server.script(
        Say("It adds and doubles.", usage=USAGE),
        Say('{"risks": ["none"]}', usage=USAGE),
        Say("I mended it.", usage=USAGE),
        says(("sums.py", HALF)),
        says(("sums.py", MENDED)),
    )
    assert project.run(PLAN).code == 8
    told = project.nofx("approve", "agree", "--note", "go on")
    assert told.code == 0, told
    assert project.nofx.types()[-1] == "run.succeeded", told
    assert project.server.calls == 5
    return str(project.nofx.runs()[0])


def same(told: Ended) -> dict[str, object]:
    assert told.code == 0, told
    compared: dict[str, object] = json.loads(told.out)
    assert (compared["same"], compared["differences"]) == (True, [])
    return compared


def outcomes(nofx: Program, run: str) -> list[object]:
    """What steps came to, as `nofx show` tells it: outputs and digests, without times and names of the run."""
    shown = json.loads(nofx("show", run, "--json").out)
    files = [
        (one["step"], one["name"], one["digest"])
        for one in shown["artifacts"]
        if one["step"] != "tests" or one["name"] == "findings.json"
    ]
    return [[(one["name"], one["status"], one["outputs"]) for one in shown["steps"] if one["name"] != "tests"], files]


def in_a_namespace(project: ModelProject, tmp_path: Path) -> Ended:
    """Where there is no network, not even the loopback."""
    if (
        not shutil.which("unshare")
        or subprocess.run([*NO_NETWORK, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this machine makes no network namespaces")
    connect = f"import socket; socket.create_connection(('127.0.0.1', {project.server.port}), 5)"
    assert subprocess.run([sys.executable, "-c", connect], capture_output=True, check=False).returncode == 0
    shut_in = subprocess.run([*NO_NETWORK, sys.executable, "-c", connect], capture_output=True, text=True, check=False)
    assert "OSError" in shut_in.stderr
    return _replayed([*NO_NETWORK, *project.nofx.command])


def with_every_socket_refused(project: ModelProject, tmp_path: Path) -> Ended:
    """No process of it may connect, bind or look up a name; whoever tries is noted."""
    tried = tmp_path / "tried"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(NO_SOCKETS.format(told=str(tried)))
    path = os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH")]))
    env = {**os.environ, "PYTHONPATH": path}
    connect = "import socket; socket.create_connection(('127.0.0.1', 1))"
    seen = subprocess.run([sys.executable, "-c", connect], env=env, capture_output=True, text=True, check=False)
    assert "every socket is refused" in seen.stderr
    tried.unlink()
    told = _replayed(project.nofx.command, env=env)
    assert not tried.exists()
    return told


def _replayed(command: Sequence[str], env: Mapping[str, str] | None = None) -> Ended:
    words = [*command, "replay", "latest", "--json"]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE)
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("shut_off", [in_a_namespace, with_every_socket_refused])
def test_without_a_network_a_replay_comes_to_the_same(
    project: ModelProject, run: str, tmp_path: Path, shut_off: Callable[[ModelProject, Path], Ended]
) -> None:
    asked = project.server.calls, list(project.server.other)
    compared = same(shut_off(project, tmp_path))
    assert compared["run"] == run
    assert compared["status"] == "succeeded"
    assert compared["steps"] == 6
    assert outcomes(project.nofx, str(compared["replay"])) == outcomes(project.nofx, run)
    assert (project.server.calls, project.server.other) == asked
    types = project.nofx.types()
    assert "llm.requested" not in " ".join(types)
    assert types.count("gate.evaluated tests") == 2
    assert "approval.granted agree" in types
    assert project.own() == BROKEN


def test_what_was_changed_in_the_checkout_since_is_not_in_the_replay(project: ModelProject, run: str) -> None:
    (project.nofx.folder / "prompt.txt").write_text("Write a poem.\n")
    (project.nofx.folder / "sums.py").write_text(MENDED)
    project.checkout.commit("later")
    same(project.nofx("replay", run, "--json"))
    assert project.server.calls == 5


def test_a_replay_is_not_steered_by_answers_that_came_later(project: ModelProject, run: str) -> None:
    """Another run asked the same question anew, and others take its answer from then on."""
    project.server.script(Say("It subtracts.", usage=USAGE))
    steps = "steps:\n" + PLAN.partition("steps:\n")[2].partition("  - name: risks")[0]
    assert project.run(steps.replace("output: notes.md", "output: notes.md, cache: refresh")).code == 0
    assert project.server.calls == 6
    same(project.nofx("replay", run, "--json"))


def test_a_prompt_that_was_changed_since_is_told_and_nobody_is_asked(project: ModelProject) -> None:
    step = "  - {name: notes, tool: codegen, inputs: {prompt_file: prompt.txt}}\n"
    project.server.script(Say("They are notes.", usage=USAGE))
    assert project.run(f"steps:\n{step}").code == 0
    (project.nofx.folder / "prompt.txt").write_text("Write a poem.\n")
    told = project.nofx("replay")
    assert told.code == 1
    assert "  notes: status was succeeded, is failed: step notes asks a model what it was not asked in run" in told.out
    assert "  notes: artifact answer.md was " in told.out
    assert project.server.calls == 1


def test_what_is_not_in_the_archive_any_more_is_told(project: ModelProject, run: str) -> None:
    shutil.rmtree(project.nofx.store / "archive")
    told = project.nofx("replay", run)
    assert told.code == 1
    assert "notes: status was succeeded, is failed: the answer that step notes got in run" in told.out
    assert "is not in the archive, or is damaged there" in told.out
    assert project.server.calls == 5


def test_a_run_that_has_not_ended_is_refused(project: ModelProject) -> None:
    project.server.script(Hang())
    running = project.nofx.start("run", project.plan(PLAN))
    project.nofx.shows("llm.requested notes")
    told = project.nofx("replay")
    assert told.code == 5
    assert "is running; only what has ended can be replayed" in told.err
    assert len(project.nofx.runs()) == 1
    running.kill()
    running.wait()


def test_a_run_that_waits_is_refused(project: ModelProject) -> None:
    assert project.run('steps:\n  - {name: agree, tool: "manual:agree"}\n').code == 8
    told = project.nofx("replay")
    assert told.code == 5
    assert "is waiting; only what has ended can be replayed" in told.err


def test_a_run_that_failed_is_replayed_as_the_failure_that_it_was(project: ModelProject) -> None:
    project.server.otherwise = says(("sums.py", BROKEN.replace("a - b", "None")))
    steps = "steps:\n  - name: mend" + PLAN.partition("  - name: mend")[2].partition("  - {name: kept")[0]
    assert project.run(steps).code == 1
    calls = project.server.calls
    assert same(project.nofx("replay", "--json"))["status"] == "failed"
    assert project.server.calls == calls
