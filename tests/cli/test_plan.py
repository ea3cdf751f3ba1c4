"""`nofx plan`: check, list, show, graph and schema."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.console import EVIL, Console, harmless

GOOD = """\
goal: Verify and publish
params: {tag: {type: string, required: true, description: what is published}}
steps:
  - {name: lint, tool: "gate:lint", needs: []}
  - {name: unit, tool: "gate:unit", needs: [], retry: {max_attempts: 2}, severity: warning}
  - {name: release, tool: "manual:release", needs: [lint, unit]}
  - {name: publish, tool: shell, inputs: {command: "echo {{ params.tag }}"}, timeout: 5m}
"""
BAD = """\
goal: Build
steps:
  - {name: build, tol: shell}
  - {name: test, tool: shell, needs: [biuld], inputs: {command: "true"}}
"""


@pytest.fixture
def good(cli: Console) -> str:
    return _write(cli, "good.yaml", GOOD)


@pytest.fixture
def bad(cli: Console) -> str:
    return _write(cli, "bad.yaml", BAD)


def _write(cli: Console, name: str, text: str) -> str:
    (cli.folder / name).write_text(text)
    return name


def test_a_good_plan(cli: Console, good: str) -> None:
    first, lint, unit = cli.ok("plan", "check", good).splitlines()
    assert first == "good.yaml: ok, 4 steps"
    assert re.fullmatch(r"  lint  gate:lint  \S*ruff check .*--no-cache .* -- \.", lint)
    assert re.match(r"  unit  gate:unit  \S*(pytest|python -m pytest) ", unit)


def test_a_gate_that_cannot_run_says_why(cli: Console) -> None:
    (cli.folder / "nofx.yaml").write_text("gates: {lint: {enabled: false}}\n")
    _write(cli, "off.yaml", "steps: [{name: a, tool: 'gate:lint'}]")
    told = cli.ok("plan", "check", "off.yaml").splitlines()
    assert told[1] == "  a  gate:lint  nothing: it is switched off in nofx.yaml:1"


def test_every_fault_of_every_plan_with_its_place(cli: Console, good: str, bad: str) -> None:
    result = cli("plan", "check", good, bad)
    assert result.exit_code == 3
    assert result.stdout.startswith("good.yaml: ok, 4 steps\n  lint  gate:lint ")
    assert "\nbad.yaml:3:5: error[plan-" in result.stdout
    assert "bad.yaml:3:19: error[plan-unknown-key]: unknown key `tol`" in result.stdout
    assert "did you mean `build`?" in result.stdout
    assert result.stdout.endswith("bad.yaml: 3 faults\n")


def test_check_creates_nothing(cli: Console, good: str, tmp_path: Path) -> None:
    cli.ok("plan", "check", good)
    assert not (tmp_path / "store").exists()


def test_the_fields_of_check_are_pinned(cli: Console, good: str, bad: str) -> None:
    result = cli("plan", "check", good, bad, "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, set(told), told["ok"]) == (3, {"ok", "plans"}, False)
    first, second = told["plans"]
    assert set(first) == {"source", "ok", "digest", "steps", "gates", "diagnostics"}
    gate, _ = first["gates"]
    assert (gate["step"], gate["tool"], gate["would"]["argv"][1], gate["later"]) == ("lint", "gate:lint", "check", "")
    assert second["gates"] is None
    assert (first["source"], first["ok"], first["steps"], first["diagnostics"]) == ("good.yaml", True, 4, [])
    assert set(second["diagnostics"][0]) == {
        "code", "message", "source", "line", "column", "hint", "text", "length",
    }  # fmt: skip


def test_a_plan_that_is_not_there(cli: Console) -> None:
    assert cli("plan", "check", "nowhere.yaml").exit_code == 4
    assert cli("plan", "show", "qualty").exit_code == 4


def test_plans_by_name(cli: Console) -> None:
    (cli.folder / "plans").mkdir()
    _write(cli, "plans/mine.yaml", GOOD)
    _write(cli, "plans/quality.yaml", "steps: [")
    listed = {plan["name"]: plan for plan in cli.json("plan", "list")}
    assert all(set(plan) == {"name", "origin", "path", "goal", "fault", "shadows"} for plan in listed.values())
    assert (listed["mine"]["origin"], listed["mine"]["goal"]) == ("project", "Verify and publish")
    assert listed["quality"]["shadows"] is True
    assert listed["quality"]["fault"]
    assert listed["demo"]["origin"] == "built-in"
    shown = cli.ok("plan", "list")
    assert shown.splitlines()[0].split() == ["PLAN", "FROM", "GOAL"]
    assert "cannot be read: line " in shown


def test_defaults_are_written_out(cli: Console, good: str) -> None:
    lines = cli.ok("plan", "show", good).splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines if line and not line.startswith(" ")}
    assert rows["tag"] == ["string", "required", "what", "is", "published"]
    assert rows["unit"] == ["gate:unit", "-", "30m00s", "2", "its", "failure", "does", "not", "block"]
    assert rows["release"] == ["manual:release", "lint,", "unit", "30m00s", "1", "asks", "a", "person"]
    assert rows["publish"][1:4] == ["release", "5m00s", "1"]


def test_the_fields_of_show_are_pinned(cli: Console, good: str) -> None:
    shown = cli.json("plan", "show", good)
    assert set(shown) == {
        "name", "source", "digest", "version", "goal", "concurrency", "params", "env", "policy", "budget",
        "workspace", "steps",
    }  # fmt: skip
    assert shown["steps"][3]["needs"] == ["release"]
    assert shown["steps"][3]["timeout_ms"] == 300_000
    assert shown["steps"][1]["blocks"] is False


def test_budget_workspace_and_repair_are_shown(cli: Console) -> None:
    text = "workspace: worktree\nbudget: {usd: 2.00, on_limit: fail}\npolicy: {budget: {tokens: 900}}\nsteps:\n"
    text += "  - {name: a, tool: shell, inputs: {command: ls}, policy: {budget: {calls: 3}}}\n"
    text += "  - {name: b, tool: gate:lint, repair: {step: a, attempts: 4}}\n"
    _write(cli, "spend.yaml", text)
    lines = [" ".join(line.split()) for line in cli.ok("plan", "show", "spend.yaml").splitlines()]
    assert "workspace worktree" in lines
    assert "budget $2.00 (spend.yaml:2), 900 tokens (policy, spend.yaml:3); then it fails" in lines
    assert "a shell - 30m00s 1 spends at most 3 calls (policy, spend.yaml:5); then it fails" in lines
    assert "b gate:lint a 30m00s 1 its findings go back to a, 4 rounds at most" in lines

    shown = cli.json("plan", "show", "spend.yaml")
    none = {"usd": None, "tokens": None, "calls": None, "wall_ms": None, "on_limit": "fail"}
    usd = {"limit": "2.00", "source": "spend.yaml:2", "of_policy": False}
    tokens = {"limit": 900, "source": "spend.yaml:3", "of_policy": True}
    assert shown["budget"] == none | {"usd": usd, "tokens": tokens}
    assert shown["workspace"] == "worktree"
    first, second = shown["steps"]
    assert first["budget"] == none | {"calls": {"limit": 3, "source": "spend.yaml:5", "of_policy": True}}
    assert (second["repair"], second["budget"], first["repair"]) == ({"step": "a", "attempts": 4}, none, None)


def test_graphs(cli: Console, good: str) -> None:
    assert "release" in cli.ok("plan", "graph", good)
    assert cli.ok("plan", "graph", good, "--format", "mermaid").startswith("flowchart TD\n")
    assert cli.ok("plan", "graph", good, "-f", "dot").startswith("digraph plan {\n")
    assert cli("plan", "graph", good, "-f", "png").exit_code == 2


def test_the_schema(cli: Console) -> None:
    assert json.loads(cli.ok("plan", "schema"))["$schema"].endswith("2020-12/schema")


@pytest.mark.parametrize("words", [["list"], ["show", "plans/evil.yaml"], ["graph", "plans/evil.yaml"]])
def test_foreign_text_is_harmless(cli: Console, words: list[str]) -> None:
    (cli.folder / "plans").mkdir()
    goal, when = json.dumps(f"::error::boom {EVIL}"), json.dumps(f"run.id == '{EVIL}'")
    _write(cli, "plans/evil.yaml", f'goal: {goal}\nsteps:\n  - {{name: a, tool: "test:echo", when: {when}}}\n')
    shown = cli.ok("plan", *words)
    assert harmless(shown)
    assert "gpj.exe" in shown


def test_foreign_text_in_faults_is_harmless(cli: Console) -> None:
    _write(cli, "evil.yaml", f"{json.dumps(EVIL)}: 1\nsteps: [{{{json.dumps(EVIL)}: 2}}]\n")
    shown = cli("plan", "check", "evil.yaml").stdout
    assert harmless(shown)
    assert "gpj.exe" in shown
