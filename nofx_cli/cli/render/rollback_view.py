"""A rollback: what it does, or did, to a run, and what it cannot undo."""

from collections.abc import Iterator

from nofx_cli.cli.live.telling import next_commands
from nofx_cli.cli.output import columns, paint, safe
from nofx_cli.cli.render.effects_view import result_words
from nofx_cli.cli.render.status import style_of
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.rollback import OutsideEffect
from nofx_cli.domain.wording import counted
from nofx_cli.engine.roll_back import RolledBack, WayBack


def as_json(way: WayBack, done: RolledBack | None) -> dict[str, JsonValue]:
    """The fields that scripts rely on; a test pins them. `done` is None where it would only be done."""
    state = way.after
    return {
        "run": way.run,
        "rolled_back": done is not None,
        "seq": done.seq if done else None,
        "to_seq": way.to_seq,
        "to_step": way.step,
        "left_out": way.left_out,
        "status": state.status.value,
        "steps": [
            {"name": step.name, "status": step.status.value, "before": way.before.steps[step.name].status.value}
            for step in state.steps.values()
        ],
        "files": _files(way, done),
        "tree": state.tree or None,
        "not_undone": [_outside_json(effect) for effect in way.outside],
        "undo": f"nofx rollback {way.run} --to {done.undo}" if done else None,
        "next": list(_next(way)),
    }


def lines(way: WayBack, done: RolledBack | None) -> Iterator[str]:
    """What became of it, for people."""
    verb = "is" if done else "would be"
    point = f"event {way.to_seq}" + (f", after step {safe(way.step)}" if way.step else "")
    status = way.after.status.value
    yield f"run {way.run} {verb} back at {point}: {paint(status, style_of(status), 'bold')}"
    yield f"{counted(way.left_out, 'event')} {'count' if way.left_out > 1 else 'counts'} no more; all stay on record"
    changed = [
        (f"  {safe(step.name)}", f"{way.before.steps[step.name].status.value} → {step.status.value}")
        for step in way.after.steps.values()
        if step.status is not way.before.steps[step.name].status
    ]
    yield from columns(changed)
    yield _SAID[_files(way, done)]
    yield from outside_lines(way)


def outside_lines(way: WayBack) -> Iterator[str]:
    """What was changed outside, and stays so."""
    if not way.outside:
        return
    yield paint("not undone, outside of the run:", "yellow")
    rows = [
        (f"  {safe(e.step)}#{e.attempt}", safe(e.intent.kind), safe(e.intent.target), _result(e)) for e in way.outside
    ]
    yield from columns(rows)


def commands(way: WayBack, done: RolledBack | None) -> Iterator[str]:
    """What to type next."""
    if done is None:
        return
    for command in _next(way):
        yield f"next: {safe(command)}"
    yield f"undo: nofx rollback {way.run} --to {done.undo}"


_SAID = {
    "set back": "the files of its worktree are set back; what stood there is kept, and comes back with an undo",
    "due": "the files of its worktree are not set back yet",
    "to be set back": "the files of its worktree would be set back; what stands there would be kept",
    "as they are": "it works in your folder: files there are as they are",
}


def _files(way: WayBack, done: RolledBack | None) -> str:
    if not way.in_worktree:
        return "as they are"
    if done is None:
        return "to be set back"
    return "due" if done.fault else "set back"


def _next(way: WayBack) -> list[str]:
    return next_commands(way.after, way.run)


def _result(effect: OutsideEffect) -> str:
    if effect.done is None:
        return "intended; whether it was made is found out before the step goes on"
    return result_words(effect.done.result)


def _outside_json(effect: OutsideEffect) -> dict[str, JsonValue]:
    intent = effect.intent
    return {
        "step": effect.step,
        "attempt": effect.attempt,
        "seq": effect.seq,
        "kind": intent.kind,
        "target": intent.target,
        "digest": intent.digest,
        "made": effect.made,
        "result": dict(effect.done.result) if effect.done else None,
    }
