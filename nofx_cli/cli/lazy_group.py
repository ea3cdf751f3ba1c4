"""A group of commands that imports a command when it is used, and the one boundary where errors are told."""

import os
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from nofx_cli.errors import ExitCode, NofxError

# name → (module below `nofx_cli.cli.commands`, section of the help, one line of help)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "run": ("run", "Runs", "Run a plan, here and now."),
    "list": ("list_runs", "Runs", "List runs, newest first."),
    "show": ("show", "Runs", "Show a run: steps, gates, artifacts, lineage."),
    "timeline": ("timeline", "Runs", "Show, or follow, the events of a run."),
    "logs": ("logs", "Runs", "Show the output of a step."),
    "artifacts": ("artifacts", "Runs", "List a run's artifacts, or write one out."),
    "approve": ("approve", "Decisions", "Approve a waiting step; the run goes on."),
    "reject": ("reject", "Decisions", "Say no to a waiting step."),
    "waive": ("waive", "Decisions", "Pass a waiting step over; what needs it goes on."),
    "resume": ("resume", "Going on", "Go on with a run that was cut off or waits."),
    "retry": ("retry", "Going on", "Do the failed part of an ended run again."),
    "rerun": ("rerun", "Going on", "Make a new run from the plan of an old one."),
    "rollback": ("rollback", "Going on", "Set a run back to an earlier point."),
    "cancel": ("cancel", "Going on", "End a run."),
    "export": ("export", "Going on", "Write a run to a file, to go on with it elsewhere."),
    "import": ("import_run", "Going on", "Take in a run that was exported."),
    "diff": ("diff", "Worktrees", "Show what a run changed in its worktree."),
    "apply": ("apply", "Worktrees", "Bring what a run changed into your folder."),
    "clean": ("clean", "Worktrees", "Remove the worktrees of ended runs."),
    "worker": ("worker", "Workers", "Execute queued runs; start, stop and see workers."),
    "queue": ("queue", "Workers", "See, pause and resume the queue."),
    "dlq": ("dlq", "Workers", "See, requeue and drop jobs that could not be delivered."),
    "notify": ("notify", "Workers", "See who is told of events; tell what is left."),
    "metrics": ("metrics", "Workers", "Print metrics in Prometheus text."),
    "gates": ("gates", "Gates", "Report what gates found; record a baseline."),
    "hooks": ("hooks", "Gates", "Run plans as hooks of git."),
    "models": ("models", "Models", "See which models are configured, and try them."),
    "cost": ("cost", "Models", "Show what models cost: calls, tokens, dollars."),
    "archive": ("archive", "Models", "See, export, import and prune what models answered."),
    "plan": ("plan", "Plans", "Check, list, show and draw plans."),
    "plugin": ("plugin", "Plans", "Begin a handler of your own; see which are there."),
    "replay": ("replay", "Trust", "Run a run again from the archive, and compare."),
    "verify": ("verify", "Trust", "Prove that a run's journal was not touched."),
    "policy": ("policy", "Trust", "See what steps may use, and which rule says so."),
    "config": ("config", "Trust", "Show the settings and where each comes from."),
    "backup": ("backup", "Trust", "Make, verify, restore and prune backups of the store."),
    "doctor": ("doctor", "Trust", "Examine the machine, the project and the store."),
}

_NOT_LOADED: Any = None


class LazyGroup(TyperGroup):
    """Knows its commands by name and help; loads the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        if self.commands.get(cmd_name) is _NOT_LOADED:
            module = import_module(f"nofx_cli.cli.commands.{COMMANDS[cmd_name][0]}")
            command = typer.main.get_command(module.app)
            command.name = cmd_name
            self.commands[cmd_name] = command
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        for name in COMMANDS:  # for "did you mean"
            self.commands.setdefault(name, _NOT_LOADED)
        try:
            return super().resolve_command(ctx, args)
        finally:
            self.commands = {name: command for name, command in self.commands.items() if command is not _NOT_LOADED}

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Offer the names without loading the commands, which would take far longer than a person waits for Tab."""
        from typer._click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=text) for name, (_, _, text) in COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*names, *super(TyperGroup, self).shell_complete(ctx, incomplete)]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, (_, section, text) in COMMANDS.items():
            sections.setdefault(section, []).append((name, text))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)

    def invoke(self, ctx: Any) -> Any:
        as_json = "--json" in [*ctx._protected_args, *ctx.args]
        try:
            return super().invoke(ctx)
        except NofxError as exc:
            _tell(exc, as_json=as_json)
            ctx.exit(exc.exit_code)
        except KeyboardInterrupt:
            ctx.exit(ExitCode.INTERRUPTED)
        except BrokenPipeError:
            sys.stdout = None  # nobody reads any more: nothing to flush at exit
            ctx.exit(ExitCode.SUCCEEDED)
        except Exception as exc:
            if type(exc).__module__.startswith("typer"):
                raise
            from nofx_cli.cli.fault_report import tell_fault

            tell_fault(exc)
            ctx.exit(ExitCode.FAULT)


def _tell(error: NofxError, *, as_json: bool) -> None:
    from nofx_cli.cli.github import on_github
    from nofx_cli.cli.output import tell_error

    tell_error(error, as_json=as_json)
    if on_github(os.environ):
        from nofx_cli.cli.github.faults import annotate_faults

        annotate_faults(error, os.environ)
