"""What a command says of an error goes through the masker, too; and a plan that holds a secret makes no run."""

import json
from pathlib import Path

import pytest

from nofx_cli.cli.fault_report import tell_fault
from nofx_cli.safety.masking import Masker
from tests.cli.console import TWO_STEPS, Console, Records

CANARY = "swordfish-trombone"


@pytest.fixture(autouse=True)
def _canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_OF_MINE", CANARY)


@pytest.mark.parametrize(
    "words",
    [
        ("show", CANARY),
        ("show", CANARY, "--json"),
        ("run", f"{CANARY}.yaml"),
        ("run", f"{CANARY}.yaml", "--json"),
        ("artifacts", "latest", CANARY),
        ("run", "plan.yaml", "--param", f"{CANARY}=1"),
    ],
)
def test_errors_are_told_without_secrets(cli: Console, records: Records, words: tuple[str, ...]) -> None:
    records.add(TWO_STEPS)
    (cli.folder / "plan.yaml").write_text("steps: [{name: a, tool: shell, inputs: {command: 'true'}}]\n")

    result = cli(*words)

    assert result.exit_code in {2, 3, 4}
    assert CANARY not in result.output
    assert "***" in result.output


def test_a_plan_with_a_secret_makes_no_run(cli: Console, records: Records) -> None:
    (cli.folder / "plan.yaml").write_text(
        f"steps:\n  - {{name: a, tool: shell, inputs: {{command: 'curl -u ada:{CANARY} host'}}}}\n"
    )

    result = cli("run", "plan.yaml", "--json")

    assert result.exit_code == 3
    assert json.loads(result.stdout)["error"]["code"] == "secret-in-plan"
    assert "error[secret-in-plan]: the plan plan holds a secret on line 2" in result.stderr
    assert list(records.store.runs()) == []


def test_the_report_of_a_fault_knows_what_any_masker_of_the_process_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    masker = Masker(["learned-by-a-step"])

    tell_fault(RuntimeError(f"{CANARY} learned-by-a-step"))

    told = capsys.readouterr().err
    [report] = tmp_path.glob("nofx-report-*")
    for text in (told, report.read_text()):
        assert "RuntimeError: *** ***" in text
        assert CANARY not in text
        assert "learned-by-a-step" not in text
    assert repr(masker) == "Masker(1 values)"
