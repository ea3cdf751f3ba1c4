"""A model that mends failing tests in a repository, and models that do not: what it costs, and what is kept."""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.model_project import ModelProject, says
from tests.acceptance.program import Program
from tests.model_server import Asked, ModelServer, Say

pytestmark = pytest.mark.acceptance

BROKEN = "def add(a, b):\n    return a - b\n\n\ndef double(a):\n    return a\n"
HALF = BROKEN.replace("a - b", "a + b")
MENDED = HALF.replace("return a\n", "return 2 * a\n")
WORSE = "def add(a, b):\n    return None\n\n\ndef double(a):\n    raise ValueError(a)\n"
TESTS = """\
from sums import add, double


def test_add():
    assert add(1, 2) == 3


def test_double():
    assert double(2) == 4


def test_nothing():
    assert add(0, 0) == 0
"""


def plan(*, attempts: int = 3, more: str = "", inputs: str = "") -> str:
    return f"""\
{more}steps:
  - name: mend
    tool: codegen
    inputs: {{prompt: "Mend the tests.", files: ["*.py"], apply: true, edits: whole{inputs}}}
  - {{name: tests, tool: "gate:unit", repair: {{step: mend, attempts: {attempts}}}}}
"""


@pytest.fixture
def project(nofx: Program) -> Iterator[ModelProject]:
    with ModelServer() as server:
        yield ModelProject(nofx, server, sums=BROKEN, test_sums=TESTS)


def test_the_same_bad_patch_ends_the_repair_with_its_spend_told(project: ModelProject) -> None:
    project.server.otherwise = says(("sums.py", WORSE))
    told = project.run(plan(attempts=5))
    assert told.code == 1
    assert "the repair stopped after round 2 of 5: the same findings came back" in told.err
    project.spent(2)
    assert project.nofx.types().count("gate.evaluated tests") == 2
    assert project.own() == BROKEN


def test_a_model_that_is_a_little_less_bad_each_time_has_as_many_rounds_as_it_was_given(project: ModelProject) -> None:
    project.server.script(says(("sums.py", WORSE)), says(("sums.py", BROKEN)), says(("sums.py", HALF)))
    told = project.run(plan(attempts=3))
    assert told.code == 1
    assert "the repair stopped after round 3 of 3: all 3 rounds were used" in told.err
    project.spent(3)


@pytest.mark.parametrize(
    "budget", ["budget: {calls: 1, on_limit: fail}\n", "budget: {usd: 0.15, on_limit: fail}\n"], ids=["calls", "usd"]
)
def test_a_budget_that_is_used_up_ends_the_repair_with_7(project: ModelProject, budget: str) -> None:
    project.server.otherwise = says(("sums.py", WORSE))
    told = project.run(plan(attempts=5, more=budget))
    assert told.code == 7
    project.spent(1)
    assert "budget.exceeded mend" in project.nofx.types()


def test_one_that_mends_it_at_the_second_try_succeeds_after_two_rounds(project: ModelProject) -> None:
    project.server.script(says(("sums.py", HALF)), says(("sums.py", MENDED)))
    told = project.run(plan())
    assert told.code == 0, told
    project.spent(2)
    types = project.nofx.types()
    assert types.count("gate.evaluated tests") == 2
    assert types.count("step.finished mend") == 2
    timeline = project.nofx("timeline").out
    assert "repair, round 2 of 3: tests found 1 finding" in timeline
    assert project.step("tests")["gate"]["verdict"] == "passed"
    first, second = (asked.prompt for asked in project.server.asked)
    assert "This is round 2 of 3." not in first
    assert "This is round 2 of 3." in second
    assert re.search(r"test_sums\.py:\d+.*test_double", second)
    assert "return a + b" in second
    assert project.own() == BROKEN
    assert project.nofx("apply").code == 0
    assert project.own() == MENDED


def _without_a_test() -> str:
    start = TESTS.index("def test_double")
    return TESTS[:start] + TESTS[TESTS.index("def test_nothing") :]


def _skipped() -> str:
    return "import pytest\n" + TESTS.replace("def test_double", "@pytest.mark.skip\ndef test_double")


DELETED, SKIPPED = "test_double was removed", '1 more "skip or xfail mark"'


@pytest.mark.parametrize(
    ("before", "cheat", "found"),
    [
        pytest.param([], _without_a_test, DELETED, id="deletes"),
        pytest.param([], _skipped, SKIPPED, id="skips"),
        pytest.param([says(("sums.py", HALF))], _skipped, SKIPPED, id="skips after an honest try"),
        pytest.param(
            [says(("sums.py", WORSE), ("test_sums.py", _without_a_test()))],
            _without_a_test,
            DELETED,
            id="deletes in the round before",
        ),
    ],
)
def test_one_that_takes_the_failing_test_away_does_not_pass(
    project: ModelProject, before: list[Say], cheat: Callable[[], str], found: str
) -> None:
    project.server.script(*before)
    project.server.otherwise = says(("sums.py", HALF), ("test_sums.py", cheat()))
    told = project.run(plan())
    assert told.code == 8, told
    types = project.nofx.types()
    assert "approval.requested tests" in types
    assert "run.succeeded" not in types
    assert project.step("tests")["status"] == "waiting"
    assert f"gate:unit would pass, but was weakened by the run: test_sums.py: {found}" in told.err
    assert project.nofx("reject", "tests").code == 0
    assert project.nofx.types()[-1] == "run.failed"


def test_one_that_may_only_write_the_code_cannot_touch_the_tests(project: ModelProject) -> None:
    project.server.script(says(("test_sums.py", _without_a_test())), says(("sums.py", MENDED)))
    told = project.run(plan(inputs=', write: ["sums.py"]'))
    assert told.code == 0, told
    assert "test_sums.py may not be changed" in project.server.asked[1].prompt
    assert (project.worktree() / "test_sums.py").read_text() == TESTS


def test_the_best_round_is_kept_where_the_last_is_worse(project: ModelProject) -> None:
    project.server.script(says(("sums.py", HALF)), says(("sums.py", WORSE)))
    told = project.run(plan())
    assert told.code == 1
    assert "that is no progress; the best was round 1, with 1 finding, to which the worktree was set back" in told.err
    assert (project.worktree() / "sums.py").read_text() == HALF
    assert project.own() == BROKEN
    assert "return a + b" in project.nofx("diff").out
    assert project.nofx("apply").code == 0
    assert project.own() == HALF


def test_what_stands_between_is_done_again_too_earlier_gates_included(project: ModelProject) -> None:
    def lint_and_tests(asked: Asked) -> Say:
        return says(("sums.py", HALF if project.server.calls == 1 else MENDED))

    project.server.otherwise = lint_and_tests
    between = '  - {name: compiles, tool: "gate:lint", inputs: {paths: [sums.py]}}\n  - {name: tests'
    told = project.run(plan().replace("  - {name: tests", between))
    assert told.code == 0, told
    assert project.nofx.types().count("gate.evaluated compiles") == 2
    assert project.nofx.types().count("gate.evaluated tests") == 2
