"""Handlers of the project and of installed packages in real runs; a broken one breaks only what uses it."""

import json
import os
from pathlib import Path

import pytest

from tests.acceptance.program import Program

pytestmark = pytest.mark.acceptance

GREET = """\
from nofx_cli.plugin import Succeeded

class Greet:
    rerun_safe = True

    def match(self, tool):
        return tool == "greet"

    def run(self, ctx):
        ctx.log(f"greeting {ctx.inputs['who']}")
        ctx.put_artifact("card.txt", "hello " + ctx.inputs["who"])
        done = ctx.process(["sh", "-c", "echo $NOFX_STEP"], capture_limit=100)
        return Succeeded({"said": f"hello {ctx.inputs['who']} from {done.stdout.strip()}"})

HANDLERS = [Greet()]
"""
ODD = """\
import sys
from nofx_cli.plugin import Failed, Succeeded, Waiting

class Odd:
    def __init__(self, tool, work, preview=None):
        self.tool, self.work = tool, work
        if preview:
            self.preview, self.needs_approval = preview, True

    def match(self, tool):
        return tool == self.tool

    def run(self, ctx):
        return self.work(ctx)

HANDLERS = [
    Odd("odd:none", lambda ctx: None),
    Odd("odd:set", lambda ctx: Succeeded({"found": {1, 2}})),
    Odd("odd:list", lambda ctx: Succeeded(["found"])),
    Odd("odd:text", lambda ctx: Failed("it broke")),
    Odd("odd:shown", lambda ctx: Waiting("well?", {"shown": object()})),
    Odd("odd:exit", lambda ctx: sys.exit(0)),
    Odd("odd:preview", lambda ctx: Succeeded(), lambda ctx: 1 / 0),
    Odd("odd:no_json", lambda ctx: Succeeded(), lambda ctx: {"path": object()}),
]
"""
ODD_TOOLS = ("none", "set", "list", "text", "shown", "exit", "preview", "no_json")


def _handler(nofx: Program, name: str, text: str) -> None:
    folder = nofx.folder / "nofx_handlers"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(text)


def test_a_handler_of_the_project_runs_a_step_with_all_that_it_is_given(nofx: Program) -> None:
    _handler(nofx, "greet", GREET)
    nofx.plan(
        "  - {name: hi, tool: greet, inputs: {who: ada}}\n"
        "  - {name: after, tool: shell, inputs: {command: 'echo {{ steps.hi.outputs.said | sh }}'}}\n"
    )
    told = nofx("run", "plan.yaml", "--json")
    assert told.code == 0, told
    assert json.loads(told.out)["steps"][0]["outputs"] == {"said": "hello ada from hi"}
    assert "greeting ada" in nofx.log("hi")
    assert nofx.log("after") == "hello ada from hi\n"
    assert nofx.types().count("artifact.created hi") == 1


def test_a_broken_plugin_breaks_only_what_uses_it(nofx: Program) -> None:
    _handler(nofx, "greet", GREET)
    _handler(nofx, "broken", "import nothing_of_that_name\n")
    nofx.plan("  - {name: hi, tool: greet, inputs: {who: ada}}\n")
    assert nofx("run", "plan.yaml").code == 0
    runs = nofx.runs()
    nofx.plan("  - {name: hi, tool: gone, inputs: {who: ada}}\n")
    told = nofx("run", "plan.yaml")
    assert told.code == 3, told
    assert "nofx_handlers/broken.py" in told.err
    assert "nothing_of_that_name" in told.err
    assert nofx.runs() == runs


def test_whatever_a_plugin_returns_only_its_step_fails_and_the_run_comes_to_its_end(nofx: Program) -> None:
    _handler(nofx, "odd", ODD)
    nofx.plan("".join(f"  - {{name: {tool}, tool: 'odd:{tool}', needs: []}}\n" for tool in ODD_TOOLS))
    rehearsed = nofx("run", "plan.yaml", "--dry-run", "--json")
    assert rehearsed.code == 0, rehearsed
    previews = {step["step"]: step["preview"] for step in json.loads(rehearsed.out)["steps"]}
    assert "ZeroDivisionError" in previews["preview"]["error"]
    assert "no_json" in previews
    told = nofx("run", "plan.yaml", "--json")
    assert told.code == 1, told
    errors = {step["name"]: (step["error"]["code"], step["error"]["message"]) for step in json.loads(told.out)["steps"]}
    assert {code for code, _ in errors.values()} == {"handler-fault"}
    assert "must return Succeeded, Failed or Waiting, not None" in errors["none"][1]
    assert "must be a StepError, not 'it broke'" in errors["text"][1]
    assert "ZeroDivisionError" in errors["preview"][1]
    assert nofx.types()[-1] == "run.failed"


def test_a_plugin_that_is_taken_away_while_a_run_waits_is_told(nofx: Program) -> None:
    _handler(nofx, "greet", GREET)
    nofx.plan('  - {name: ask, tool: "manual:x"}\n  - {name: hi, tool: greet, inputs: {who: ada}}\n')
    assert nofx("run", "plan.yaml").code == 8
    (nofx.folder / "nofx_handlers/greet.py").rename(nofx.folder / "greet.py")
    told = nofx("resume")
    assert told.code == 3, told
    assert "greet" in told.err
    (nofx.folder / "greet.py").rename(nofx.folder / "nofx_handlers/greet.py")
    assert nofx("approve", "ask").code == 0


def test_a_handler_of_an_installed_package_is_found_by_its_entry_point(nofx: Program, tmp_path: Path) -> None:
    site = tmp_path / "site"
    facts = site / "greeting-1.0.dist-info"
    facts.mkdir(parents=True)
    (site / "greeting.py").write_text(GREET)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[nofx.handlers]\ngreet = greeting:HANDLERS\n")
    nofx.plan("  - {name: hi, tool: greet, inputs: {who: ada}}\n")
    assert nofx("run", "plan.yaml").code == 3, "it is not installed"
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    told = nofx("run", "plan.yaml", env={"PYTHONPATH": path})
    assert told.code == 0, told


WORK = """\
import os
from pathlib import Path
from nofx_cli.plugin import Failed, StepError, Succeeded

class Work:
    rerun_safe = True

    def match(self, tool):
        return tool == "work"

    def run(self, ctx):
        names = ctx.workspace / "names"
        with open(names, "a") as file:
            print(ctx.work, file=file)
        count = len(names.read_text().splitlines())
        if count == 1:
            os.kill(os.getpid(), 9)
        return Failed(StepError("x", "x"), retryable=True) if count == 2 else Succeeded()

HANDLERS = [Work()]
"""


def test_work_keeps_its_name_after_a_death_and_not_after_an_end(nofx: Program) -> None:
    _handler(nofx, "work", WORK)
    plan = nofx.plan("  - {name: a, tool: work, retry: {max_attempts: 2, backoff: [1ms]}}\n")
    assert nofx("run", plan).code == -9
    assert nofx("resume").code == 0
    died, went_on, retried = (nofx.folder / "names").read_text().splitlines()
    assert died == went_on != retried
