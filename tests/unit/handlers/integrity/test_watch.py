"""What becomes of a gate that would pass although it was weakened."""

from pathlib import Path

import pytest

from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import Failed, GateEvaluation, Outcome, StepError, Succeeded, Verdict, Waiting
from nofx_cli.handlers.gates.integrity.watch import Watch
from nofx_cli.ports.handler import Granted
from nofx_cli.testing import FakeContext
from tests.unit.handlers.integrity.conftest import Project

PASSED = Succeeded(
    {"verdict": "passed", "summary": "1 test"}, GateEvaluation("gate:unit", Verdict.PASSED, "1 test", {"tests": 1})
)
SAID = "tests/test_a.py: test_a was removed"


@pytest.fixture
def weakened(project: Project) -> Project:
    project.begin({"tests/test_a.py": "def test_a(): ...\n"})
    project.write({"tests/test_a.py": "def test_b(): ...\n"})
    return project


def context(folder: Path, project: Project, rule: str = "ask") -> FakeContext:
    before = {**project.before, "weakened": rule}
    return FakeContext(folder, tool="gate:unit", snapshot=lambda: (before, project.look()))


def held(ctx: FakeContext, outcome: Outcome = PASSED) -> Outcome:
    return Watch(ctx, own=False).held(outcome)


def test_without_a_weakening_it_passes_as_it_is(tmp_path: Path, project: Project) -> None:
    project.begin({"tests/test_a.py": "def test_a(): ...\n"})
    assert held(context(tmp_path, project)) is PASSED


def test_without_a_snapshot_too(tmp_path: Path) -> None:
    assert held(FakeContext(tmp_path)) is PASSED


def test_what_does_not_pass_is_no_matter(tmp_path: Path, weakened: Project) -> None:
    failed = Failed(StepError("gate-failed", "1 finding"))
    assert held(context(tmp_path, weakened), failed) is failed


def test_a_person_is_asked_and_shown_each_weakening(tmp_path: Path, weakened: Project) -> None:
    ctx = context(tmp_path, weakened)
    outcome = held(ctx)
    assert isinstance(outcome, Waiting)
    assert outcome.question == f"gate:unit would pass, but was weakened by the run: {SAID}"
    assert outcome.shown["gate"] == "gate:unit"
    assert outcome.shown["weakened"] == {"tests/test_a.py": "test_a was removed"}
    assert ctx.logged == ["weaker than when the run was created:", SAID]


def test_what_was_granted_passes_and_says_by_whom(tmp_path: Path, weakened: Project) -> None:
    asked = held(context(tmp_path, weakened))
    assert isinstance(asked, Waiting)
    ctx = context(tmp_path, weakened)
    ctx.approval, ctx.answers = Granted("ada", "", "", ""), [asked.shown]
    passed = held(ctx)
    assert isinstance(passed, Succeeded)
    assert passed.gate == GateEvaluation(
        "gate:unit", Verdict.PASSED, "1 test; weakened as approved by ada", {"tests": 1, "weakened": 1}
    )
    assert passed.outputs["weakened"] == 1
    weakened.write({"tests/test_a.py": "def test_b(): ...  # other words\n"})
    assert isinstance(held(ctx), Waiting), "the same words, of another content"


def test_it_can_fail(tmp_path: Path, weakened: Project) -> None:
    failed = held(context(tmp_path, weakened, "fail"))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.message) == ("gate-weakened", f"the run weakened the gate: {SAID}")
    assert failed.gate is not None
    assert failed.gate.verdict is Verdict.FAILED
    assert failed.outputs["verdict"] == "failed"
    assert not failed.retryable


def test_it_can_only_be_told(tmp_path: Path, weakened: Project) -> None:
    passed = held(context(tmp_path, weakened, "tell"))
    assert isinstance(passed, Succeeded)
    assert passed.gate is not None
    assert passed.gate.summary == f"1 test; weakened: {SAID}"


def test_a_rule_that_is_not_known_asks(tmp_path: Path, weakened: Project) -> None:
    assert isinstance(held(context(tmp_path, weakened, "whatever")), Waiting)


def test_what_was_weaker_only_while_the_program_ran_counts(tmp_path: Path, project: Project) -> None:
    """Such as a `conftest.py` that leaves tests out, and then itself."""
    project.begin({"tests/test_a.py": "def test_a(): ...\n"})
    project.write({"conftest.py": "x = 1\n"})
    watch = Watch(context(tmp_path, project), own=False)
    (project.folder / "conftest.py").unlink()
    outcome = watch.held(PASSED)
    assert isinstance(outcome, Waiting)
    assert outcome.shown["weakened"] == {"conftest.py": "added (it configures gate:unit)"}
    assert "when the gate began" in str(outcome.shown["weakened_in"]), "the answer is bound to what is gone now"


def test_of_many_the_first_are_named(tmp_path: Path, project: Project) -> None:
    project.begin({})
    project.write({f"{name}/conftest.py": "" for name in "abcde"})
    outcome = held(context(tmp_path, project))
    assert isinstance(outcome, Waiting)
    assert outcome.question.endswith("c/conftest.py: added (it configures gate:unit); and 2 more")
    shown = outcome.shown["weakened"]
    assert isinstance(shown, dict)
    assert len(shown) == 5


def test_a_gate_of_ones_own_is_concerned_by_all(tmp_path: Path, project: Project) -> None:
    project.begin({"a.py": ""})
    project.write({"a.py": "x  # nosec\n"})
    snapshot: tuple[JsonObject, JsonObject] = (project.before, project.look())
    ctx = FakeContext(tmp_path, tool="gate:unit", snapshot=snapshot)
    assert held(ctx) is PASSED
    assert isinstance(Watch(ctx, own=True).held(PASSED), Waiting)


def test_what_became_weaker_after_the_gate_began_counts_too(tmp_path: Path, project: Project) -> None:
    """Such as by a step that runs beside it."""
    project.begin({"tests/test_a.py": "def test_a(): ...\n"})
    watch = Watch(context(tmp_path, project), own=False)
    project.write({"tests/test_a.py": ""})
    assert isinstance(watch.held(PASSED), Waiting)
