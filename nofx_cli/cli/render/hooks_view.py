"""The hooks of a checkout: what is installed, what is not, and what somebody else has there."""

from collections.abc import Iterator, Sequence

from nofx_cli.cli.output import paint, safe
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.record import record
from nofx_cli.workspace.hooks_install import HookState, Installed, Standing
from nofx_cli.workspace.hooks_place import SETTING, HooksPlace

_WORDS = {
    HookState.ABSENT: ("not installed", ("dim",)),
    HookState.FOREIGN: ("another hook", ("yellow",)),
    HookState.INSTALLED: ("installed", ("green",)),
    HookState.EDITED: ("edited", ("red",)),
}


@record
class SeenHook:
    """A hook with what is wrong with the plan and the program that it names; empty where nothing is."""

    standing: Standing
    plan_fault: str = ""
    program_fault: str = ""


def as_json(place: HooksPlace, hooks: Sequence[SeenHook]) -> JsonObject:
    """The fields that scripts rely on; a test pins them."""
    return {
        "folder": str(place.folder),
        "setting": place.setting,
        "scope": place.scope,
        "shared": place.is_shared,
        "in_checkout": bool(place.path),
        "hooks": [_hook_json(hook) for hook in hooks],
    }


def lines(place: HooksPlace, hooks: Sequence[SeenHook]) -> Iterator[str]:
    """A line for each hook, and what it needs to be said of it below."""
    width = max(len(hook.standing.hook) for hook in hooks)
    yield f"{paint(safe(str(place.folder)), 'bold')}{_setting_words(place)}"
    for hook in hooks:
        standing = hook.standing
        word, style = _WORDS[standing.state]
        plan = f"  plan {safe(standing.script.plan)}" if standing.script and standing.script.plan else ""
        yield f"{standing.hook:<{width}}  {paint(word, *style)}{plan}"
        yield from (f"{'':<{width}}  {line}" for line in _about(hook))


def installed_lines(place: HooksPlace, installed: Sequence[Installed]) -> Iterator[str]:
    """What became of an installation."""
    for one in installed:
        standing = one.standing
        verb = "was installed before" if not one.changed else "installed"
        plan = standing.script.plan if standing.script else ""
        yield f"{standing.hook}  {verb}: runs {safe(plan)}"
        if standing.kept is not None:
            again = "" if one.was is HookState.FOREIGN else " still"
            yield f"  the hook that was there runs{again} before it: {safe(str(standing.kept))}"
    if place.path:
        yield f"  {safe(place.path)} is a part of the checkout: commit it, and others have the hook too"


def _setting_words(place: HooksPlace) -> str:
    if not place.setting:
        return ""
    shared = ", for all repositories" if place.is_shared else ""
    return f" ({SETTING} = {safe(place.setting)}, {place.scope}{shared})"


def _about(hook: SeenHook) -> Iterator[str]:
    standing, script = hook.standing, hook.standing.script
    if script is not None:
        fault = f": {paint(safe(hook.program_fault), 'red')}" if hook.program_fault else ""
        yield f"by {safe(script.program) or 'the nofx on PATH'}{fault}"
    if script is not None and script.project:
        yield f"in {safe(script.project)}"
    if hook.plan_fault:
        yield paint(safe(hook.plan_fault), "red")
    if standing.kept is not None:
        told = "after" if standing.state is HookState.INSTALLED else "kept from before:"
        yield f"{told} {safe(str(standing.kept))}"


def _hook_json(hook: SeenHook) -> JsonObject:
    standing, script = hook.standing, hook.standing.script
    return {
        "hook": standing.hook,
        "state": standing.state.value,
        "path": str(standing.path),
        "plan": script.plan if script else None,
        "plan_fault": hook.plan_fault or None,
        "program": (script.program or None) if script else None,
        "program_fault": hook.program_fault or None,
        "project": script.project if script else None,
        "everywhere": script.everywhere if script else False,
        "kept": str(standing.kept) if standing.kept else None,
    }
