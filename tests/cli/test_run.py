"""`nofx run`: a plan, its parameters, its key, and what comes of it."""

import json
import re
from pathlib import Path

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import digest_of_bytes
from tests.cli.runner import ASK, ECHO, FAIL, LAST, Runner

PARAMS = """\
params:
  since: {type: string, required: true}
  count: {type: integer, default: 1}
steps:
  - {name: build, tool: 'test:echo', inputs: {since: "{{ params.since }}", count: "{{ params.count }}"}}
"""


def _created(nofx: Runner) -> ev.RunCreated:
    created = nofx.events()[0].payload
    assert isinstance(created, ev.RunCreated)
    return created


def test_a_plan_becomes_a_run_on_record(nofx: Runner) -> None:
    run = nofx.run("goal: Try it\nsteps:\n" + ECHO + LAST)
    assert nofx.types() == [
        "run.created", "run.started",
        "step.enqueued build", "step.started build", "step.finished build",
        "step.enqueued last", "step.started last", "step.finished last", "run.succeeded",
    ]  # fmt: skip
    created = _created(nofx)
    text = (nofx.cli.folder / "plan.yaml").read_bytes()
    assert (created.plan_digest, created.plan_name, created.goal) == (digest_of_bytes(text), "plan", "Try it")
    assert nofx.records.store.plan_text(run).encode() == text


def test_what_is_told_of_it(nofx: Runner) -> None:
    result = nofx("run", nofx.plan(ECHO))
    (run,) = nofx.runs()
    assert re.fullmatch(rf"run {run} succeeded( in \d+ms)?\n", result.stdout)
    assert "build  succeeded" in result.stderr
    quiet = nofx("run", nofx.plan(ECHO), "--quiet")
    assert (quiet.stdout.startswith(f"run {nofx.runs()[0]} succeeded"), quiet.stderr) == (True, "")


def test_the_fields_are_pinned(nofx: Runner) -> None:
    told = nofx.json("run", nofx.plan(ECHO))
    assert told.pop("duration_ms") >= 0
    assert told["steps"][0].pop("duration_ms") >= 0
    assert told == {
        "run": nofx.runs()[0],
        "status": "succeeded",
        "exit_code": 0,
        "steps": [
            {
                "name": "build",
                "status": "succeeded",
                "attempt": 1,
                "outputs": {"version": "1.2"},
                "error": None,
                "gate": None,
                "cause": "",
            }
        ],
        "waiting": [],
        "failure": None,
    }


def test_the_fields_of_a_failure_are_pinned(nofx: Runner) -> None:
    told = nofx.json("run", nofx.plan(FAIL + LAST), code=1)
    run = nofx.runs()[0]
    error = {"code": "test-fail", "message": "it broke", "hint": ""}
    assert told["failure"] == {"step": "bad", "attempt": 1, "next": f"nofx retry {run} --from bad", **error}
    bad, last = told["steps"]
    assert (bad["status"], bad["error"]) == ("failed", error)
    assert (last["status"], last["attempt"], last["cause"]) == ("skipped", 0, "bad")
    assert (told["status"], told["exit_code"]) == ("failed", 1)


def test_the_fields_of_a_wait_are_pinned(nofx: Runner) -> None:
    told = nofx.json("run", nofx.plan(ECHO + ASK), code=8)
    run = nofx.runs()[0]
    (asked,) = (event.payload for event in nofx.events() if isinstance(event.payload, ev.ApprovalRequested))
    assert told["waiting"] == [
        {
            "step": "release",
            "question": "Release 1.2?",
            "reason": "approval",
            "digest": asked.digest,
            "approve": f"nofx approve release --run {run}",
        }
    ]
    assert (told["status"], told["exit_code"], told["failure"]) == ("waiting", 8, None)


def test_a_denial_by_policy_exits_6(nofx: Runner) -> None:
    told = nofx.json("run", nofx.plan("policy: {tools: {allow: ['gate:*']}}\nsteps:\n" + ECHO), code=6)
    assert told["failure"]["code"] == "policy-denied"
    assert "policy.denied build" in nofx.types()


def test_parameters_reach_the_steps_with_their_types(nofx: Runner) -> None:
    told = nofx.json("run", nofx.plan(PARAMS), "-p", "since=v1.2", "--param", "count=3")
    assert told["steps"][0]["outputs"] == {"since": "v1.2", "count": 3}
    assert _created(nofx).params == {"since": "v1.2", "count": 3}


@pytest.mark.parametrize(
    ("name", "text"), [("p.yaml", "since: v1\ncount: 2\n"), ("p.json", '{"since":"v1","count":2}')]
)
def test_a_file_of_parameters_and_an_option_that_goes_before_it(nofx: Runner, name: str, text: str) -> None:
    (nofx.cli.folder / name).write_text(text)
    nofx("run", nofx.plan(PARAMS), "--params-file", name, "-p", "since=v2")
    assert _created(nofx).params == {"since": "v2", "count": 2}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 3, "since"),
        (["-p", "since=a", "-p", "count=many"], 3, "count"),
        (["-p", "since=a", "-p", "sinse=b"], 3, "sinse"),
        (["-p", "since"], 2, "is no name=value"),
        (["-p", "=x"], 2, "is no name=value"),
        (["--params-file", "gone.yaml", "-p", "since=a"], None, "gone.yaml"),
        (["--no-such-option"], 2, "--no-such-option"),
        (["-p", "since=a", "--detach", "--priority", "high"], 2, "--priority"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(nofx: Runner, words: list[str], code: int | None, said: str) -> None:
    result = nofx.cli("run", nofx.plan(PARAMS), *words)
    assert result.exit_code in ({code} if code else {2, 3, 4})
    assert said in result.stderr
    assert not nofx.records.layout.root.exists()


@pytest.mark.parametrize(
    ("plan", "code"), [("steps: [{name: a, tool: shel}]\n", 3), ("steps: [\n", 3), ("x: 1\n", 3), ("", 3)]
)
def test_of_a_plan_that_is_invalid_nothing_is_made(nofx: Runner, plan: str, code: int) -> None:
    before = {path.name for path in nofx.cli.folder.iterdir()} | {"plan.yaml"}
    (nofx.cli.folder / "plan.yaml").write_text(plan)
    result = nofx("run", "plan.yaml", code=code)
    assert "plan.yaml:" in result.stderr
    assert {path.name for path in nofx.cli.folder.iterdir()} == before
    assert not nofx.records.layout.root.exists()


def test_the_store_is_below_the_project_and_not_made_for_nothing(nofx: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOFX_HOME")
    nofx("run", nofx.plan("steps: [{name: a, tool: shel}]\n"), code=3)
    nofx("run", nofx.plan(ECHO), "--dry-run")
    nofx("run", "gone", code=4)
    nofx("list")
    assert not (nofx.cli.folder / "local_data").exists()
    nofx("run", nofx.plan(ECHO))
    assert (nofx.cli.folder / "local_data/.gitignore").read_text() == "*\n"


def test_a_plan_that_is_not_there(nofx: Runner) -> None:
    error = nofx.error("run", "qualty", code=4)
    assert (error["code"], error["message"]) == ("plan-not-found", "there is no plan `qualty`")
    assert "quality" in error["hint"]


def test_plans_by_name_the_projects_own_before_the_shipped_ones(nofx: Runner) -> None:
    shipped = nofx.json("run", "quality", "--dry-run")
    gates = ("format", "lint", "typecheck", "unit", "coverage", "sast", "secrets")
    assert [step["tool"] for step in shipped["steps"]] == [f"gate:{gate}" for gate in gates]
    (nofx.cli.folder / "plans").mkdir()
    nofx.plan(ECHO, "plans/quality.yaml")
    assert nofx.json("run", "quality")["steps"][0]["name"] == "build"
    assert _created(nofx).plan_name == "quality"


def test_the_same_key_and_plan_give_the_same_run(nofx: Runner) -> None:
    words = ["run", nofx.plan(ECHO), "--idempotency-key", "release 1.2"]
    first, again = nofx.json(*words), nofx.json(*words)
    assert first == again
    assert nofx.runs() == [first["run"]]
    assert nofx.types().count("step.started build") == 1


def test_the_same_key_and_another_plan_are_a_conflict(nofx: Runner) -> None:
    nofx("run", nofx.plan(ECHO), "--idempotency-key", "k")
    error = nofx.error("run", nofx.plan(LAST), "--idempotency-key", "k", code=5)
    assert error["code"] == "idempotency-conflict"
    assert error["context"] == {"run": nofx.runs()[0]}
    assert len(nofx.runs()) == 1


def test_a_key_takes_up_a_run_that_waits(nofx: Runner) -> None:
    words = ["run", nofx.plan(ASK), "--idempotency-key", "k"]
    nofx(*words, code=8)
    nofx("approve", "release", "--no-resume")
    nofx(*words)
    assert len(nofx.runs()) == 1
    assert nofx.types()[-1] == "run.succeeded"


def test_the_run_knows_its_workspace(nofx: Runner, project: Path) -> None:
    nofx.run(ECHO)
    assert _created(nofx).workspace == {
        "path": str(project.resolve()), "mode": "in_place", "commit": "", "branch": "", "dirty": False,
    }  # fmt: skip


def test_the_result_is_json_alone_on_standard_output(nofx: Runner) -> None:
    result = nofx("run", nofx.plan(ECHO), "--json")
    assert json.loads(result.stdout)["status"] == "succeeded"
    assert "build" in result.stderr
