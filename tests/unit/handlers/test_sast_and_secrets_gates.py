"""`gate:sast` and `gate:secrets`: what plans may not pass to them, and what they do without a report."""

from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Failed
from nofx_cli.handlers.gates import sast, secrets
from nofx_cli.handlers.gates.gate import GateHandler
from nofx_cli.handlers.gates.options import abbreviated
from nofx_cli.testing import FakeContext, process_result


@pytest.mark.parametrize(
    ("gate", "options"),
    [
        (sast.HANDLER, ("--exit-zero", "--exit-z", "-x.", "--exclude=.", "-f", "-b", "--ini=x", "-q")),
        (secrets.HANDLER, ("--only-verified", "--only-v", "--string=x", "--baseline", "--list-all-plugins", "--slim")),
    ],
)
def test_options_that_would_spoil_the_evidence_are_refused(gate: GateHandler, options: tuple[str, ...]) -> None:
    for option in options:
        assert gate.check({"args": [option]}) != [], option


def test_an_option_is_known_by_every_abbreviation_that_argparse_takes() -> None:
    assert abbreviated("--fix", "-f", "--format") == ("--fix", "-f", "--format", "--forma", "--form", "--for")


@pytest.mark.parametrize(("gate", "program"), [(sast.HANDLER, "bandit"), (secrets.HANDLER, "detect-secrets")])
@pytest.mark.parametrize("exit_code", [0, 2])
def test_an_exit_without_a_report_is_no_pass(tmp_path: Path, gate: GateHandler, program: str, exit_code: int) -> None:
    ctx = FakeContext(tmp_path, processes=[process_result(exit_code)])
    path = ctx.workspace / ".venv/bin" / program
    path.parent.mkdir(parents=True)
    path.touch(mode=0o755)
    (ctx.workspace / "a.py").touch()
    outcome = gate.run(ctx)
    assert isinstance(outcome, Failed)
    assert outcome.error.code == "gate-errored"


def test_bandit_reads_the_projects_settings_where_it_would_not_by_itself(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path)
    (ctx.workspace / "pyproject.toml").write_text("[tool.bandit]\nskips = []\n")
    assert "'-c', 'pyproject.toml'" in str(sast.HANDLER.preview(ctx)["argv"])
    ctx.inputs = {"args": ["-c", "other.yaml"]}
    assert "'pyproject.toml'" not in str(sast.HANDLER.preview(ctx)["argv"])
