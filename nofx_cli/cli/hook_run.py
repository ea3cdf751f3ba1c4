"""Execute the run of a hook, and tell in a few lines what git's user needs: what is wrong, where, and what to type."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from nofx_cli.cli.live import telling
from nofx_cli.cli.live.choice import is_drawable
from nofx_cli.cli.output import note, paint, safe, shorten, terminal_width
from nofx_cli.cli.signals import signals_to
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.events import Event, StepStarted
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.state import RunState, RunStatus
from nofx_cli.domain.step_state import StepState, StepStatus
from nofx_cli.engine.cancel import cancel
from nofx_cli.engine.exit_codes import exit_code_of
from nofx_cli.errors import ExitCode
from nofx_cli.wiring.hooks import HookRun, end
from nofx_cli.worker.attempts import Inbox
from nofx_cli.worker.inline import execute
from nofx_cli.worker.observer import Silent

_ENDS = ("step.finished", "step.interrupted", "step.retry_scheduled")
_DONE = {"pre-commit": "committed", "commit-msg": "committed", "pre-push": "pushed"}


class RunningSteps(Silent):
    """What runs now, on one line of a terminal, which is gone in the end; elsewhere nothing."""

    def __init__(self, name: str, environ: "dict[str, str] | None" = None) -> None:
        import os

        self._name, self._running = name, dict[StepName, None]()
        self._draws = is_drawable(sys.stderr, os.environ if environ is None else environ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._draw("")

    def events(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.step is not None and isinstance(event.payload, StepStarted):
                self._running[event.step] = None
            elif event.step is not None and event.type in _ENDS:
                self._running.pop(event.step, None)
        self._draw(f"{self._name}: {', '.join(map(safe, self._running))}" if self._running else "")

    def _draw(self, text: str) -> None:
        if self._draws:
            sys.stderr.write(f"\r\x1b[K{shorten(text, (terminal_width(sys.stderr) or 80) - 1)}")
            sys.stderr.flush()


def carry_out(hook_run: HookRun, hook: str) -> int:
    """Execute the run to its end or to where it waits for a person, tell of it, and give the exit code."""
    name, run = f"nofx/{hook}", hook_run.run
    if run.state.ended:
        note(f"{name}: {paint('passed', 'green', stream=sys.stderr)}: run {run.run} was approved")
        end(hook_run, run.state)
        return ExitCode.SUCCEEDED
    inbox: Inbox = Inbox()
    with RunningSteps(name) as view, signals_to(inbox):
        ending = execute(run, observer=view, inbox=inbox)
    if ending.signal and not ending.state.ended:
        cancel(run, reason=f"git was stopped ({ending.signal})")  # nobody would go on with it
    lines = list(_lines(hook_run, hook, run.state))  # while the checkout is there
    end(hook_run, run.state)
    for line in lines:
        note(line)
    if ending.signal:
        return ExitCode.INTERRUPTED if ending.signal == "SIGINT" else ExitCode.TERMINATED
    return exit_code_of(run.state)


def _lines(hook_run: HookRun, hook: str, state: RunState) -> Iterator[str]:
    name, run = f"nofx/{hook}", hook_run.run.run
    for step in telling.failures(state):
        yield from _failure(hook_run, name, step)
    for step in telling.warnings(state):
        yield from _failure(hook_run, f"{name}: warning", step)
    took = format_duration(state.duration_ms)
    if state.status is RunStatus.SUCCEEDED:
        word = paint("passed", "green", stream=sys.stderr)
        yield f"{name}: {word}{f' in {took}' if took else ''}: {', '.join(_steps(state))}"
        if telling.changed_worktree(state):
            yield "  your files are as they were, and steps changed some in the checkout of the hook"
            yield f"  next: nofx diff {run}; nofx apply {run}"
        return
    word = paint("refused", "red", "bold", stream=sys.stderr)
    yield f"{name}: {word}, nothing was {_DONE[hook]}: {hook_run.subject.what} {_how(state)} (run {run})"
    yield from (f"  next: {command}" for command in _next(hook_run, hook, state))


def _how(state: RunState) -> str:
    match state.status:
        case RunStatus.FAILED:
            return "did not pass"
        case RunStatus.WAITING:
            return f"waits for a person: {safe(', '.join(state.told_waiting))}"
        case _:
            return "was not examined to the end"


def _next(hook_run: HookRun, hook: str, state: RunState) -> list[str]:
    run = hook_run.run.run
    if state.status is RunStatus.WAITING:
        answers = [telling.approve_command(run, step.name) for step in telling.waiting_steps(state)]
        return [*answers, f"and the same git {'push' if hook == 'pre-push' else 'commit'} again"]
    gates = any(step.gate is not None and step.gate.found for step in telling.failures(state))
    return [f"nofx gates report {run}"] if gates else [f"nofx show {run}"]


def _steps(state: RunState) -> Iterator[str]:
    for step in state.steps.values():
        name = safe(step.name)
        if step.gate is not None and step.gate.verdict != "passed":
            yield f"{name} ({telling.verdict_word(step.gate)})"
        else:
            yield name if step.status is StepStatus.SUCCEEDED else f"{name} ({step.status.value})"


def _failure(hook_run: HookRun, name: str, step: StepState) -> Iterator[str]:
    """What is wrong, with paths as they are in the repository."""
    yield f"{name}: {safe(step.name)}: {telling.error_words(step.error)}"
    yield from (f"  | {line}" for line in _found(hook_run, step))
    if step.error and step.error.hint:
        yield f"  hint: {safe(step.error.hint)}"


def _found(hook_run: HookRun, step: StepState) -> list[str]:
    services, run = hook_run.run.services, hook_run.run.run
    prefix = hook_run.checkout.repository.prefix
    tree = str(hook_run.checkout.folder(run)).removesuffix(f"/{prefix}".rstrip("/"))
    if step.gate is not None:
        from nofx_cli.engine.collect_findings import findings_of

        found = [
            replace(each, path=f"{prefix}/{each.path}" if prefix and each.path else each.path)
            for each in findings_of(services, run, step)
        ]
        if found:
            return telling.findings_lines(found, run)
    lines = telling.log_tail(lambda name, attempt: services.artifacts.log_path(run, name, attempt), step)
    return [line.replace(f"{tree}/", "") for line in lines]
