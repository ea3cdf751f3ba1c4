"""`shell`: run a command.

A list is executed as it stands, without a shell. A text is given to `sh -ec`, or with `shell: bash` to
`bash -eo pipefail -c`, so that the first command that fails ends it. What it does to the world is unknown to nofx:
an attempt that was cut off is not simply run again.
"""

from collections.abc import Mapping

from nofx_cli import errors
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.failures import invalid_inputs, see_log
from nofx_cli.handlers.inputs import Field, faults_of, is_scalar, is_template
from nofx_cli.ports.handler import StepCancelled, StepContext
from nofx_cli.ports.processes import ProcessResult

FIELDS = {
    "command": Field(("text", "list"), required=True),
    "cwd": Field(("text",)),
    "env": Field(("mapping",)),
    "shell": Field(("text",)),
    "stdout": Field(("text",)),
    "allow_exit_codes": Field(("list",)),
}
SHELLS = {"sh": ("/bin/sh", "-ec"), "bash": ("bash", "-eo", "pipefail", "-c")}
STDOUT_LIMIT = 32 * 1024
"""How many bytes of standard output can become an output; all outputs of a step have room for twice that."""


class Shell:
    """The handler. Its preview names the files of the workspace that the command names, with their digests."""

    rerun_safe = False

    def match(self, tool: str) -> bool:
        return tool == "shell"

    def check(self, inputs: JsonObject) -> list[str]:
        return faults_of(inputs, FIELDS) or [*_command_faults(inputs), *_option_faults(inputs)]

    def preview(self, ctx: StepContext) -> JsonObject:
        from nofx_cli.handlers.named_files import named_files

        faults = self.check(ctx.inputs)
        if faults:
            return {"faults": tuple(faults)}
        cwd = _text(ctx.inputs, "cwd") or "."
        files = named_files(_words(ctx.inputs["command"]), cwd=ctx.workspace / cwd, workspace=ctx.workspace)
        shown: dict[str, JsonValue] = {
            "argv": tuple(_argv(ctx.inputs)),
            "cwd": cwd,
            "env": tuple(sorted(_env(ctx.inputs))),
            "files": files.digests,
        }
        if files.left_out:
            shown["files_not_bound"] = files.left_out
        return shown

    def run(self, ctx: StepContext) -> Outcome:
        faults = self.check(ctx.inputs)
        if faults:
            return invalid_inputs(faults)
        wants_stdout = "stdout" in ctx.inputs
        result = ctx.process(
            _argv(ctx.inputs),
            cwd=_text(ctx.inputs, "cwd") or None,
            env=_env(ctx.inputs),
            capture_limit=STDOUT_LIMIT + 1 if wants_stdout else 0,
        )
        if result.survivors:
            ctx.log(f"nofx: ended what the command left running ({counted(result.survivors, 'process', 'processes')})")
        return _failure(ctx, result) or _success(ctx, result)


def _command_faults(inputs: JsonObject) -> list[str]:
    command = inputs["command"]
    if isinstance(command, str):
        return [] if command.strip() else ["`command` is empty"]
    if not isinstance(command, list | tuple) or not command:
        return ["`command` is empty"]
    faults = [f"`command[{n}]` must be a text or a number" for n, item in enumerate(command) if not is_scalar(item)]
    if not faults and not str(command[0]).strip():
        faults.append("`command[0]` is empty; it names the program")
    if "shell" in inputs:
        faults.append("`shell` is only for a `command` that is a text; a list is executed without a shell")
    return faults


def _option_faults(inputs: JsonObject) -> list[str]:
    faults = []
    shell, env, codes = inputs.get("shell", "sh"), inputs.get("env"), inputs.get("allow_exit_codes")
    if shell not in SHELLS and not is_template(shell):
        faults.append(f"`shell` must be sh or bash, not {shell}")
    if isinstance(env, Mapping):
        faults += [f"`env.{name}` must be a text or a number" for name, value in env.items() if not is_scalar(value)]
    if isinstance(codes, list | tuple) and not (codes and all(_is_exit_code(code) for code in codes)):
        faults.append("`allow_exit_codes` must list whole numbers from 0 to 255")
    if inputs.get("stdout") == "":
        faults.append("`stdout` is empty; it names the output that takes what the command prints")
    return faults


def _is_exit_code(code: JsonValue) -> bool:
    return is_template(code) or (isinstance(code, int) and not isinstance(code, bool) and 0 <= code <= 255)


def _argv(inputs: JsonObject) -> list[str]:
    command = inputs["command"]
    if isinstance(command, list | tuple):
        return [str(item) for item in command]
    return [*SHELLS[_text(inputs, "shell") or "sh"], str(command)]


def _words(command: JsonValue) -> list[str]:
    """The words of the command, to look for names of files: an approximation where it is a text."""
    if isinstance(command, list | tuple):
        return [str(item) for item in command]
    import shlex

    text = str(command)
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        return list(lexer)
    except ValueError:  # a quote that is not closed: the shell will say so
        return text.split()


def _env(inputs: JsonObject) -> dict[str, str]:
    env = inputs.get("env")
    return {name: str(value) for name, value in env.items()} if isinstance(env, Mapping) else {}


def _text(inputs: JsonObject, name: str) -> str:
    value = inputs.get(name)
    return value if isinstance(value, str) else ""


def _failure(ctx: StepContext, result: ProcessResult) -> Failed | None:
    if result.stopped == "timeout":
        message = f"it did not end within its time limit and was ended after {format_duration(result.duration_ms)}"
        return _failed(ctx, "timeout", message)
    if result.stopped:
        raise StepCancelled(result.stopped)
    if result.exit_code is None:
        return _failed(ctx, "signal", f"it was ended by {result.signal}{_last(result)}")
    if result.exit_code not in _allowed(ctx.inputs):
        return _failed(ctx, "exit-code", f"exit code {result.exit_code}{_meaning(result.exit_code)}{_last(result)}")
    return None


def _failed(ctx: StepContext, code: str, message: str) -> Failed:
    from contextlib import suppress

    outputs: JsonObject = {}
    with suppress(
        errors.InvalidInput
    ):  # how the command ended matters more than what is wrong with the outputs it left
        outputs = ctx.read_outputs()
    return Failed(StepError(code, message, see_log(ctx)), retryable=True, outputs=outputs)


def _success(ctx: StepContext, result: ProcessResult) -> Outcome:
    outputs = dict(ctx.read_outputs())
    name = _text(ctx.inputs, "stdout")
    if name and len(result.stdout.encode()) > STDOUT_LIMIT:
        message = f"standard output is longer than the {STDOUT_LIMIT // 1024} KiB that fit into the output `{name}`"
        return Failed(StepError("output-too-long", message, "write it to a file in $NOFX_ARTIFACTS instead"))
    if name:
        outputs[name] = result.stdout.strip()
    return Succeeded(outputs)


def _allowed(inputs: JsonObject) -> tuple[int, ...]:
    codes = inputs.get("allow_exit_codes")
    if not isinstance(codes, list | tuple):
        return (0,)
    return tuple(int(code) for code in codes if isinstance(code, int | str))


def _last(result: ProcessResult) -> str:
    return f": {result.last_line}" if result.last_line else ""


def _meaning(exit_code: int) -> str:
    """A shell tells with 128 + n that a command of its own was ended by signal n."""
    if exit_code <= 128:
        return ""
    import signal

    try:
        return f" (a command in it was ended by {signal.Signals(exit_code - 128).name})"
    except ValueError:
        return ""


HANDLER = Shell()
