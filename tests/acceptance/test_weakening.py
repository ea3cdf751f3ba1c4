"""A step that makes a gate pass by weakening it: the run does not simply pass. Real pytest, ruff and coverage."""

import json

import pytest

from nofx_cli.domain import events as ev
from tests.acceptance.program import Ended, Program
from tests.acceptance.watched import Watched
from tests.acceptance.workplace import Workplace, shell

pytestmark = pytest.mark.acceptance

TESTS = """from src.cart import total


def test_total():
    assert total([1, 2]) == 4


def test_empty():
    assert total([]) == 0
"""
GOOD_TESTS = TESTS.replace("== 4", "== 3")
CART = "def total(prices):\n    return sum(prices)\n\n\ndef unused():\n    return 1\n"
PYPROJECT = '[tool.pytest.ini_options]\npythonpath = ["."]\n[tool.coverage.report]\nfail_under = 90\n'
WEAKENED = [
    pytest.param(
        {"tests/test_cart.py": TESTS},
        "sed -i '/def test_total/,/== 4/d' tests/test_cart.py",
        "unit",
        "tests/test_cart.py: test_total was removed",
        id="a failing test is deleted",
    ),
    pytest.param(
        {"src/cart.py": "import os\n" + CART},
        "sed -i 's/^import os$/import os  # noqa/' src/cart.py",
        "lint",
        'src/cart.py: 1 more "# noqa"',
        id="a finding is silenced",
    ),
    pytest.param(
        {"tests/test_cart.py": TESTS},
        "sed -i 's/^def test_total/import pytest\\n\\n\\n@pytest.mark.skip\\ndef test_total/' tests/test_cart.py",
        "unit",
        'tests/test_cart.py: 1 more "skip or xfail mark"',
        id="a failing test is skipped",
    ),
    pytest.param(
        {},
        "sed -i 's/fail_under = 90/fail_under = 10/' pyproject.toml",
        "coverage",
        "pyproject.toml: coverage.report.fail_under lowered from 90 to 10",
        id="a floor is lowered",
    ),
    pytest.param(
        {"tests/test_cart.py": TESTS},
        "echo 'def pytest_collection_modifyitems(items): items.sort(key=str); items.pop()' > conftest.py",
        "unit",
        "conftest.py: added (it configures gate:unit)",
        id="a failing test is left out by a conftest.py",
    ),
    pytest.param(
        {"src/page.js": "alert(1)\n"},
        "echo '/* eslint-disable */' >> src/page.js",
        "lint",
        'src/page.js: 1 more "eslint-disable"',
        id="eslint is silenced",
    ),
]


def project(nofx: Program, command: str, gate: str, *, more: dict[str, str] | None = None) -> str:
    """A project, and a plan: a step that runs the command, and then the gate."""
    files = {"src/cart.py": CART, "tests/test_cart.py": GOOD_TESTS, "pyproject.toml": PYPROJECT}
    for name, text in {**files, **(more or {})}.items():
        (nofx.folder / name).parent.mkdir(exist_ok=True)
        (nofx.folder / name).write_text(text)
    return nofx.plan(shell("edit", command) + f'  - {{name: check, tool: "gate:{gate}"}}\n')


def asked(nofx: Program) -> ev.ApprovalRequested:
    return next(event.payload for event in nofx.events() if isinstance(event.payload, ev.ApprovalRequested))


def gate_of(nofx: Program) -> ev.GateEvaluated:
    return next(event.payload for event in nofx.events() if isinstance(event.payload, ev.GateEvaluated))


def waits(nofx: Program, plan: str, said: str) -> Ended:
    ended = nofx("run", plan)
    assert ended.code == 8, ended
    assert said in asked(nofx).question
    assert said in ended.err
    assert "gate.evaluated check" not in nofx.types()
    return ended


@pytest.mark.parametrize(("files", "command", "gate", "said"), WEAKENED)
def test_it_waits_for_a_person(nofx: Program, files: dict[str, str], command: str, gate: str, said: str) -> None:
    waits(nofx, project(nofx, command, gate, more=files), said)


def test_a_gate_that_may_not_apply_waits_where_a_step_made_it_inapplicable(nofx: Program) -> None:
    """Without its floor, coverage is `skipped`, which an optional step lets through."""
    project(nofx, "true", "coverage")
    edit = shell("edit", "sed -i '/fail_under/d' pyproject.toml")
    optional = "  - {name: check, tool: 'gate:coverage', inputs: {optional: true}}\n"
    waits(nofx, nofx.plan(edit + optional), "pyproject.toml: coverage.report.fail_under")


@pytest.mark.parametrize("gate", ["lint", "unit"])
def test_without_a_weakening_it_passes(nofx: Program, gate: str) -> None:
    better = (
        "printf '\\n\\ndef test_more():\\n    assert total([5]) == 5\\n' >> tests/test_cart.py; echo hi > README.md"
    )
    ended = nofx("run", project(nofx, better, gate))
    assert ended.code == 0, ended
    assert gate_of(nofx).verdict == "passed"
    assert "snapshot.taken" in nofx.types()


def test_a_gate_that_fails_fails_whatever_was_weakened(nofx: Program) -> None:
    ended = nofx(
        "run", project(nofx, "echo 'x = 1  # noqa' >> tests/test_cart.py; echo 'y = z' >> src/cart.py", "lint")
    )
    assert ended.code == 1, ended
    assert "approval.requested check" not in nofx.types()


def test_settings_of_gates_are_no_steps_to_edit(nofx: Program) -> None:
    """The policy forbids it; where it could not see it, the gate would ask."""
    plan = project(nofx, "echo 'gates: {lint: {paths: [tests]}}' > nofx.yaml", "lint")
    ended = nofx("run", plan)
    assert ended.code in {6, 8}, ended
    assert "run.succeeded" not in nofx.types()


def test_settings_of_gates_that_a_person_edits_meanwhile_are_asked_about(nofx: Program) -> None:
    files = {"src/cart.py": "import os\n" + CART, "nofx.yaml": "gates: {lint: {paths: [src, tests]}}\n"}
    plan = project(nofx, "test -e go", "lint", more=files)
    assert nofx("run", plan).code == 1
    (nofx.folder / "go").touch()
    (nofx.folder / "nofx.yaml").write_text("gates: {lint: {paths: [tests]}}\n")
    ended = nofx("retry", "latest")
    assert ended.code == 8, ended
    assert "nofx.yaml: gates.lint.paths has src no more" in asked(nofx).question


class TestTheAnswer:
    COMMAND, SAID = WEAKENED[0].values[1], WEAKENED[0].values[3]

    @pytest.fixture
    def plan(self, nofx: Program) -> str:
        return project(nofx, str(self.COMMAND), "unit", more={"tests/test_cart.py": TESTS})

    def test_approved_it_passes_on_record(self, nofx: Program, plan: str) -> None:
        waits(nofx, plan, str(self.SAID))
        ended = nofx("approve", "check", "--note", "it was wrong", env={"NOFX_ACTOR": "ada"})
        assert ended.code == 0, ended
        shown = ended.err.splitlines()
        assert "  weakened.tests/test_cart.py: test_total was removed" in shown
        assert f"  bound to: sha256 {asked(nofx).digest}" in shown
        assert gate_of(nofx).summary == "1 test: 1 passed; weakened as approved by ada"
        assert nofx.types()[-1] == "run.succeeded"
        assert "weakened as approved by ada" in nofx("show", "latest").out

    def test_approved_it_goes_on_where_somebody_stays_for_it(self, nofx: Program, plan: str) -> None:
        staying = nofx.start("run", plan, "--wait")
        nofx.shows("run.waiting")
        assert nofx("approve", "check").code == 0
        assert staying.wait(30) == 0
        assert "weakened as approved by" in gate_of(nofx).summary

    def test_approved_it_goes_on_in_a_worker(self, nofx: Program, plan: str, work: Workplace) -> None:
        told = nofx("run", plan, "--detach", "--no-start-worker")
        assert told.code == 0, told
        run = told.out.strip()
        worker = work.worker()
        work.has(run, "run.waiting")
        assert nofx("approve", "check", "--run", run).code == 0
        work.has(run, "run.succeeded")
        worker.signal()
        assert "weakened as approved by" in gate_of(nofx).summary

    def test_approved_by_key_in_the_view_that_shows_it(self, nofx: Program, plan: str) -> None:
        with Watched("run", plan) as seen:
            seen.shows("check waits for you")
            seen.shows("test_total was removed")
            seen.press("a")
            assert seen.code() == 0
        assert "weakened as approved by" in gate_of(nofx).summary

    def test_rejected_the_run_fails(self, nofx: Program, plan: str) -> None:
        waits(nofx, plan, str(self.SAID))
        assert nofx("reject", "check").code == 0
        assert nofx.types()[-1] == "run.failed"

    def test_what_was_weakened_further_after_the_approval_is_asked_anew(self, nofx: Program, plan: str) -> None:
        waits(nofx, plan, str(self.SAID))
        assert nofx("approve", "check", "--no-resume").code == 0
        (nofx.folder / "tests/test_cart.py").write_text("def test_other():\n    pass\n")
        ended = nofx("resume")
        assert ended.code == 5, ended
        assert "approval.stale check" in nofx.types()
        assert nofx("approve", "check").code == 0

    def test_what_cannot_be_shown_cannot_be_approved_but_rejected(self, nofx: Program, plan: str) -> None:
        waits(nofx, plan, str(self.SAID))
        (document,) = nofx.store.glob(f"runs/*/*/{asked(nofx).path}")
        kept = document.read_text()
        document.write_text("{}")
        ended = nofx("approve", "check")
        assert ended.code == 5, ended
        assert "is not there as it was kept" in ended.err
        assert nofx("reject", "check").code == 0
        document.write_text(kept)


@pytest.mark.parametrize(("rule", "code"), [("fail", 1), ("tell", 0)])
def test_the_project_says_what_is_done(nofx: Program, rule: str, code: int) -> None:
    files = {"tests/test_cart.py": TESTS, "nofx.yaml": f"approvals: {{weakened: {rule}}}\n"}
    plan = project(nofx, str(WEAKENED[0].values[1]), "unit", more=files)
    ended = nofx("run", plan, "--json")
    assert ended.code == code, ended
    assert gate_of(nofx).verdict == ("failed" if code else "passed")
    assert "tests/test_cart.py: test_total was removed" in gate_of(nofx).summary
    if code:
        assert json.loads(ended.out)["failure"]["code"] == "gate-weakened"


def test_what_a_run_is_compared_with_cannot_be_changed(nofx: Program) -> None:
    project(nofx, "true", "unit")
    waiting = nofx.plan('  - {name: first, tool: "manual:x"}\n  - {name: check, tool: "gate:unit"}\n')
    assert nofx("run", waiting).code == 8
    (kept,) = nofx.store.glob("runs/*/*/snapshot.json")
    text = kept.read_text()
    kept.write_text(text.replace("test_empty", "test_other"))
    assert nofx("verify", "latest").code == 1
    ended = nofx("approve", "first")
    assert ended.code == 1, ended
    assert "is not what the journal says" in ended.err
    kept.write_text(text)


def test_a_run_without_gates_has_no_snapshot(nofx: Program) -> None:
    assert nofx("run", nofx.plan(shell("a", "true"))).code == 0
    assert "snapshot.taken" not in nofx.types()
