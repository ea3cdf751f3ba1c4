"""A rehearsal shows what would be done, and does nothing of it."""

from pathlib import Path

from nofx_cli.domain.ids import JsonObject, StepName
from nofx_cli.domain.outcome import Outcome
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.policy import Aspect, Level
from nofx_cli.domain.state import RunState
from nofx_cli.engine.rehearse import Rehearsed, rehearse
from nofx_cli.ports.handler import StepContext
from nofx_cli.ports.rendering import RenderFailed
from nofx_cli.testing.levels import level
from nofx_cli.testing.rig import FunctionHandler, PlainRenderer, Rig


def _refuse(ctx: StepContext) -> Outcome:
    raise AssertionError("a rehearsal runs nothing")


def _rehearse(folder: Path, *steps: Step, policy: Level | None = None, **tools: FunctionHandler) -> list[Rehearsed]:
    rig = Rig(folder, tools=tools)
    plan = Plan(steps, policy=policy or {}, digest=rig.create(*steps).plan.digest)
    before = list(rig.services.store.runs())
    found = rehearse(rig.services, plan, {"x": 1})
    assert list(rig.services.store.runs()) == before
    assert not (folder / "store").exists()
    return found


def _tool(*, needs_approval: bool = False) -> FunctionHandler:
    made = FunctionHandler(_refuse, needs_approval=needs_approval)
    made.shown = {"argv": ["true"]}
    return made


def test_each_step_with_its_preview_in_the_order_of_the_plan(tmp_path: Path) -> None:
    steps = Step(StepName("b"), "tool", when="always"), Step(StepName("a"), "tool", (StepName("b"),), inputs={"n": 1})
    b, a = _rehearse(tmp_path, *steps, tool=_tool())
    assert (b.step, b.tool, b.needs, b.when) == ("b", "tool", (), "always")
    assert (a.needs, a.inputs, a.preview, a.later, a.denied) == (("b",), {"n": 1}, {"argv": ["true"]}, "", "")


def test_who_asks_a_person_is_told(tmp_path: Path) -> None:
    steps = (
        Step(StepName("a"), "asks"),
        Step(StepName("b"), "tool", approval=True),
        Step(StepName("c"), "tool"),
    )
    found = _rehearse(tmp_path, *steps, asks=_tool(needs_approval=True), tool=_tool())
    assert [step.approval for step in found] == [True, True, False]


def test_a_denial_and_what_a_step_may_see(tmp_path: Path) -> None:
    policy = {**level(Aspect.TOOLS, allow=["gate:*"]), **level(Aspect.ENV, allow=["CI", "LANG"])}
    (found,) = _rehearse(tmp_path, Step(StepName("a"), "tool"), policy=policy, tool=_tool())
    assert "tool" in found.denied
    assert found.env_allowed == ("CI", "LANG")


def test_a_preview_that_fails_is_told_and_the_others_are_shown(tmp_path: Path) -> None:
    class Broken(FunctionHandler):
        def preview(self, ctx: StepContext) -> JsonObject:
            raise KeyError("x")

    steps = Step(StepName("a"), "broken"), Step(StepName("b"), "gone"), Step(StepName("c"), "tool")
    a, b, c = _rehearse(tmp_path, *steps, broken=Broken(_refuse), tool=_tool())
    assert a.preview == {"error": "the preview of broken failed: KeyError: 'x'"}
    assert b.preview == {"error": "no handler has the tool 'gone'"}
    assert c.preview == {"argv": ["true"]}


def test_what_is_known_only_later_is_said(tmp_path: Path) -> None:
    class Later(PlainRenderer):
        def inputs(self, step: Step, state: RunState) -> JsonObject:
            raise RenderFailed("inputs.x: steps.a has no outputs yet")

    rig = Rig(tmp_path, tools={"tool": _tool()})
    plan = rig.create(Step(StepName("a"), "tool", inputs={"x": "{{ y }}"})).plan
    services = rig.services
    object.__setattr__(services, "renderer_for", lambda _plan, _params, _run: Later())
    (found,) = rehearse(services, plan, {})
    assert (found.later, found.inputs, found.preview) == (
        "inputs.x: steps.a has no outputs yet",
        {"x": "{{ y }}"},
        None,
    )
