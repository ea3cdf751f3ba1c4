"""What a model hears of the gate that its work did not pass."""

from nofx_cli.domain.findings import Finding
from nofx_cli.domain.ids import StepName
from nofx_cli.handlers.codegen.failed_before import LONGEST_OUTPUT, MOST_FINDINGS, files_of, told_of
from nofx_cli.ports.handler import Feedback


def finding(path: str, line: int, severity: str = "error", message: str = "wrong") -> Finding:
    return Finding(path, line, 1, "E1", severity, message)


def feedback(*findings: Finding, output: str = "", before: tuple[int, ...] = ()) -> Feedback:
    return Feedback(StepName("tests"), 2, 3, "2 of 40 tests failed", findings, output, before)


def test_round_gate_findings_and_output_are_told() -> None:
    text = told_of(feedback(finding("b.py", 3, "warning"), finding("a.py", 9), output="E  boom\n", before=(5, 2)))
    plain = [line for line in text.splitlines() if not line.startswith(("<data", "</data"))]
    assert plain[:-1] == [
        "# What failed",
        "This is round 2 of 3. The work of the round before is in the files. Its check tests did not pass.",
        "Findings in the rounds so far: 5, 2.",
        "2 of 40 tests failed",
        "a.py:9:1 E1 wrong",
        "b.py:3:1 E1 wrong",
        "E  boom",
    ]
    assert plain[-1].startswith("Mend the cause in the code. Do not take out, skip or loosen tests")


def test_findings_are_told_once_and_not_without_end() -> None:
    many = [finding("a.py", line) for line in range(1, MOST_FINDINGS + 11)]
    text = told_of(feedback(*many, *many, finding("z.py", 1, "note", "n" * 5_000)))
    assert text.count("a.py:1:1 ") == 1
    assert "… and 11 more findings" in text
    assert "z.py" not in text


def test_of_the_output_the_end_is_told_from_the_beginning_of_a_line() -> None:
    text = told_of(feedback(output="first\n" + "x" * 50 + "\n" + "last\n" * (LONGEST_OUTPUT // 5)))
    assert "first" not in text
    assert "…\nlast\n" in text


def test_the_files_of_the_findings_are_worst_first() -> None:
    found = feedback(finding("b.py", 3, "note"), finding("", 0), finding("c.py", 1), finding("c.py", 2))
    assert files_of(found) == ("c.py", "b.py")
