"""`nofx run --dry-run`: what would be done, and nothing is."""

from tests.cli.runner import ASK, ECHO, Runner

SHELL = """\
policy: {env: {allow: [TARGET]}}
params: {who: {default: ada}}
steps:
  - {name: build, tool: shell, inputs: {command: "touch made {{ params.who | sh }}"}}
  - name: use
    tool: shell
    approval: required
    when: always
    inputs: {command: "echo {{ steps.build.outputs.x | sh }}"}
"""


def test_for_people(nofx: Runner) -> None:
    result = nofx("run", nofx.plan(SHELL), "--dry-run")
    first, *lines = result.stdout.splitlines()
    assert first == "2 steps would run, at most 4 at a time; nothing was created"
    assert lines[0] == "build  shell"
    assert '"touch made ada"' in lines[1]
    assert "use  shell after build" in lines
    assert "  when: always" in lines
    assert "  asks: a person first" in lines
    assert any(line.startswith("  inputs: known when earlier steps have run") for line in lines)
    assert "  sees: TARGET" in lines


NO_LIMIT = {"usd": None, "tokens": None, "calls": None, "wall_ms": None, "on_limit": "wait"}
POLICY = {
    "rules": [],
    "unlimited": ["tools", "commands", "write", "secrets", "hosts", "tables", "operations"],
    "secrets_scope": [],
    "sandbox": None,
    "denied": [],
    "fault": "",
    "budget": NO_LIMIT,
    "run_budget": NO_LIMIT,
    "project_budget": NO_LIMIT | {"per": "day"},
    "database_approval": {"approval": "dangerous", "source": ""},
}


def test_nothing_is_made_or_done(nofx: Runner) -> None:
    before = sorted(nofx.cli.folder.iterdir())
    nofx.plan(SHELL)
    nofx("run", "plan.yaml", "--dry-run")
    assert sorted(nofx.cli.folder.iterdir()) == sorted([*before, nofx.cli.folder / "plan.yaml"])
    assert not nofx.records.layout.root.exists()


def test_the_fields_are_pinned(nofx: Runner) -> None:
    told = nofx.json("run", nofx.plan("goal: Try it\nconcurrency: 2\nsteps:\n" + ECHO + ASK), "--dry-run")
    assert told.pop("plan_digest")
    assert told == {
        "goal": "Try it",
        "params": {},
        "concurrency": 2,
        "steps": [
            {
                "step": "build",
                "tool": "test:echo",
                "needs": [],
                "when": "success",
                "inputs": {"version": "1.2"},
                "later": "",
                "preview": None,
                "denied": "",
                "approval": False,
                "env_allowed": [],
                "policy": POLICY | {"step": "build", "tool": "test:echo"},
            },
            {
                "step": "release",
                "tool": "manual:release",
                "needs": ["build"],
                "when": "success",
                "inputs": {"message": "Release 1.2?"},
                "later": "",
                "preview": {"message": "Release 1.2?"},
                "denied": "",
                "approval": True,
                "env_allowed": [],
                "policy": POLICY | {"step": "release", "tool": "manual:release"},
            },
        ],
    }


def test_what_a_step_may_use_is_shown_with_its_line(nofx: Runner) -> None:
    plan = "policy: {write: {allow: ['docs/**']}}\nsteps:\n" + ECHO
    told = nofx("run", nofx.plan(plan), "--dry-run").stdout
    assert "write only docs/** plan.yaml:1" in [" ".join(line.split()) for line in told.splitlines()]


def test_a_denial_is_shown(nofx: Runner) -> None:
    told = nofx("run", nofx.plan("policy: {tools: {allow: ['gate:*']}}\nsteps:\n" + ECHO), "--dry-run").stdout
    assert "  denied: " in told


def test_secrets_are_masked(nofx: Runner) -> None:
    plan = nofx.plan(
        "params: {key: {required: true}}\nsteps: [{name: a, tool: 'test:echo', inputs: {x: '{{ params.key }}'}}]\n"
    )
    for words in ([], ["--json"]):
        result = nofx(
            "run", plan, "--dry-run", "-p", "key=hunter2hunter2", *words, env={"DEPLOY_TOKEN": "hunter2hunter2"}
        )
        assert "hunter2" not in result.output
        assert "***" in result.output


def test_a_parameter_that_is_missing_is_told(nofx: Runner) -> None:
    plan = nofx.plan("params: {key: {required: true}}\nsteps: [{name: a, tool: 'test:echo'}]\n")
    assert "key" in nofx("run", plan, "--dry-run", code=3).stderr
