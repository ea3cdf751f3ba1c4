"""The handler of `agent:<name>`.

An agent runs like any other process of a step: within its time limit, its sandbox and its environment, and nothing that
it started outlives the step. What it says is shown, and not believed: what counts is what changed in the workspace,
which is looked at before and after, kept as `changes.diff`, and held against the rules on writing by the engine.

Policy: that a step may use the tool `agent:claude` says that it may run nofx's own words for Claude Code. Where the
words are others' (a command of `nofx.yaml`, or `args` of the step), the rules on commands judge the whole command. What
the agent itself runs no rule on commands sees: only a sandbox bounds that.
"""

from collections.abc import Sequence
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.domain.plan import AGENT
from nofx_cli.domain.project import AgentSpec
from nofx_cli.domain.wording import counted, shortened
from nofx_cli.handlers.agents.changes.changed import Changes
from nofx_cli.handlers.agents.changes.watching import watch
from nofx_cli.handlers.agents.command import PROMPT_NAME, Agent, agent_of
from nofx_cli.handlers.agents.inputs import args_of, faults_of_inputs, model_of
from nofx_cli.handlers.agents.outputs import outputs_of
from nofx_cli.handlers.agents.prompt import task_of, with_feedback, write_prompt
from nofx_cli.handlers.agents.streams.reading import Reader
from nofx_cli.handlers.codegen.project_files import in_checkout
from nofx_cli.handlers.failures import invalid_inputs, see_log
from nofx_cli.ports.handler import StepCancelled, StepContext
from nofx_cli.ports.processes import ProcessResult

DIFF = "changes.diff"
"""The name of the artifact."""
_LAST_WORDS = 300


class AgentHandler:
    """Runs one agent. An attempt that was cut off is not simply run again: it may have been half done."""

    rerun_safe = False
    writes = True

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def match(self, tool: str) -> bool:
        return tool == AGENT + self._agent.name

    @property
    def default_timeout_ms(self) -> int | None:
        """What a step has that does not say."""
        return self._agent.spec.timeout_ms if self._agent.spec else None

    def check(self, inputs: JsonObject) -> list[str]:
        return faults_of_inputs(inputs, self._agent)

    def preview(self, ctx: StepContext) -> JsonObject:
        faults = self.check(ctx.inputs)
        if faults:
            return {"faults": tuple(faults)}
        task = task_of(ctx)
        # The folder is another one at each attempt; what is approved must not differ by that.
        shown: dict[str, JsonValue] = {
            "argv": tuple(self._words(ctx, "<prompt>", Path("<scratch>", PROMPT_NAME))),
            "prompt": task,
            "prompt_by": self._agent.prompt_by,
        }
        return shown

    def run(self, ctx: StepContext) -> Outcome:
        faults = self.check(ctx.inputs)
        if faults:
            return invalid_inputs(faults)
        prompt = with_feedback(ctx, task_of(ctx))
        watched, reader = watch(ctx, own=self._agent.own_files), _reader(self._agent)
        try:
            result = self._process(ctx, prompt, reader)
        except errors.NotFound as exc:
            if exc.code != "program-not-found":
                raise
            ctx.log(exc.message)
            return Failed(self._not_found(exc))
        changes = watched.changes()
        if changes.diff:
            ctx.put_artifact(DIFF, changes.diff)
        ctx.log(_told(changes))
        for path in changes.steering:
            ctx.check_write(path)
        outputs = outputs_of(self._agent.name, reader.told, changes)
        error = self._failure(result, reader, ctx) or self._nothing_done(ctx, changes, reader)
        return Failed(error, retryable=True, outputs=outputs) if error else Succeeded(outputs)

    def _process(self, ctx: StepContext, prompt: str, reader: Reader) -> ProcessResult:
        file = write_prompt(ctx, prompt)
        ctx.log("$ " + " ".join(self._words(ctx, "<prompt>", file)))
        result = ctx.process(
            self._words(ctx, prompt, file),
            of_nofx=not self._agent.declared and not args_of(ctx.inputs),
            stdin=file if self._agent.prompt_by == "stdin" else None,
            show=reader,
        )
        if result.stopped:
            raise StepCancelled(result.stopped)
        if result.survivors:
            ctx.log(f"nofx: ended what the agent left running ({counted(result.survivors, 'process', 'processes')})")
        return result

    def _words(self, ctx: StepContext, prompt: str, file: Path) -> list[str]:
        return self._agent.words(
            prompt=prompt,
            file=file,
            model=model_of(ctx.inputs),
            args=args_of(ctx.inputs),
            in_git=in_checkout(ctx.workspace),
        )

    def _not_found(self, exc: errors.NotFound) -> StepError:
        profile = self._agent.profile
        if profile is None or self._agent.declared:
            hint = f"install it, or mend its `command` in {self._agent.source}"
            return StepError("agent-not-found", f"agent {self._agent.name} cannot be started: {exc.message}", hint)
        message = f"{profile.title} is not installed: there is no program `{self._agent.program}` on the step's PATH"
        return StepError("agent-not-found", message, f"install it: {profile.install}")

    def _failure(self, result: ProcessResult, reader: Reader, ctx: StepContext) -> StepError | None:
        """How it ended counts, and that it says itself that it failed; that it says that it succeeded does not."""
        told = reader.told.last_words or result.last_line
        if result.exit_code is None:
            how = f"was ended by {result.signal}"
        elif result.exit_code:
            how = f"ended with exit code {result.exit_code}"
        elif reader.told.fault:
            how, told = "says that it failed", reader.told.fault
        else:
            return None
        return StepError("agent-failed", f"agent {self._agent.name} {how}{_quoted(told)}", see_log(ctx))

    def _nothing_done(self, ctx: StepContext, changes: Changes, reader: Reader) -> StepError | None:
        if ctx.inputs.get("expect_changes") is False or changes.paths or changes.moved:
            return None
        message = f"agent {self._agent.name} changed nothing in the workspace{_quoted(reader.told.said)}"
        hint = "say in `prompt` which files to change, or `expect_changes: false` where none need change"
        return StepError("no-change", message, hint)


def agent_handler(name: str, spec: AgentSpec | None = None) -> AgentHandler | None:
    """The handler of an agent of this name; None where nothing says how it is started."""
    agent = agent_of(name, spec)
    return AgentHandler(agent) if agent else None


def _reader(agent: Agent) -> Reader:
    from importlib import import_module

    module, _, name = agent.reader.partition(":")
    reader: Reader = getattr(import_module(module), name)()
    return reader


def _told(changes: Changes) -> str:
    lines = [f"nofx: {_of_files(changes.paths)} changed (+{changes.insertions} -{changes.deletions})"]
    if changes.moved:
        before, after = changes.head_before[:12] or "no commit", changes.head_after[:12] or "no commit"
        made = counted(len(changes.commits), "commit")
        lines.append(f"nofx: the agent went from {before} to {after}, with {made} of its own")
    return "\n".join(lines)


def _of_files(paths: Sequence[str]) -> str:
    return counted(len(paths), "file") if paths else "no file"


def _quoted(words: str) -> str:
    line = " ".join(words.split())
    return f": {shortened(line, _LAST_WORDS)}" if line else ""


CLAUDE, CODEX, AIDER, GEMINI = (agent_handler(name) for name in ("claude", "codex", "aider", "gemini"))
