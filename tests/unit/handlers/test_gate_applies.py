"""Which checks of a gate are asked, and what follows where none is for the project."""

from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Failed, Outcome, Succeeded, Verdict
from nofx_cli.handlers.gates.evidence import Evidence
from nofx_cli.handlers.gates.gate import Examination, GateHandler
from nofx_cli.testing import FakeContext


class For:
    """A check that applies where a file is, and passes."""

    refused_args = ()

    def __init__(self, file: str) -> None:
        self.name, self._file, self.report = f"{file}-tool", file, f"{file}.json"

    def applies(self, workspace: Path) -> bool:
        return (workspace / self._file).exists()

    def command(self, exam: Examination) -> list[str]:
        return [self.name]

    def examine(self, exam: Examination) -> Evidence:
        verdict = Verdict.PASSED if self.applies(exam.workspace) else Verdict.VACUOUS
        return Evidence(verdict, f"{self.name} ran", {"files": int(verdict is Verdict.PASSED)})


GATE = GateHandler(("gate:try",), For("one"), For("two"))


def run(tmp_path: Path, *files: str, **inputs: bool) -> Outcome:
    ctx = FakeContext(tmp_path, inputs, tool="gate:try")
    for name in files:
        (ctx.workspace / name).touch()
    return GATE.run(ctx)


def words(outcome: Outcome) -> tuple[str, str]:
    assert isinstance(outcome, Succeeded | Failed)
    assert outcome.gate
    return outcome.gate.verdict.value, outcome.gate.summary


@pytest.mark.parametrize(
    ("files", "verdict", "summary"),
    [
        (("package.json", "one"), "passed", "one-tool ran"),
        (("package.json", "one", "two"), "passed", "one-tool ran; two-tool ran"),
        (("package.json",), "skipped", "the project has nothing for one-tool or two-tool"),
        (("pyproject.toml",), "skipped", "the project has nothing for one-tool or two-tool"),
        ((), "vacuous", "one-tool ran"),
        (("readme",), "vacuous", "one-tool ran"),
    ],
)
def test_the_checks_that_apply_are_asked(tmp_path: Path, files: tuple[str, ...], verdict: str, summary: str) -> None:
    outcome = run(tmp_path, *files)
    assert words(outcome) == (verdict, summary)
    assert isinstance(outcome, Succeeded) == (verdict == "passed")


def test_a_gate_that_does_not_apply_lets_only_an_optional_step_go_on_and_says_what_it_was(tmp_path: Path) -> None:
    refused = run(tmp_path, "package.json")
    assert isinstance(refused, Failed)
    assert refused.error.code == "gate-skipped"
    assert "`inputs: {optional: true}`" in refused.error.hint

    outcome = run(tmp_path, "package.json", optional=True)
    assert isinstance(outcome, Succeeded)
    assert words(outcome)[0] == "skipped"
    assert outcome.outputs == {"verdict": "skipped", "summary": "the project has nothing for one-tool or two-tool"}


def test_an_optional_gate_of_no_project_is_still_vacuous(tmp_path: Path) -> None:
    assert isinstance(run(tmp_path, optional=True), Failed)


def test_what_does_not_apply_would_run_nothing(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path, tool="gate:try")
    (ctx.workspace / "package.json").touch()
    assert GATE.preview(ctx) == {"argv": [], "fault": "the project has nothing for one-tool or two-tool"}


def test_optional_is_a_flag() -> None:
    assert GATE.check({"optional": True}) == []
    assert GATE.check({"optional": "perhaps"}) == ["`optional` must be true or false, not a text"]
