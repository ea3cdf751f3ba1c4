"""What the shell offers when Tab is pressed: runs, steps and plans. Quick, and silent whatever is wrong."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import typer

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from nofx_cli.ports.journal import RunStore

_OFFERED = 50
_ANSWERING = frozenset({"approve", "reject", "waive"})
_SUFFIX = 6


def complete_run(incomplete: str) -> list[str]:
    """The newest runs that begin so, by id; where none does, by the last part of the id; and `latest`."""
    return _offer(lambda: _runs(incomplete))


def complete_step(ctx: typer.Context, incomplete: str) -> list[str]:
    """The steps of the run that was typed before, else of the newest; for an answer, those that wait for one."""
    return _offer(lambda: (name for name in _steps(ctx) if name.startswith(incomplete)))


def complete_plan(incomplete: str) -> list[str]:
    """The names of plans; files are offered by the shell itself."""
    return _offer(lambda: (name for name in _plans() if name.startswith(incomplete)))


def complete_worker(incomplete: str) -> list[str]:
    """The workers that have a record in the store."""
    return _offer(lambda: (name for name in _workers() if name.startswith(incomplete)))


def complete_target(incomplete: str) -> list[str]:
    """Those who are told of events, as nofx.yaml names them."""
    return _offer(lambda: (name for name in _targets() if name.startswith(incomplete)))


def complete_artifact(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of the artifacts of the run and step that were typed before."""
    return _offer(lambda: (name for name in _artifacts(ctx) if name.startswith(incomplete)))


def _offer(find: Callable[[], Iterable[str]]) -> list[str]:
    with suppress(Exception):  # a message would land in the middle of the line that is being typed
        return list(dict.fromkeys(name for name in find() if name.isprintable()))
    return []


def _store() -> RunStore:
    from nofx_cli.wiring.reading import open_store

    return open_store()


def _targets() -> Iterable[str]:
    from nofx_cli.wiring.reading import read_targets

    return read_targets()


def _workers() -> Iterator[str]:
    from nofx_cli.wiring.reading import open_workers

    return (seen.info.id for seen in open_workers().seen())


def _runs(incomplete: str) -> Iterator[str]:
    runs = list(_store().runs())
    if runs and "latest".startswith(incomplete):
        yield "latest"
    found = [run for run in runs if run.startswith(incomplete)]
    yield from found[:_OFFERED]
    if not found:
        yield from islice((run[-_SUFFIX:] for run in runs if run[-_SUFFIX:].startswith(incomplete)), _OFFERED)


def _steps(ctx: typer.Context) -> Iterator[str]:
    from nofx_cli.domain.rollback import counting

    store = _store()
    answering = ctx.info_name in _ANSWERING
    for run in _meant(store, ctx, many=answering):
        events = store.read(run)
        yield from _waiting(counting(events)) if answering else _known(events)


def _meant(store: RunStore, ctx: typer.Context, *, many: bool) -> Iterable[RunId]:
    """The run that was typed; else the newest, or (`many`) the newest ones that have not ended."""
    typed = ctx.params.get("run")
    if typed in ("latest", "") and not many:
        typed = next(iter(ctx.args), "")  # behind an option that still lacks its value nothing has been taken in
    if typed and typed != "latest":
        from nofx_cli.engine.find_run import find_run

        return [find_run(store, typed)]
    if not many:
        return islice(store.runs(), 1)
    return (run for run in islice(store.runs(), _OFFERED) if _goes_on(store, run))


def _goes_on(store: RunStore, run: RunId) -> bool:
    summary = store.summary(run)
    return summary is not None and not ev.ends_run(summary.last_run_event.payload)


def _known(events: Iterable[ev.Event]) -> Iterator[str]:
    return (event.step for event in events if event.step is not None)


def _waiting(events: Iterable[ev.Event]) -> Iterable[str]:
    waiting: dict[str, None] = {}
    for event in events:
        if event.step is None:
            continue
        if isinstance(event.payload, ev.ApprovalRequested):
            waiting[event.step] = None
        elif isinstance(event.payload, _ANSWERS):
            waiting.pop(event.step, None)
    return waiting


_ANSWERS = (ev.ApprovalGranted, ev.ApprovalRejected, ev.ApprovalWaived, ev.StepFinished, ev.StepSkipped, ev.StepReset)


def _artifacts(ctx: typer.Context) -> Iterator[str]:
    store = _store()
    for run in _meant(store, ctx, many=False):
        for event in store.read(run):
            if isinstance(event.payload, ev.ArtifactCreated) and event.step == ctx.params.get("step"):
                yield event.payload.name


def _plans() -> Iterable[str]:
    from nofx_cli.config.settings import find_project
    from nofx_cli.planning.catalogue import plan_names

    return plan_names(find_project(Path.cwd().resolve()))
