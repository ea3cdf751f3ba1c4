"""Every known way around a rule on commands, through the program itself.

Three runs: where no rule is, the evasions do work; where one denies the program, none of them is even started, and
their harmless relatives do work.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.acceptance.program import Program
from tests.unit.safety.evasions import BIN, DENIED, EVASIONS, Evasion, fill, make_forbidden

pytestmark = pytest.mark.acceptance
_POLICY = f"policy: {{commands: {{deny: {json.dumps(list(DENIED))}}}}}\n"


@pytest.fixture
def forbidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the denied program, which is on PATH."""
    folder = make_forbidden(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def there_is(needed: str) -> bool:
    """Whether a program is there, and takes an option where one is named."""
    name, *option = needed.split() or ["true"]
    script = f"command -v {name} >/dev/null && " + (
        f"{name} --help 2>&1 | grep -q -e '{option[0]}'" if option else "true"
    )
    return subprocess.run(["sh", "-c", script], check=False).returncode == 0


def plan(nofx: Program, evasions: Sequence[Evasion], forbidden: Path, *, relatives: bool = False) -> str:
    """A plan that tries all of them, each in a folder of its own; none keeps another from being tried."""
    steps = []
    for evasion in evasions:
        fill(nofx.folder / evasion.tries)
        text = (evasion.relative if relatives else evasion.text).replace(BIN, str(forbidden))
        env = {} if relatives else dict(evasion.env)
        inputs = {"command": text, "cwd": evasion.tries, "shell": evasion.shell, "env": env}
        steps.append({"name": evasion.tries, "tool": "shell", "needs": [], "inputs": inputs})
    return nofx.plan(f"version: 1\nsteps: {json.dumps(steps)}\n")


def ran(nofx: Program, evasions: Sequence[Evasion]) -> list[str]:
    """Those where the denied program was run."""
    return [evasion.tries for evasion in evasions if (nofx.folder / evasion.tries / "ran").exists()]


def test_where_no_rule_is_they_do_work(nofx: Program, forbidden: Path) -> None:
    shown = [evasion for evasion in EVASIONS if evasion.shown and there_is(evasion.needs)]

    nofx("run", plan(nofx, shown, forbidden), "--no-wait")

    assert set(ran(nofx, shown)) == {evasion.tries for evasion in shown}


def test_where_a_rule_denies_the_program_none_is_started(nofx: Program, forbidden: Path) -> None:
    (nofx.folder / "nofx.yaml").write_text(_POLICY)

    ended = nofx("run", plan(nofx, EVASIONS, forbidden), "--no-wait")

    denied = {event.step for event in nofx.events() if event.type == "policy.denied"}
    assert denied == {evasion.tries for evasion in EVASIONS}
    assert ran(nofx, EVASIONS) == []
    assert ended.code == 6


def test_their_harmless_relatives_are_let_through(nofx: Program, forbidden: Path) -> None:
    (nofx.folder / "nofx.yaml").write_text(_POLICY)
    there = [evasion for evasion in EVASIONS if there_is(evasion.needs)]

    ended = nofx("run", plan(nofx, there, forbidden, relatives=True), "--no-wait")

    assert ended.code == 0, ended
    assert ran(nofx, there) == []
