"""`nofx run` on plans that ask a model: a scripted one, over real HTTP."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from nofx_cli.testing.waiting import wait_until
from tests.acceptance.program import PATIENCE, Program
from tests.model_server import Hang, ModelServer, Refuse, Say

pytestmark = pytest.mark.acceptance

MINUS = "def add(a, b):\n    return a - b\n"
SUM = "def add(a, b):\n    return a + b\n"
TEST = "from a import add\n\n\ndef test_add():\n    assert add(1, 1) == 2\n"
FENCE = "```"


@pytest.fixture
def server(nofx: Program) -> Iterator[ModelServer]:
    """A model that says what the test scripts, and the project's settings that lead to it."""
    with ModelServer() as made:
        (nofx.folder / "nofx.yaml").write_text(made.models_yaml())
        yield made


def whole(path: str, text: str) -> str:
    return f"`{path}`\n{FENCE}\n{text}{FENCE}\n"


def step(name: str, **inputs: object) -> str:
    return f"  - {{name: {name}, tool: codegen, inputs: {json.dumps(inputs)}}}\n"


def test_words_and_data_go_from_step_to_step(nofx: Program, server: ModelServer) -> None:
    (nofx.folder / "CHANGES").write_text("faster\n")
    server.script(Say("It is faster."), Say('{"risks": ["none"]}'))
    ended = nofx(
        "run",
        nofx.plan(
            step("notes", prompt="Write notes.", files=["CHANGES"], output="notes.md")
            + step(
                "risks",
                prompt="Which risks?",
                artifacts=[{"step": "notes", "name": "notes.md"}],
                schema={"type": "object", "required": ["risks"]},
            )
            + '  - {name: told, tool: "test:echo", inputs: {first: "{{ steps.risks.outputs.data.risks[0] }}"}}\n'
        ),
    )
    assert ended.code == 0, ended
    first, second = (asked.prompt for asked in server.asked)
    assert "faster\n" in first
    assert "It is faster.\n" in second
    shown = json.loads(nofx("show", "--json").out)
    assert [one["outputs"].get("first") for one in shown["steps"]][-1] == "none"
    assert "It is faster." in nofx.log("notes")


def test_the_same_question_is_answered_from_the_archive(nofx: Program, server: ModelServer) -> None:
    server.script(Say("one"))
    plan = nofx.plan(step("a", prompt="p"))
    assert nofx("run", plan).code == 0
    assert nofx("run", plan).code == 0
    assert server.calls == 1


def test_an_answer_that_was_cut_off_is_no_answer_for_another_run(nofx: Program, server: ModelServer) -> None:
    server.script(Say("It begi", finish="length"), Say("It begins."))
    plan = nofx.plan(step("a", prompt="p", attempts=1))
    assert nofx("run", plan).code == 1
    assert "[answer-cut-off]" in nofx("show").out
    (nofx.folder / "nofx.yaml").write_text(server.models_yaml() + "  settings: {local/m: {max_output_tokens: 99}}\n")
    assert nofx("run", plan).code == 0
    assert [asked.prompt for asked in server.asked[:1]] == [asked.prompt for asked in server.asked[1:]]


def test_a_model_changes_files_and_a_bad_answer_goes_back(nofx: Program, server: ModelServer) -> None:
    (nofx.folder / "a.py").write_text(MINUS)
    server.script(Say("I mended it."), Say(whole("a.py", SUM)))
    ended = nofx("run", nofx.plan(step("mend", prompt="mend add", files=["a.py"], apply=True, edits="whole")))
    assert ended.code == 0, ended
    assert (nofx.folder / "a.py").read_text() == SUM
    assert server.calls == 2
    assert "cannot be used" in server.asked[1].prompt
    assert "+    return a + b" in nofx.log("mend")
    assert "changes.diff" in nofx("artifacts").out


def test_a_secret_in_the_context_is_not_sent_and_its_mask_is_not_written(nofx: Program, server: ModelServer) -> None:
    secret = "correct-horse-battery"
    before = f'PASSWORD = "{secret}"\nRETRIES = 1\n'
    (nofx.folder / "a.py").write_text(before)
    server.script(Say(whole("a.py", 'PASSWORD = "***"\nRETRIES = 3\n')))
    plan = nofx.plan(step("code", prompt="Retry 3 times.", files=["a.py"], apply=True, edits="whole", attempts=1))
    ended = nofx("run", plan, env={"DEPLOY_TOKEN": secret})
    assert ended.code == 1
    assert secret not in json.dumps(server.asked[0].body)
    assert (nofx.folder / "a.py").read_text() == before
    assert 'the line "PASSWORD = "***"" has *** in the place of a secret' in ended.err, ended


def test_what_policy_denies_is_not_written_and_fails_the_step(nofx: Program, server: ModelServer) -> None:
    settings = f'{server.models_yaml()}policy: {{write: {{allow: ["docs/**"]}}}}\n'
    (nofx.folder / "nofx.yaml").write_text(settings)
    server.script(Say(whole("docs/a.md", "x\n") + whole("a.py", SUM)))
    ended = nofx("run", nofx.plan(step("mend", prompt="p", apply=True, edits="whole")))
    assert ended.code == 6 or "policy-denied" in nofx("show").out, ended
    assert "policy.denied mend" in nofx.types()
    assert not (nofx.folder / "docs").exists()
    assert not (nofx.folder / "a.py").exists()
    assert server.calls == 1


def test_findings_go_back_until_the_gate_passes(nofx: Program, server: ModelServer) -> None:
    (nofx.folder / "a.py").write_text(MINUS)
    (nofx.folder / "test_a.py").write_text(TEST)
    server.script(Say(whole("a.py", MINUS.replace("a - b", "a * b"))), Say(whole("a.py", SUM)))
    ended = nofx(
        "run",
        nofx.plan(
            step("mend", prompt="mend add", files=["a.py"], apply=True, edits="whole", write=["a.py"])
            + '  - {name: tests, tool: "gate:unit", repair: {step: mend, attempts: 3}}\n'
        ),
    )
    assert ended.code == 0, ended
    assert server.calls == 2
    told = server.asked[1].prompt
    assert "This is round 2 of 3." in told
    assert "return a * b" in told
    assert "test_add" in told
    assert nofx.types().count("step.reset mend") == 1
    assert nofx.types().count("gate.evaluated tests") == 2


def test_a_checkout_stays_as_it_was_and_the_worktree_has_the_change(nofx: Program, server: ModelServer) -> None:
    (nofx.folder / "a.py").write_text(MINUS)
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=nofx.folder, check=True)
    server.script(Say(whole("a.py", SUM)))
    ended = nofx("run", nofx.plan(step("mend", prompt="p", files=["a.py"], apply=True, edits="whole")))
    assert ended.code == 0, ended
    assert (nofx.folder / "a.py").read_text() == MINUS
    assert [path.read_text() for path in nofx.store.rglob("a.py")] == [SUM]


def test_no_model_is_told_with_what_mends_it(nofx: Program) -> None:
    ended = nofx("run", nofx.plan(step("a", prompt="p")))
    assert ended.code == 1
    assert "no-model" in nofx("show").out
    assert "nofx.yaml" in ended.err


def test_a_provider_that_fails_is_tried_again_where_the_plan_says_so(nofx: Program, server: ModelServer) -> None:
    settings = server.models_yaml() + "  attempts: 1\n"
    (nofx.folder / "nofx.yaml").write_text(settings)
    server.script(Refuse(500), Say("late"))
    plan = step("a", prompt="p").replace("tool:", "retry: {max_attempts: 2, backoff: [10ms]}, tool:")
    ended = nofx("run", nofx.plan(plan))
    assert ended.code == 0, ended
    assert "step.retry_scheduled a" in nofx.types()


def test_after_a_kill_only_what_was_not_answered_is_asked_again(nofx: Program, server: ModelServer) -> None:
    (nofx.folder / "a.py").write_text(MINUS)
    server.script(Say("I mended it."), Hang(text="`a.py`"))
    running = nofx.start("run", nofx.plan(step("mend", prompt="mend add", files=["a.py"], apply=True, edits="whole")))
    wait_until(lambda: server.calls == 2, timeout=PATIENCE, why="the second question")
    running.kill()
    running.wait()
    server.script(Say(whole("a.py", SUM)))
    ended = nofx("resume", "latest")
    assert ended.code == 0, ended
    assert [asked.prompt for asked in server.asked[1:2]] == [asked.prompt for asked in server.asked[2:]]
    assert (nofx.folder / "a.py").read_text() == SUM
