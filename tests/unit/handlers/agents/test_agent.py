"""The handler of agents: what it runs, and what it makes of how that ends."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.domain.findings import Finding
from nofx_cli.domain.ids import JsonObject, StepName
from nofx_cli.domain.outcome import Failed, StepError, Succeeded
from nofx_cli.domain.project import AgentSpec
from nofx_cli.handlers.agents.agent import AgentHandler, agent_handler
from nofx_cli.handlers.agents.outputs import MOST_BYTES
from nofx_cli.ports.handler import Feedback, StepCancelled
from nofx_cli.ports.processes import ProcessResult
from nofx_cli.testing.context import FakeContext, ProcessCall, process_result

UNKNOWN = {"input": "unknown", "output": "unknown", "cached": "unknown", "cost_usd": "unknown"}
EITHER = ["give either `prompt` or `prompt_file`"]


def handler(name: str = "claude", *command: str, prompt: Any = "stdin") -> AgentHandler:
    spec = AgentSpec(name, command, prompt, source="nofx.yaml:3") if command else None
    found = agent_handler(name, spec)
    assert found is not None
    return found


def acting(
    ctx: FakeContext, *events: JsonObject, write: str = "a.txt", result: ProcessResult | None = None
) -> Callable[[ProcessCall], ProcessResult]:
    """An agent that prints events and writes a file."""

    def act(call: ProcessCall) -> ProcessResult:
        assert call.show is not None
        for event in events:
            ctx.log(call.show(json.dumps(event), False))
        if write:
            (ctx.workspace / write).write_text("x\n")
        return result or process_result()

    return act


def context(folder: Path, *events: JsonObject, **given: Any) -> FakeContext:
    write, result = given.pop("write", "a.txt"), given.pop("result", None)
    ctx = FakeContext(folder, **{"inputs": {"prompt": "do it"}, "tool": "agent:claude"} | given)
    ctx.processes = acting(ctx, *events, write=write, result=result)
    return ctx


def failed(outcome: object) -> StepError:
    assert isinstance(outcome, Failed), outcome
    return outcome.error


class TestInputs:
    @pytest.mark.parametrize(
        ("inputs", "faults"),
        [
            ({"prompt": "x"}, []),
            ({"prompt_file": "x.md", "args": ["-v", 3], "model": "m", "expect_changes": False}, []),
            ({"prompt": "{{ params.x }}", "model": "{{ params.m }}", "args": "{{ params.a }}"}, []),
            ({}, EITHER),
            ({"prompt": "x", "prompt_file": "x.md"}, EITHER),
            ({"prompt": " \n"}, ["`prompt` is empty"]),
            ({"prompt_file": ""}, ["`prompt_file` is empty"]),
            ({"prompt": "a\0b"}, ["`prompt` has a NUL character in it"]),
            ({"prompt": ["x"]}, ["`prompt` must be a text, not a list"]),
            ({"prompt": "x", "args": "-v"}, ["`args` must be a list, not a text"]),
            ({"prompt": "x", "args": ["-v", True]}, ["`args[1]` must be a text or a number"]),
            ({"prompt": "x", "model": "--yolo"}, ["`model` must be the name of a model"]),
            ({"prompt": "x", "model": " "}, ["`model` must be the name of a model"]),
            ({"prompt": "x", "expect_changes": "no"}, ["`expect_changes` must be true or false, not a text"]),
            ({"prompt": "x", "promt": "y"}, ["`promt` is not an input of this tool; did you mean `prompt`?"]),
        ],
    )
    def test_faults(self, inputs: JsonObject, faults: list[str]) -> None:
        assert handler().check(inputs) == faults

    def test_what_a_command_of_the_project_has_no_place_for(self) -> None:
        assert handler("mine", "mine").check({"prompt": "x", "args": ["-v"], "model": "m"}) == [
            "agent mine takes no `args`: its command in nofx.yaml:3 has no place for them; write {args} in it",
            "agent mine takes no `model`: its command in nofx.yaml:3 has no place for them; write {model} in it",
        ]
        assert handler("mine", "mine", "{args}", "-m={model}").check({"prompt": "x", "args": ["v"], "model": "m"}) == []

    def test_what_is_known_only_now_is_checked_again(self, tmp_path: Path) -> None:
        ctx = context(tmp_path, inputs={"prompt": " "})

        assert failed(handler().run(ctx)) == StepError(
            "inputs-invalid", "`prompt` is empty", "correct the step's `inputs`"
        )
        assert ctx.calls == []


class TestWhatItRuns:
    def test_a_known_agent_is_given_the_prompt_on_its_standard_input(self, tmp_path: Path) -> None:
        ctx = context(tmp_path)

        handler().run(ctx)

        assert ctx.calls[0].argv[:2] == ("claude", "-p")
        assert ctx.calls[0].stdin == "do it"
        assert ctx.calls[0].of_nofx

    @pytest.mark.parametrize(
        ("handler", "inputs"),
        [
            (handler(), {"args": ["--max-turns", 3]}),
            (handler("mine", "mine"), {}),
            (handler("claude", "my-claude"), {}),
        ],
    )
    def test_words_of_others_are_for_the_policy_to_judge(
        self, tmp_path: Path, handler: AgentHandler, inputs: JsonObject
    ) -> None:
        ctx = context(tmp_path, inputs={"prompt": "do it", **inputs})

        handler.run(ctx)

        assert not ctx.calls[0].of_nofx

    def test_a_file_that_holds_the_prompt_lies_in_the_scratch_folder(self, tmp_path: Path) -> None:
        ctx = context(tmp_path)

        handler("aider").run(ctx)

        path = Path(ctx.calls[0].argv[-1])
        assert path.parent == ctx.scratch
        assert path.read_text() == "do it"
        assert ctx.calls[0].stdin == ""

    def test_the_log_does_not_repeat_the_prompt(self, tmp_path: Path) -> None:
        ctx = context(tmp_path, inputs={"prompt": "a long prompt"})

        handler("mine", "mine", "{prompt}", prompt="argument").run(ctx)

        assert ctx.calls[0].argv == ("mine", "a long prompt")
        assert ctx.logged[0] == "$ mine <prompt>"

    def test_a_prompt_from_a_file(self, tmp_path: Path) -> None:
        ctx = context(tmp_path, inputs={"prompt_file": "docs/task.md"})
        (ctx.workspace / "docs").mkdir()
        (ctx.workspace / "docs" / "task.md").write_text("täsk\n")

        handler().run(ctx)

        assert ctx.calls[0].stdin == "täsk\n"

    @pytest.mark.parametrize(
        ("name", "content", "code", "why"),
        [
            ("none.md", None, "prompt-unreadable", "No such file"),
            ("x", b"\xff", "prompt-unreadable", "can't decode"),
            ("x", b" \n", "prompt-unreadable", "it is empty"),
            ("x", b"a\0", "prompt-unreadable", "it has a NUL character in it"),
            ("x", b"x" * (1024 * 1024 + 1), "prompt-unreadable", "it is larger than 1024 KiB"),
            ("../x", None, "path-escapes", "leads out of"),
            ("/etc/passwd", None, "path-absolute", "is absolute"),
        ],
    )
    def test_one_that_cannot_be_had(
        self, tmp_path: Path, name: str, content: bytes | None, code: str, why: str
    ) -> None:
        ctx = context(tmp_path, inputs={"prompt_file": name})
        if content is not None:
            (ctx.workspace / name).write_bytes(content)

        with pytest.raises(errors.InvalidInput, match=why) as caught:
            handler().run(ctx)

        assert caught.value.code == code
        assert ctx.calls == []

    def test_in_a_repair_findings_follow_worst_first_and_bounded(self, tmp_path: Path) -> None:
        findings = tuple(
            Finding(f"f{n}.py", n, 1, "E1", "error" if n == 90 else "warning", f"fault {n}") for n in range(1, 100)
        )
        ctx = context(tmp_path, feedback=Feedback(StepName("lint"), 2, 3, "99 findings", findings, "x" * 100_000))

        handler().run(ctx)

        asked = ctx.calls[0].stdin
        assert asked.startswith("do it\n\n")
        assert asked.index("f90.py:90:1") < asked.index("f1.py:1:1")
        assert "round 2 of 3" in asked
        assert len(asked) < 20_000


class TestHowItEnds:
    def test_what_it_did(self, tmp_path: Path) -> None:
        usage = {"input_tokens": 1, "output_tokens": 2}
        event: JsonObject = {
            "type": "result",
            "subtype": "success",
            "result": "Done.",
            "total_cost_usd": 0.5,
            "usage": usage,
        }
        ctx = context(tmp_path, event)

        outcome = handler().run(ctx)

        assert outcome == Succeeded(
            {
                "changed": ("a.txt",),
                "changed_count": 1,
                "insertions": 1,
                "deletions": 0,
                "usage": {"told_by": "claude", "input": 1, "output": 2, "cached": "unknown", "cost_usd": 0.5},
                "said": "Done.",
            }
        )
        assert ctx.artifacts["changes.diff"].endswith(b"+++ b/a.txt\n@@ -0,0 +1 @@\n+x\n")
        assert ctx.logged[-1] == "nofx: 1 file changed (+1 -0)"

    def test_nothing_to_tell_of(self, tmp_path: Path) -> None:
        ctx = context(tmp_path, write="", inputs={"prompt": "look", "expect_changes": False})

        outcome = handler("codex").run(ctx)

        assert isinstance(outcome, Succeeded)
        assert outcome.outputs["usage"] == {"told_by": "codex", **UNKNOWN}
        assert ctx.artifacts == {}

    def test_no_change(self, tmp_path: Path) -> None:
        said: JsonObject = {
            "type": "assistant",
            "message": {"content": [{"type": "text", "text": "It is fine\nas it is."}]},
        }

        outcome = handler().run(context(tmp_path, said, write=""))

        assert failed(outcome) == StepError(
            "no-change",
            "agent claude changed nothing in the workspace: It is fine as it is.",
            "say in `prompt` which files to change, or `expect_changes: false` where none need change",
        )
        assert isinstance(outcome, Failed)
        assert outcome.retryable

    @pytest.mark.parametrize(
        ("result", "message"),
        [
            (process_result(2, last_line="no credit"), "agent claude ended with exit code 2: no credit"),
            (process_result(2), "agent claude ended with exit code 2"),
            (process_result(None, signal="SIGKILL"), "agent claude was ended by SIGKILL"),
        ],
    )
    def test_its_exit(self, tmp_path: Path, result: ProcessResult, message: str) -> None:
        ctx = context(tmp_path, result=result)

        outcome = handler().run(ctx)

        assert failed(outcome) == StepError("agent-failed", message, f"nofx logs {ctx.run_id} step")
        assert isinstance(outcome, Failed)
        assert outcome.outputs["changed"] == ("a.txt",)

    def test_its_own_words_rather_than_the_last_line(self, tmp_path: Path) -> None:
        event: JsonObject = {"type": "result", "is_error": True, "result": "Invalid API key"}
        ctx = context(tmp_path, event, result=process_result(1, last_line="! something"))

        assert failed(handler().run(ctx)).message == "agent claude ended with exit code 1: Invalid API key"

    def test_last_words_are_of_bounded_length(self, tmp_path: Path) -> None:
        ctx = context(tmp_path, result=process_result(1, last_line="x" * 5_000))

        assert len(failed(handler().run(ctx)).message) < 400

    @pytest.mark.parametrize("reason", ["timeout", "cancelled"])
    def test_that_it_was_stopped(self, tmp_path: Path, reason: str) -> None:
        ctx = context(tmp_path, result=process_result(None, stopped=reason))

        with pytest.raises(StepCancelled) as caught:
            handler().run(ctx)

        assert caught.value.reason == reason

    def test_what_it_left_running(self, tmp_path: Path) -> None:
        ctx = context(tmp_path, result=process_result(survivors=2))

        handler().run(ctx)

        assert "nofx: ended what the agent left running (2 processes)" in ctx.logged

    def test_a_program_of_the_project_that_is_not_there(self, tmp_path: Path) -> None:
        ctx = FakeContext(tmp_path, inputs={"prompt": "x"})
        ctx.processes = [errors.NotFound("the program 'mine' was not found in PATH=/bin", code="program-not-found")]

        assert failed(handler("mine", "mine").run(ctx)) == StepError(
            "agent-not-found",
            "agent mine cannot be started: the program 'mine' was not found in PATH=/bin",
            "install it, or mend its `command` in nofx.yaml:3",
        )

    def test_another_thing_that_is_not_there_is_told_as_ever(self, tmp_path: Path) -> None:
        ctx = FakeContext(tmp_path, inputs={"prompt": "x"})
        ctx.processes = [errors.NotFound("no folder", code="cwd-not-found")]

        with pytest.raises(errors.NotFound):
            handler().run(ctx)

    def test_paths_that_are_too_many_are_counted(self, tmp_path: Path) -> None:
        ctx = FakeContext(tmp_path, inputs={"prompt": "x"})

        def act(call: ProcessCall) -> ProcessResult:
            for number in range(700):
                (ctx.workspace / f"{number:03}{'x' * 100}").touch()
            return process_result()

        ctx.processes = act
        outcome = handler().run(ctx)

        assert isinstance(outcome, Succeeded)
        assert outcome.outputs["changed_count"] == 700
        assert 200 < len(outcome.outputs["changed"]) < MOST_BYTES / 100  # type: ignore[arg-type]

    def test_the_policy_is_asked_about_what_steers_git(self, tmp_path: Path) -> None:
        import subprocess

        ctx = FakeContext(tmp_path, inputs={"prompt": "x"})
        subprocess.run(["git", "init", "-q"], cwd=ctx.workspace, check=True)
        ctx.processes = acting(ctx, write=".git/hooks/pre-commit")

        handler().run(ctx)

        assert ctx.asked == [("write", ".git/hooks/pre-commit")]


class TestPreview:
    def test_it_shows_command_and_prompt(self, tmp_path: Path) -> None:
        ctx = context(tmp_path, inputs={"prompt": "do it", "model": "m"})

        assert handler("aider").preview(ctx) == {
            "argv": (
                *("aider", "--yes-always", "--no-auto-commits", "--no-dirty-commits", "--no-gitignore"),
                *("--no-suggest-shell-commands", "--no-pretty", "--no-stream", "--no-check-update"),
                *("--no-detect-urls", "--chat-history-file", "/dev/null", "--input-history-file", "/dev/null"),
                *("--model", "m", "--no-git", "--message-file", "<scratch>/prompt.md"),
            ),
            "prompt": "do it",
            "prompt_by": "file",
        }
        assert ctx.calls == []

    def test_faults(self, tmp_path: Path) -> None:
        assert handler().preview(context(tmp_path, inputs={})) == {"faults": tuple(EITHER)}


def test_an_attempt_that_was_cut_off_is_not_simply_run_again() -> None:
    assert not AgentHandler.rerun_safe
    assert AgentHandler.writes


def test_a_time_limit_of_the_settings() -> None:
    found = agent_handler("codex", AgentSpec("codex", timeout_ms=5_000))

    assert found is not None
    assert found.default_timeout_ms == 5_000
    assert handler().default_timeout_ms is None
