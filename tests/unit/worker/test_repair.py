"""A gate that fails goes back to the step that mends, as long as that helps."""

from pathlib import Path

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.findings import Finding, findings_json, found_of
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.outcome import Failed, GateEvaluation, Outcome, StepError, Succeeded, Verdict
from nofx_cli.domain.plan import Repair, Step
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.retry import retry
from nofx_cli.ports.handler import Feedback, StepContext
from nofx_cli.testing.rig import Rig


def findings(*names: str) -> tuple[Finding, ...]:
    return tuple(
        Finding(f"{name}.py", 1, 1, "rule", "error", f"{name} is bad", fingerprint=f"{name}:1") for name in names
    )


class Mended:
    """A step that mends and a gate after it; `rounds` is what the gate finds each time."""

    def __init__(self, folder: Path, rounds: list[tuple[str, ...]], *, verdict: Verdict = Verdict.FAILED) -> None:
        self.rounds, self.verdict = rounds, verdict
        self.fed: list[Feedback | None] = []
        self.judged = self.between = 0
        self.rig = Rig(folder, tools={"mend": self.mend, "gate:unit": self.gate, "between": self.count})

    def mend(self, ctx: StepContext) -> Outcome:
        self.fed.append(ctx.feedback)
        return Succeeded()

    def count(self, ctx: StepContext) -> Outcome:
        self.between += 1
        return Succeeded()

    def gate(self, ctx: StepContext) -> Outcome:
        found = findings(*self.rounds[self.judged])
        self.judged += 1
        ctx.log(f"judged {self.judged}")
        if not found:
            return Succeeded(gate=GateEvaluation(ctx.tool, Verdict.PASSED, "all passed", {"tests": 3}))
        ctx.put_artifact("findings.json", findings_json(found))
        gate = GateEvaluation(ctx.tool, self.verdict, f"{len(found)} failed", {"tests": 3}, found=found_of(found))
        return Failed(StepError("gate-failed", f"{len(found)} failed"), gate=gate)

    def run(self, attempts: int = 3, **more: object) -> OpenRun:
        steps = (
            Step(StepName("mend"), "mend"),
            Step(StepName("between"), "between", (StepName("mend"),)),
            Step(StepName("aside"), "between", (StepName("mend"),)),
            Step(StepName("tests"), "gate:unit", (StepName("between"),), repair=Repair(StepName("mend"), attempts)),
            Step(StepName("release"), "echo", (StepName("tests"),)),
        )
        opened = self.rig.create(*steps)
        self.rig.execute(opened)
        return opened

    def rounds_told(self, opened: OpenRun) -> list[object]:
        payloads = (event.payload for event in self.rig.events(opened.run) if event.step == "mend")
        return [one.repair.get("round") for one in payloads if isinstance(one, ev.StepReset)]


def test_the_second_try_mends_it_and_all_between_is_done_again(tmp_path: Path) -> None:
    case = Mended(tmp_path, [("a", "b"), ()])

    opened = case.run()

    assert opened.state.status is RunStatus.SUCCEEDED
    assert case.rounds_told(opened) == [2]
    assert (case.judged, case.between, len(case.fed)) == (2, 4, 2)
    assert opened.state.steps[StepName("release")].status is StepStatus.SUCCEEDED
    first, second = case.fed
    assert first is None
    assert second is not None
    assert (second.gate, second.round, second.of, second.before) == ("tests", 2, 3, ())
    assert [one.message for one in second.findings] == ["a is bad", "b is bad"]
    assert second.summary == "2 failed"
    assert second.output == "judged 1\n"


@pytest.mark.parametrize(
    ("rounds", "attempts", "judged"),
    [
        ([("a",), ("a",), ()], 5, 2),
        ([("a", "b"), ("c",), ("d", "e"), ()], 5, 3),
        ([("a", "b"), ("c", "d"), ()], 5, 2),
        ([("a", "b", "c"), ("a", "b"), ("a",), ()], 3, 3),
    ],
    ids=["the same came back", "more than before", "as many as before", "all rounds used"],
)
def test_it_stops_where_that_does_not_help(
    tmp_path: Path, rounds: list[tuple[str, ...]], attempts: int, judged: int
) -> None:
    case = Mended(tmp_path, rounds)

    opened = case.run(attempts)

    assert opened.state.status is RunStatus.FAILED
    assert case.judged == judged
    assert opened.state.failure is not None
    assert opened.state.failure.step == "tests"


@pytest.mark.parametrize("verdict", [Verdict.ERRORED, Verdict.VACUOUS, Verdict.TIMED_OUT])
def test_a_gate_that_did_not_judge_goes_back_to_nobody(tmp_path: Path, verdict: Verdict) -> None:
    case = Mended(tmp_path, [("a",), ()], verdict=verdict)

    assert case.run().state.status is RunStatus.FAILED
    assert case.judged == 1


def test_what_stopped_it_is_told_with_the_best_round(tmp_path: Path) -> None:
    opened = Mended(tmp_path, [("a", "b"), ("c", "d", "e")]).run()

    error = opened.state.steps[StepName("tests")].error
    assert error is not None
    assert error.message == (
        "3 failed; the repair stopped after round 2 of 3: 3 findings, after 2: that is no progress; "
        "the best was round 1, with 2 findings"
    )


def test_a_retry_by_a_person_begins_with_the_first_round(tmp_path: Path) -> None:
    case = Mended(tmp_path, [("a",), ("a",), ("a", "b"), ("b",), ()])
    opened = case.run()
    assert case.judged == 2

    retry(opened, start=StepName("mend"))
    case.rig.execute(opened)

    assert opened.state.status is RunStatus.SUCCEEDED
    assert case.rounds_told(opened) == [2, None, 2, 3]
    assert case.fed[2] is None


def test_rounds_are_the_same_for_who_takes_the_run_over(tmp_path: Path) -> None:
    case = Mended(tmp_path, [("a",), ("a",)])
    opened = case.run()

    anew = OpenRun.load(case.rig.services, opened.run)

    assert anew.state.steps[StepName("tests")].rounds == opened.state.steps[StepName("tests")].rounds
    assert anew.state.status is RunStatus.FAILED
