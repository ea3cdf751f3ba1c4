"""`nofx timeline`."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.completion import complete_run
from nofx_cli.cli.output import note
from nofx_cli.cli.render.event_text import event_line
from nofx_cli.clock import format_at, parse_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.durations import parse_duration_ms
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.state import advance
from nofx_cli.engine.exit_codes import exit_code_of
from nofx_cli.engine.follow import await_run, follow
from nofx_cli.engine.queued_runs import QueuedRuns
from nofx_cli.engine.view_run import headless_state
from nofx_cli.wiring.session import Session, open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


def _complete_type(incomplete: str) -> list[str]:
    groups = dict.fromkeys(f"{name.partition('.')[0]}.*" for name in ev.BY_TYPE)
    return [name for name in (*groups, *ev.BY_TYPE) if name.startswith(incomplete)]


@app.command()
def timeline(
    run: Annotated[
        str,
        typer.Argument(help="The run: its id, a unique start or end of it, or `latest`.", autocompletion=complete_run),
    ] = "latest",
    *,
    following: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the run has ended; wait for it if it is not there yet.")
    ] = False,
    since: Annotated[
        str,
        typer.Option(
            help="Only events behind this number, or not older than this: 42, 10m, 2026-11-22T09:15:30Z.",
            metavar="SEQ|DURATION|TIME",
        ),
    ] = "",
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            help="Only events of this type, such as `step.*`; may be repeated.",
            autocompletion=_complete_type,
            metavar="GLOB",
        ),
    ] = None,
    exit_status: Annotated[
        bool, typer.Option("--exit-status", help="Exit with the code that the run stands for, as `nofx run` does.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the journal's lines as they are, one JSON object a line.")
    ] = False,
) -> None:
    """Show the events of a run, one a line, or follow them as they come.

    With --follow every event is shown once and in order, whether it began before, during or after the run. Ctrl-C
    only stops looking: the run goes on.
    """
    session = open_session()
    wanted = _filter(session, since, types or [])
    found = await_run(session.services, run, waiting=lambda: _tell_wait(run)) if following else session.find(run)
    state = headless_state()
    for events in _pieces(session, found, following=following):
        state = advance(state, events, lambda: session.services.store.read(found))
        _print([event for event in events if wanted(event)], as_json=as_json)
    if exit_status:
        raise typer.Exit(exit_code_of(state))


def _pieces(session: Session, run: RunId, *, following: bool) -> Iterator[list[ev.Event]]:
    if not following:
        yield list(session.services.store.read(run))
        return
    yield from follow(session.services, run, idle=_Idle(session, run))


class _Idle:
    """Says once, each time it comes to that, that nobody executes a run which is not over."""

    def __init__(self, session: Session, run: RunId) -> None:
        self._session, self._run, self._told = session, run, False

    def __call__(self) -> None:
        services = self._session.services
        summary = services.store.summary(self._run)
        gone = services.liveness.holder(self._run) is None and self._run not in QueuedRuns(services)
        waits = summary is not None and isinstance(summary.last_run_event.payload, ev.RunWaiting)
        if gone and not self._told:
            note(f"the run waits for a person: nofx show {self._run}" if waits else _abandoned(self._run))
        self._told = gone


def _abandoned(run: RunId) -> str:
    return f"no process executes run {run}; go on with it: nofx resume {run}"


def _tell_wait(text: str) -> None:
    note("waiting for the first run…" if text == "latest" else f"waiting for run {text}…")


def _print(events: Iterable[ev.Event], *, as_json: bool) -> None:
    if as_json:
        text = "".join(event.line.decode("utf-8", "backslashreplace") + "\n" for event in events)
    else:
        text = "".join(event_line(event) + "\n" for event in events)
    if text:
        sys.stdout.write(text)
        sys.stdout.flush()


def _filter(session: Session, since: str, types: list[str]) -> Callable[[ev.Event], bool]:
    from fnmatch import fnmatchcase

    after = _since(session, since) if since else None

    def wanted(event: ev.Event) -> bool:
        new = after is None or (event.seq > after if isinstance(after, int) else event.at >= after)
        return new and (not types or any(fnmatchcase(event.type, pattern) for pattern in types))

    return wanted


def _since(session: Session, text: str) -> int | str:
    """A sequence number, or the earliest instant as events write it."""
    if text.isdigit():
        return int(text)
    with contextlib.suppress(ValueError):  # it is no duration: then it is an instant, or a mistake
        return format_at(session.services.clock.now_us() - parse_duration_ms(text) * 1000)
    try:
        return format_at(parse_at(text))
    except ValueError as exc:
        raise errors.UsageError(
            f"--since {text!r} is no number of an event, no duration and no time with an offset from UTC",
            code="bad-since",
            hint="write it like 42, 10m or 2026-11-22T09:15:30Z",
        ) from exc
