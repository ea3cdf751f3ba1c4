"""A replay changes nothing outside: what steps changed there is taken from the record, and told to be the same."""

from pathlib import Path

import pytest

from tests.acceptance.program import Program

pytestmark = pytest.mark.acceptance

HANDLER = '''\
from pathlib import Path

from nofx_cli.plugin import Failed, NotDone, StepError, Succeeded


class Mailer:
    """Leaves a line outside of all that nofx knows of."""

    needs_approval = True

    def __init__(self, tool):
        self._tool = tool

    def match(self, tool):
        return tool == self._tool

    def preview(self, ctx):
        return {"to": ctx.inputs["to"]}

    def run(self, ctx):
        effect = ctx.effect("mail", str(ctx.inputs["to"]), "0" * 64)
        if effect.result is None:
            with open("outside", "a") as file:
                file.write(f"{ctx.step}\\n")
            effect.done({"line": len(_lines())})
        ctx.put_artifact("sent.txt", f"line {effect.result['line']}\\n")
        if ctx.inputs.get("fails"):
            return Failed(StepError("bounced", "nobody lives there"))
        return Succeeded({"line": effect.result["line"]})


class Looking(Mailer):
    def reconcile(self, ctx, intent):
        return NotDone()


def _lines():
    file = Path("outside")
    return file.read_text().splitlines() if file.exists() else []


HANDLERS = [Looking("mail"), Mailer("blind-mail")]
'''


@pytest.fixture
def outside(nofx: Program) -> Path:
    (nofx.folder / "nofx_handlers").mkdir()
    (nofx.folder / "nofx_handlers" / "mail.py").write_text(HANDLER)
    (nofx.folder / "nofx.yaml").touch()
    return nofx.folder / "outside"


def test_what_was_made_then_is_not_made_again(nofx: Program, outside: Path) -> None:
    plan = nofx.plan(
        "  - {name: ada, tool: mail, inputs: {to: ada}}\n"
        "  - {name: bob, tool: mail, inputs: {to: bob}}\n"
        "  - {name: cleo, tool: mail, needs: [], inputs: {to: cleo, fails: true}, continue_on_error: true}\n"
        "  - {name: tell, tool: 'test:echo', needs: [ada], inputs: {line: '{{ steps.ada.outputs.line }}'}}\n"
    )
    assert nofx("run", plan, "--no-wait").code == 8
    assert nofx("approve", "ada").code == 8
    assert nofx("waive", "bob", "-m", "not him").code == 8
    assert nofx("approve", "cleo").code == 0
    then = outside.read_text()

    told = nofx("replay", "latest")

    assert told.code == 0, told
    assert "is the same as" in told.out
    assert outside.read_text() == then == "ada\ncleo\n"
    assert not [type_ for type_ in nofx.types() if type_.startswith(("effect.", "approval."))]
    log = nofx("logs", "latest", "ada").out
    assert "a replay changes nothing outside: this is what the step came to in run " in log


def test_a_handler_that_cannot_look_is_kept_from_it(nofx: Program, outside: Path) -> None:
    plan = nofx.plan("  - {name: ada, tool: blind-mail, inputs: {to: ada}}\n")
    assert nofx("run", plan, "--no-wait").code == 8
    assert nofx("approve", "ada").code == 0

    told = nofx("replay", "latest")

    assert told.code == 1
    assert "a replay changes nothing outside: mail on ada was not made" in told.out
    assert outside.read_text() == "ada\n"
