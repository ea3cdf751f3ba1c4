"""`nofx hooks`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.completion import complete_plan
from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import note, out, out_json
from nofx_cli.errors import ExitCode
from nofx_cli.workspace.hooks_script import HOOKS, HookScript

if TYPE_CHECKING:
    from nofx_cli.cli.render.hooks_view import SeenHook
    from nofx_cli.workspace.hooks_install import Standing
    from nofx_cli.workspace.hooks_place import HooksPlace
    from nofx_cli.workspace.hooks_subject import HookedCheckout, Subject

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Run plans as hooks of git.",
)

DEFAULT = "pre-commit"
"""The plan of the hook of that name, where none is given."""


def _complete_hook(incomplete: str) -> list[str]:
    return [hook for hook in HOOKS if hook.startswith(incomplete)]


def _plan_option(hook: str) -> typer.models.OptionInfo:
    told = f"The plan of the hook {hook}: a file, or a name."
    option: typer.models.OptionInfo = typer.Option(
        f"--{hook}", help=told, metavar="PLAN", autocompletion=complete_plan, show_default=False
    )
    return option


HooksArgument = Annotated[list[str] | None, typer.Argument(help="Which [default: all].", autocompletion=_complete_hook)]


@app.callback()
def hooks() -> None:
    """Run plans as hooks of git."""


@app.command()
def install(
    *,
    pre_commit: Annotated[str, _plan_option("pre-commit")] = "",
    pre_push: Annotated[str, _plan_option("pre-push")] = "",
    commit_msg: Annotated[str, _plan_option("commit-msg")] = "",
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Also where all repositories have their hooks.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Have git run plans; what is there already stays.

    Without options it is the plan pre-commit, before every commit. A plan sees what is staged, not what lies in
    your folder. A hook that is there already is kept, and runs first. Installing again changes what is new.
    """
    from nofx_cli.cli.render import hooks_view
    from nofx_cli.wiring.hooks import plan_of
    from nofx_cli.wiring.session import open_session
    from nofx_cli.workspace.hooks_install import install
    from nofx_cli.workspace.hooks_place import find_hooks

    given = {"pre-commit": pre_commit, "commit-msg": commit_msg, "pre-push": pre_push}
    plans = {hook: plan for hook, plan in given.items() if plan} or {"pre-commit": DEFAULT}
    session = open_session()
    place = find_hooks(session.project)
    for hook, plan in plans.items():
        plan_of(session, plan, hook)
    made = [HookScript(hook, _recorded(plan, place), _program(), place.prefix) for hook, plan in plans.items()]
    installed = install(place, made, everywhere=everywhere)
    if as_json:
        changed = [one.standing.hook for one in installed if one.changed]
        seen = [_seen(place, one.standing) for one in installed]
        out_json({"changed": changed, **hooks_view.as_json(place, seen)})
        return
    for line in hooks_view.installed_lines(place, installed):
        out(line)


@app.command()
def uninstall(hooks: HooksArgument = None, *, as_json: JsonOption = False) -> None:
    """Take the hooks away; what was there before is back."""
    from nofx_cli.workspace.hooks_install import uninstall
    from nofx_cli.workspace.hooks_place import find_hooks

    gone = uninstall(find_hooks(Path.cwd()), _checked(hooks))
    if as_json:
        out_json({"removed": [one.hook for one in gone], "restored": [one.hook for one in gone if one.kept]})
        return
    for one in gone:
        out(f"{one.hook}  removed" + ("; the hook from before is in its place again" if one.kept else ""))
    if not gone:
        note("no hook of nofx is installed here")


@app.command()
def status(*, as_json: JsonOption = False) -> None:
    """Show what is installed, and by which nofx.

    Of each hook: its plan and whether that can be run, the nofx that it calls, and the hook that it runs before.
    """
    from nofx_cli.cli.render import hooks_view
    from nofx_cli.workspace.hooks_install import look
    from nofx_cli.workspace.hooks_place import find_hooks

    place = find_hooks(Path.cwd())
    seen = [_seen(place, look(place, hook)) for hook in HOOKS]
    if as_json:
        out_json(hooks_view.as_json(place, seen))
        return
    for line in hooks_view.lines(place, seen):
        out(line)


@app.command(name="run")
def run_hook(
    hook: Annotated[str, typer.Argument(help=f"One of {', '.join(HOOKS)}.", autocompletion=_complete_hook)],
    args: Annotated[list[str] | None, typer.Argument(help="What git gives to the hook.")] = None,
    *,
    plan: Annotated[str, typer.Option("--plan", help="A file below the top, or a name.", metavar="PLAN")] = DEFAULT,
    project: Annotated[str, typer.Option("--project", help="The project's folder below the top.", metavar="DIR")] = "",
    everywhere: Annotated[bool, typer.Option("--everywhere", help="Succeed where there is no such plan.")] = False,
) -> None:
    """Do what an installed hook does.

    For hooks of your own, and for other programs that run hooks. Exits with 0 where git may go on, 1 where the plan
    failed, 8 where it waits for a person.
    """
    _checked([hook])
    if os.environ.get("NOFX_HOOKS") == "off":
        return
    if os.environ.get("NOFX_RUN_ID"):
        note(f"nofx/{hook}: not in a step of a run")
        return
    raise typer.Exit(_run(hook, args or [], plan, project=project, everywhere=everywhere))


def _run(hook: str, args: list[str], plan: str, *, project: str, everywhere: bool) -> int:
    from nofx_cli.cli.hook_run import carry_out
    from nofx_cli.wiring.hooks import begin, plan_of, without_git
    from nofx_cli.wiring.session import open_session
    from nofx_cli.workspace.hooks_subject import find_checkout

    environ = dict(os.environ)
    checkout = find_checkout(Path.cwd(), git_dir=environ.get("GIT_DIR", ""))
    os.chdir(checkout.top)
    for name in set(environ) - set(without_git(environ)):
        del os.environ[name]
    session = open_session(folder=checkout.top / project, environ=dict(os.environ))
    subjects = _subjects(hook, args, checkout, environ)
    if not subjects:
        return ExitCode.SUCCEEDED
    try:
        hook_plan = plan_of(session, plan, hook)
    except errors.NotFound:
        if everywhere:
            return ExitCode.SUCCEEDED
        raise
    for subject in subjects:
        if code := carry_out(begin(session, hook, hook_plan, subject, of=checkout), hook):
            return code
    return ExitCode.SUCCEEDED


def _subjects(hook: str, args: list[str], checkout: "HookedCheckout", environ: dict[str, str]) -> "list[Subject]":
    from dataclasses import replace

    from nofx_cli.workspace import hooks_subject

    if hook == "pre-push":
        refs = "\n".join(hooks_subject.refs_of_pre_commit(environ)) or os.fsdecode(sys.stdin.buffer.read())
        remote, url = [*args, "", ""][:2]
        return hooks_subject.pushed(checkout, refs, remote=remote, url=url)
    found = hooks_subject.staged(checkout, environ.get("GIT_INDEX_FILE", ""))
    if hook == "commit-msg":
        file = checkout.top / (args[0] if args else "")
        editor, given = environ.get("GIT_EDITOR", ""), environ.get("GIT_CONFIG_PARAMETERS", "")
        message = hooks_subject.message_of(checkout.git, file, editor=editor, given=given)
        return [replace(found, what="the message", facts={"message": message, "message_file": str(file)})]
    return [found]


def _checked(hooks: list[str] | None) -> list[str]:
    for hook in hooks or ():
        if hook not in HOOKS:
            raise errors.UsageError(
                f"nofx has no hook {hook!r}", code="unknown-hook", hint=f"there are {', '.join(HOOKS)}"
            )
    return hooks or list(HOOKS)


def _recorded(plan: str, place: "HooksPlace") -> str:
    """The plan as the script has it: a path counts from the top, so that other checkouts have their own."""
    path = Path(plan)
    if os.sep not in plan and not plan.endswith((".yaml", ".yml")) and not path.is_file():
        return plan
    real, top = path.resolve(), place.top.resolve()
    found = real.relative_to(top).as_posix() if real.is_relative_to(top) else str(real)
    return found if "/" in found or found.endswith((".yaml", ".yml")) else f"./{found}"


def _program() -> str:
    """The path of the nofx that runs: as it was called, or beside its Python; empty where there is none."""
    import shutil

    called = shutil.which(sys.argv[0]) if Path(sys.argv[0]).name == "nofx" else None
    beside = Path(sys.executable).parent / "nofx"
    return os.path.abspath(called) if called else str(beside) if beside.is_file() else ""


def _seen(place: "HooksPlace", standing: "Standing") -> "SeenHook":
    import shutil

    from nofx_cli.cli.render.hooks_view import SeenHook

    script = standing.script
    if script is None or not script.hook:
        return SeenHook(standing)
    gone = "" if shutil.which(script.program or "nofx") else "it is gone"
    return SeenHook(standing, _fault_of_plan(place.top, script), gone)


def _fault_of_plan(top: Path, script: HookScript) -> str:
    from contextlib import chdir

    from nofx_cli.wiring.hooks import plan_of
    from nofx_cli.wiring.session import open_session

    try:
        with chdir(top):
            plan_of(open_session(folder=top / script.project, newer=True), script.plan, script.hook)
    except (errors.NofxError, OSError) as exc:
        return str(exc).split("\n", maxsplit=1)[0]
    return ""
