"""The tool `shell`, with scripted processes."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import Failed, StepError, Succeeded
from nofx_cli.handlers.shell import HANDLER, STDOUT_LIMIT
from nofx_cli.ports.handler import StepCancelled, StepContext
from nofx_cli.ports.processes import ProcessResult
from nofx_cli.testing import FakeContext, process_result

SEE_LOG = "nofx logs 20260101-000000-aaaaaa step"


def shell(folder: Path, result: ProcessResult | Exception | None = None, **inputs: object) -> FakeContext:
    given: JsonObject = inputs  # type: ignore[assignment] # the tests write JSON, and some of it is wrong on purpose
    return FakeContext(folder, inputs=given, tool="shell", processes=[result or process_result()])


def failure(ctx: StepContext) -> Failed:
    outcome = HANDLER.run(ctx)
    assert isinstance(outcome, Failed)
    return outcome


def test_a_list_is_executed_as_it_stands(tmp_path: Path) -> None:
    ctx = shell(tmp_path, command=["echo", "$HOME; rm -rf /", 8080, 1.5])
    assert HANDLER.run(ctx) == Succeeded({})
    assert ctx.calls[0].argv == ("echo", "$HOME; rm -rf /", "8080", "1.5")


def test_a_text_goes_to_a_shell_that_stops_at_the_first_failure(tmp_path: Path) -> None:
    ctx = shell(tmp_path, command="false; true")
    HANDLER.run(ctx)
    assert ctx.calls[0].argv == ("/bin/sh", "-ec", "false; true")


def test_bash_also_stops_at_a_failure_within_a_pipe(tmp_path: Path) -> None:
    ctx = shell(tmp_path, command="false | true", shell="bash")
    HANDLER.run(ctx)
    assert ctx.calls[0].argv == ("bash", "-eo", "pipefail", "-c", "false | true")


def test_cwd_and_env_are_passed_on(tmp_path: Path) -> None:
    ctx = shell(tmp_path, command="true", cwd="sub", env={"A": "b", "N": 3})
    HANDLER.run(ctx)
    assert ctx.calls[0].cwd == ctx.workspace / "sub"
    assert ctx.calls[0].env == {"A": "b", "N": "3"}
    assert ctx.calls[0].capture_limit == 0


def test_outputs_are_what_processes_wrote_and_the_captured_standard_output(tmp_path: Path) -> None:
    ctx = shell(tmp_path, process_result(stdout="\n v1.2 \n"), command="git describe", stdout="version")
    ctx.written_outputs = {"commit": "abc"}
    assert HANDLER.run(ctx) == Succeeded({"commit": "abc", "version": "v1.2"})


def test_standard_output_that_does_not_fit_is_a_failure_not_cut(tmp_path: Path) -> None:
    fits = shell(tmp_path, process_result(stdout="é" * (STDOUT_LIMIT // 2)), command="cat x", stdout="text")
    assert isinstance(HANDLER.run(fits), Succeeded)
    outcome = failure(shell(tmp_path, process_result(stdout="x" * (STDOUT_LIMIT + 1)), command="cat x", stdout="text"))
    assert outcome.error.code == "output-too-long"
    assert outcome.error.message == "standard output is longer than the 32 KiB that fit into the output `text`"
    assert not outcome.retryable


def test_a_failure_names_exit_code_and_last_line_and_can_be_retried(tmp_path: Path) -> None:
    outcome = failure(shell(tmp_path, process_result(3, last_line="no such host"), command="x"))
    assert outcome.error == StepError("exit-code", "exit code 3: no such host", SEE_LOG)
    assert outcome.retryable


def test_a_failure_keeps_the_outputs_that_were_written(tmp_path: Path) -> None:
    ctx = shell(tmp_path, process_result(1), command="x")
    ctx.written_outputs = {"report": "r.html"}
    assert failure(ctx).outputs == {"report": "r.html"}


def test_broken_outputs_do_not_hide_how_the_command_ended(tmp_path: Path) -> None:
    class BrokenOutputs(FakeContext):
        def read_outputs(self) -> JsonObject:
            raise errors.InvalidInput("line 1 is no output", code="output-syntax")

    assert failure(BrokenOutputs(tmp_path, {"command": "x"}, processes=[process_result(1)])).error.code == "exit-code"
    with pytest.raises(errors.InvalidInput, match="line 1"):
        HANDLER.run(BrokenOutputs(tmp_path, {"command": "x"}, processes=[process_result(0)]))


def test_an_exit_code_that_stands_for_a_signal_is_explained(tmp_path: Path) -> None:
    outcome = failure(shell(tmp_path, process_result(137), command="x"))
    assert outcome.error.message == "exit code 137 (a command in it was ended by SIGKILL)"
    assert failure(shell(tmp_path, process_result(255), command="x")).error.message == "exit code 255"


def test_allowed_exit_codes_succeed_and_the_rest_fail(tmp_path: Path) -> None:
    assert HANDLER.run(shell(tmp_path, process_result(1), command="diff", allow_exit_codes=[0, 1])) == Succeeded({})
    assert (
        failure(shell(tmp_path, process_result(2), command="diff", allow_exit_codes=[0, 1])).error.code == "exit-code"
    )
    assert failure(shell(tmp_path, process_result(0), command="diff", allow_exit_codes=[1])).error.code == "exit-code"


def test_a_signal_is_named(tmp_path: Path) -> None:
    outcome = failure(shell(tmp_path, process_result(None, signal="SIGKILL", last_line="half way"), command="x"))
    assert outcome.error == StepError("signal", "it was ended by SIGKILL: half way", SEE_LOG)
    assert outcome.retryable


def test_a_time_out_has_its_own_code(tmp_path: Path) -> None:
    result = process_result(None, signal="SIGTERM", stopped="timeout", duration_ms=500)
    outcome = failure(shell(tmp_path, result, command="x"))
    message = "it did not end within its time limit and was ended after 500ms"
    assert outcome.error == StepError("timeout", message, SEE_LOG)


def test_a_cancelled_command_is_no_outcome(tmp_path: Path) -> None:
    with pytest.raises(StepCancelled, match="cancelled"):
        HANDLER.run(shell(tmp_path, process_result(None, signal="SIGTERM", stopped="cancelled"), command="x"))
    ctx = shell(tmp_path, command="x")
    ctx.stop = "interrupted"
    with pytest.raises(StepCancelled, match="interrupted"):
        HANDLER.run(ctx)


def test_processes_left_running_are_told_in_the_log_and_change_nothing_else(tmp_path: Path) -> None:
    ctx = shell(tmp_path, process_result(survivors=2), command="x &")
    assert HANDLER.run(ctx) == Succeeded({})
    assert ctx.logged == ["nofx: ended what the command left running (2 processes)"]


@pytest.mark.parametrize(
    ("inputs", "faults"),
    [
        ({}, ["`command` is missing"]),
        ({"command": "  "}, ["`command` is empty"]),
        ({"command": []}, ["`command` is empty"]),
        ({"command": ["", "x"]}, ["`command[0]` is empty; it names the program"]),
        ({"command": ["a", None, True]}, [f"`command[{n}]` must be a text or a number" for n in (1, 2)]),
        ({"command": 3}, ["`command` must be a text or a list, not a whole number"]),
        ({"comand": "x"}, ["`comand` is not an input of this tool; did you mean `command`?", "`command` is missing"]),
        ({"command": "x", "shell": "zsh"}, ["`shell` must be sh or bash, not zsh"]),
        (
            {"command": ["x"], "shell": "bash"},
            ["`shell` is only for a `command` that is a text; a list is executed without a shell"],
        ),
        ({"command": "x", "env": {"A": ["b"]}}, ["`env.A` must be a text or a number"]),
        ({"command": "x", "env": "A=b"}, ["`env` must be a mapping, not a text"]),
        ({"command": "x", "allow_exit_codes": []}, ["`allow_exit_codes` must list whole numbers from 0 to 255"]),
        ({"command": "x", "allow_exit_codes": [256]}, ["`allow_exit_codes` must list whole numbers from 0 to 255"]),
        ({"command": "x", "allow_exit_codes": [True]}, ["`allow_exit_codes` must list whole numbers from 0 to 255"]),
        (
            {"command": "x", "stdout": ""},
            ["`stdout` is empty; it names the output that takes what the command prints"],
        ),
        ({"command": "{{ params.cmd }}", "shell": "{{ params.sh }}"}, []),
    ],
)
def test_inputs_are_checked_before_anything_runs(tmp_path: Path, inputs: JsonObject, faults: list[str]) -> None:
    assert HANDLER.check(inputs) == faults
    if faults:
        ctx = FakeContext(tmp_path, inputs)
        assert failure(ctx).error == StepError("inputs-invalid", "; ".join(faults), "correct the step's `inputs`")
        assert ctx.calls == []


def test_the_preview_shows_what_would_run_without_the_values_of_the_environment(tmp_path: Path) -> None:
    ctx = shell(tmp_path, command=["deploy", "x"], env={"TOKEN": "secret", "A": "b"}, cwd="sub")
    assert HANDLER.preview(ctx) == {"argv": ("deploy", "x"), "cwd": "sub", "env": ("A", "TOKEN"), "files": {}}
    assert ctx.calls == []


def test_the_preview_is_bound_to_the_content_of_the_scripts_that_the_command_names(tmp_path: Path) -> None:
    ctx = shell(tmp_path, command="sh deploy.sh --config=conf.yaml <input.sql; echo 'done #1'")
    for name in ("deploy.sh", "conf.yaml", "input.sql", "other.sh"):
        (ctx.workspace / name).write_text(name)
    before = HANDLER.preview(ctx)["files"]
    assert isinstance(before, dict)
    assert list(before) == ["conf.yaml", "deploy.sh", "input.sql"]
    (ctx.workspace / "deploy.sh").write_text("rm -rf /")
    after = HANDLER.preview(ctx)["files"]
    assert isinstance(after, dict)
    assert [name for name in before if before[name] != after[name]] == ["deploy.sh"]


def test_a_quote_that_is_not_closed_does_not_hide_the_script(tmp_path: Path) -> None:
    ctx = shell(tmp_path, command="sh deploy.sh 'x")
    (ctx.workspace / "deploy.sh").write_text("x")
    files = HANDLER.preview(ctx)["files"]
    assert isinstance(files, dict)
    assert list(files) == ["deploy.sh"]


def test_an_interrupted_command_is_not_simply_run_again() -> None:
    assert HANDLER.rerun_safe is False
    assert HANDLER.match("shell")
    assert not HANDLER.match("shell:x")
