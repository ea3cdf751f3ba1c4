"""`nofx plan new` and `nofx run --prompt`: what is told, what is asked, what is made, and what is not."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from nofx_cli.cli.prompt_options import PromptOptions
from nofx_cli.domain import events as ev
from tests.cli.runner import Runner
from tests.cli.terminals import pretend_terminal
from tests.model_server import ModelServer, Refuse, Say

PRICED = "  settings:\n    local/m: {price: {input: 1, output: 2}, max_output_tokens: 1000}\n"
FIXED = "Fix src/a.py, run lint, max $2"


@pytest.fixture
def project(nofx: Runner) -> Runner:
    """A project in which `ruff` finds nothing."""
    (nofx.cli.folder / "src").mkdir()
    (nofx.cli.folder / "src" / "a.py").write_text('"""Nothing."""\n')
    (nofx.cli.folder / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n')
    return nofx


@pytest.fixture
def server(project: Runner) -> Iterator[ModelServer]:
    """A model for both kinds of questions, with a price."""
    with ModelServer() as made:
        text = made.models_yaml(kinds=("codegen", "reasoning")) + PRICED
        (project.cli.folder / "nofx.yaml").write_text(text)
        yield made


def answer(*steps: dict[str, Any]) -> Say:
    return Say(json.dumps({"steps": steps}))


LINT: dict[str, Any] = {"tool": "gate:lint", "files": []}


def tools_in(body: Any) -> set[str]:
    """The tools that a model could name."""
    items = body["response_format"]["json_schema"]["schema"]["properties"]["steps"]["items"]
    return {tool for shape in items["anyOf"] for tool in shape["properties"]["tool"]["enum"]}


class TestPlanNew:
    def test_the_plan_goes_out_and_what_was_understood_beside_it(self, project: Runner) -> None:
        result = project("plan", "new", FIXED)
        assert result.stdout.startswith("# yaml-language-server: $schema=plan.schema.json\n")
        assert 'goal: "Fix src/a.py, run lint, max $2"\n' in result.stdout
        assert result.stderr.splitlines() == [
            "understood by rules:",
            "  what: files are written, then gates look at them (said)",
            "  file: src/a.py (said)",
            "  gates: lint (said)",
            "  approval: no (default)",
            "  budget: 2 USD (said)",
            "plan, 2 steps:",
            "  write  codegen    sends a question to a model; writes files",
            "  lint   gate:lint  looks, and changes nothing",
            "cost: unknown: no model is configured for codegen",
        ]

    def test_a_file_is_a_plan_that_checks_and_is_never_written_over(self, project: Runner) -> None:
        result = project("plan", "new", FIXED, "-o", "fix.yaml")
        assert result.stdout == "fix.yaml: written; run it with: nofx run fix.yaml\n"
        assert project("plan", "check", "fix.yaml").stdout.startswith("fix.yaml: ok, 2 steps\n")
        text = (project.cli.folder / "fix.yaml").read_text()
        error = project.error("plan", "new", "Do more", "-o", "fix.yaml", code=5)
        assert (error["code"], error["message"]) == ("file-exists", "fix.yaml is there already")
        assert (project.cli.folder / "fix.yaml").read_text() == text
        assert project.error("plan", "new", FIXED, "-o", "no/fix.yaml", code=4)["hint"] == "make it: mkdir -p no"

    def test_the_fields_are_pinned(self, project: Runner, server: ModelServer) -> None:
        told = project.json("plan", "new", FIXED, "--planner", "rules")
        assert told.pop("plan").startswith("# yaml-language-server")
        assert len(told.pop("digest")) == 64
        assert told == {
            "planner": "rules",
            "model": None,
            "path": None,
            "meant": [
                {"what": "what", "value": "files are written, then gates look at them", "source": "said"},
                {"what": "file", "value": "src/a.py", "source": "said"},
                {"what": "gates", "value": "lint", "source": "said"},
                {"what": "approval", "value": "no", "source": "default"},
                {"what": "budget", "value": "2 USD", "source": "said"},
            ],
            "steps": [
                {
                    "step": "write",
                    "tool": "codegen",
                    "needs": [],
                    "approval": False,
                    "writes": True,
                    "effects": [told["steps"][0]["effects"][0], "writes files"],
                },
                {
                    "step": "lint",
                    "tool": "gate:lint",
                    "needs": ["write"],
                    "approval": False,
                    "writes": False,
                    "effects": ["looks, and changes nothing"],
                },
            ],
            "most": {"usd": "1.02", "why": "20 calls and 1,000,000 tokens of local/m"},
        }
        assert told["steps"][0]["effects"][0].endswith(" bytes to route codegen")

    def test_nothing_is_created(self, project: Runner) -> None:
        before = sorted(project.cli.folder.iterdir())
        project("plan", "new", FIXED)
        assert sorted(project.cli.folder.iterdir()) == before
        assert not project.records.layout.root.exists()

    def test_what_policy_denies_makes_no_plan(self, project: Runner) -> None:
        (project.cli.folder / "nofx.yaml").write_text("policy: {tools: {deny: [codegen]}}\n")
        error = project.error("plan", "new", FIXED, code=6)
        assert error["message"] == "step write may not use the tool `codegen`: nofx.yaml:1 denies `codegen`"
        assert project("plan", "new", "check lint").exit_code == 0

    def test_a_secret_in_the_sentence_goes_nowhere(self, project: Runner, server: ModelServer) -> None:
        invented = "an-invented-token-0815"
        words = ("plan", "new", f"Use {invented} in src/a.py")
        result = project(*words, code=3, env={"DEPLOY_TOKEN": invented})
        assert "error[secret-in-plan]: the plan of the sentence holds a secret on line 1" in result.stderr
        assert invented not in result.output
        assert server.asked == []

    def test_a_sentence_cannot_reach_the_terminal(self, project: Runner) -> None:
        assert "\x1b" not in project("plan", "new", "Fix \x1b[31mit\x07 in src/a.py").output


class TestCost:
    @pytest.mark.parametrize(
        ("sentence", "told"),
        [
            ("Fix src/a.py, max $0.50", "cost: at most $0.50: the budget of the run"),
            ("Fix src/a.py, max $5", "cost: at most $1.02: 20 calls and 1,000,000 tokens of local/m"),
            ("check lint", "cost: at most $0.00: no model is asked"),
        ],
    )
    def test_the_most_that_it_can_cost(self, project: Runner, server: ModelServer, sentence: str, told: str) -> None:
        assert project("plan", "new", sentence, "--planner", "rules").stderr.splitlines()[-1] == told

    def test_a_price_that_nobody_knows(self, project: Runner, server: ModelServer) -> None:
        result = project("plan", "new", "Fix src/a.py", "--planner", "rules", "--model", "local/other")
        assert result.stderr.splitlines()[-1] == "cost: unknown: the price of local/other is not known"


class TestRun:
    def test_without_a_terminal_it_says_what_to_type(self, project: Runner) -> None:
        error = project.error("run", "--prompt", "check lint", code=2)
        assert error["code"] == "needs-yes"
        assert error["hint"] == ("add --yes to run it, --dry-run to look at it, or keep it: nofx plan new TEXT -o FILE")
        assert project.runs() == []

    def test_yes_runs_it_and_the_plan_is_kept_with_the_run(self, project: Runner) -> None:
        made = project.json("plan", "new", "check lint")
        project("run", "--prompt", "check lint", "--yes")
        [run] = project.runs()
        created = project.events()[0].payload
        assert isinstance(created, ev.RunCreated)
        assert (created.plan_name, created.goal, created.plan_digest) == ("prompt", "check lint", made["digest"])
        assert project.records.store.plan_text(run) == made["plan"]
        assert "step.finished lint" in project.types()

    @pytest.mark.parametrize(
        ("typed", "code", "runs"), [("y\n", 0, 1), ("YES\n", 0, 1), ("n\n", 6, 0), ("\n", 6, 0), ("", 6, 0)]
    )
    def test_at_a_terminal_it_asks(
        self, project: Runner, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, runs: int
    ) -> None:
        pretend_terminal(monkeypatch)
        monkeypatch.setenv("TERM", "dumb")
        monkeypatch.setattr("nofx_cli.cli.prompted.wants_to_stay", lambda: True)
        from nofx_cli.cli.app import app

        result = project.cli.terminal.invoke(
            app, ["run", "--prompt", "check lint", "--no-wait"], input=typed, prog_name="nofx"
        )
        assert "plan, 1 step:" in result.stderr
        assert "Run it? [y/N] " in result.stderr
        assert (result.exit_code, len(project.runs())) == (code, runs)
        assert ("error[not-agreed]: the plan was not run: nobody agreed to it" in result.stderr) is (code == 6)

    def test_dry_run_shows_the_same_and_creates_nothing(self, project: Runner) -> None:
        result = project("run", "--prompt", "check lint", "--dry-run")
        assert result.stdout.startswith("understood by rules:\n")
        assert "1 step would run, at most 4 at a time; nothing was created\n" in result.stdout
        told = project.json("run", "--prompt", "check lint", "--dry-run")
        assert set(told) == {"plan_digest", "goal", "params", "concurrency", "steps", "prompt"}
        assert set(told["prompt"]) == {"planner", "model", "plan", "path", "digest", "meant", "steps", "most"}
        assert project.runs() == []

    def test_the_task_can_be_said_otherwise(self, project: Runner) -> None:
        told = project.json("run", "--prompt", FIXED, "-p", "task=Do {{ that }}", "--dry-run")
        assert told["params"] == {"task": "Do {{ that }}"}
        assert told["steps"][0]["inputs"]["prompt"] == "Do {{ that }}"

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ((), "there is no plan to run"),
            (("x.yaml", "--prompt", "y"), "both the plan x.yaml and --prompt are given"),
            (("x.yaml", "--yes"), "--yes goes with --prompt: a plan that is written runs without a question"),
            (("--prompt", " "), "the sentence is empty"),
        ],
    )
    def test_what_does_not_go_together(self, project: Runner, words: tuple[str, ...], message: str) -> None:
        assert project.error("run", *words, code=2)["message"] == message

    @pytest.mark.parametrize(
        "words",
        [("--file", "a"), ("--gate", "lint"), ("--no-approval",), ("--pr",), ("--agent", "claude"), ("--model", "a/b"),
         ("--budget", "2"), ("--planner", "rules")],
    )  # fmt: skip
    def test_options_of_a_sentence_need_one(self, project: Runner, words: tuple[str, ...]) -> None:
        name = words[0].replace("--no-approval", "--approval")
        message = project.error("run", "quality", *words, code=2)["message"]
        assert message == f"{name} goes with --prompt: a plan that is written says it itself"

    def test_every_option_is_refused_without_a_sentence(self) -> None:
        assert len(PromptOptions.__dataclass_fields__) == 8  # each has its case above


class TestModel:
    def test_auto_takes_the_model_of_the_route_reasoning(self, project: Runner, server: ModelServer) -> None:
        server.script(answer(LINT, {"tool": "ask", "text": "Is {{ it }} good?"}))
        told = project.json("plan", "new", "see to it that it is clean")
        assert (told["planner"], told["model"]) == ("model", "local/m")
        assert [step["tool"] for step in told["steps"]] == ["gate:lint", "manual:approve"]
        assert told["steps"][1]["effects"] == ["asks: Is {{ it }} good?"]
        assert told["meant"][-1] == {"what": "steps", "value": "lint, ask", "source": "model"}
        [asked] = server.asked
        tools = tools_in(asked.body)
        assert {"codegen", "ask", "shell", "gate:lint"} <= tools
        assert not {"test:echo", "gate:test"} & tools

    def test_the_same_sentence_is_not_paid_for_twice(self, project: Runner, server: ModelServer) -> None:
        server.script(answer(LINT))
        first = project.json("plan", "new", "see to it")
        assert project.json("plan", "new", "see to it") == first
        assert len(server.asked) == 1

    def test_what_policy_denies_is_no_word_of_its_vocabulary(self, project: Runner, server: ModelServer) -> None:
        text = (project.cli.folder / "nofx.yaml").read_text()
        (project.cli.folder / "nofx.yaml").write_text(f"{text}policy: {{tools: {{deny: [shell, 'gate:audit']}}}}\n")
        server.script(answer(LINT))
        project("plan", "new", "see to it")
        assert not {"shell", "gate:audit"} & tools_in(server.asked[0].body)

    def test_a_model_that_makes_no_plan_leaves_the_rules(self, project: Runner, server: ModelServer) -> None:
        server.script(*[answer({"tool": "codegen", "text": " ", "files": []})] * 3)
        error = project.error("plan", "new", "see to it", code=3)
        assert (error["code"], error["hint"]) == ("plan-not-made", "make the plan without a model: --planner rules")
        assert len(server.asked) == 3
        assert "step 1: `text` must say what is to be done" in server.asked[2].prompt

    def test_a_model_that_is_not_there(self, project: Runner, server: ModelServer) -> None:
        server.script(Refuse(401, "no"))
        error = project.error("plan", "new", "see to it", code=project("plan", "new", "a", code=3).exit_code)
        assert error["hint"].endswith("or make the plan without a model: --planner rules")

    def test_without_a_route_the_rules_make_it_and_a_model_cannot(self, project: Runner) -> None:
        assert project.json("plan", "new", "check lint")["planner"] == "rules"
        error = project.error("plan", "new", "check lint", "--planner", "model", code=3)
        assert error["message"] == "no model is configured for reasoning"
