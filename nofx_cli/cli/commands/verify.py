"""`nofx verify`."""

from collections.abc import Iterator
from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.completion import complete_run
from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import note, out, out_json, paint, safe
from nofx_cli.domain.ids import JsonValue, RunId
from nofx_cli.engine.verify_run import RunVerification, parse_head, verify_run
from nofx_cli.wiring.session import Session, open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def verify(
    runs: Annotated[
        list[str] | None, typer.Argument(help="The runs [default: latest].", autocompletion=complete_run)
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All runs of the store.")] = False,
    expect_head: Annotated[
        str,
        typer.Option(
            help="A head that was noted elsewhere, as this command prints it; for one run.",
            metavar="SEQ:DIGEST|DIGEST",
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Prove that what a run has on record was not touched: journal, plan, artifacts, and what people were shown.

    A changed, dropped, inserted or swapped event is told with its sequence number; exit code 1. Events that were cut
    off the end, and a change of the very last one, show only against a head that was noted elsewhere: note the
    SEQ:DIGEST printed here, and give it back with --expect-head.
    """
    expected = parse_head(expect_head) if expect_head else None
    session = open_session()
    chosen = list(_chosen(session, runs or [], every=every))
    if expected is not None and len(chosen) != 1:
        raise errors.UsageError("--expect-head is for one run", hint="nofx verify RUN --expect-head SEQ:DIGEST")
    found = [verify_run(session.services, run, expected=expected) for run in chosen]
    sound = all(verified.ok for verified in found)
    if as_json:
        out_json({"ok": sound, "runs": [_json(verified) for verified in found]})
    else:
        for verified in found:
            _tell(verified)
        if not found:
            note("there is no run yet")
    if not sound:
        raise typer.Exit(errors.ExitCode.RUN_FAILED)


def _chosen(session: Session, runs: list[str], *, every: bool) -> Iterator[RunId]:
    if every and runs:
        raise errors.UsageError("--all leaves nothing to name", hint="give either runs or --all")
    if every:
        yield from session.services.store.runs()
        return
    yield from dict.fromkeys(session.find(run) for run in runs or ["latest"])


def _tell(verified: RunVerification) -> None:
    files = f", {verified.files} files" if verified.files else ""
    if verified.ok:
        out(f"{paint('ok', 'green')}    {verified.run}  {verified.events} events{files}  {_head(verified)}")
    else:
        out(f"{paint('fault', 'red')} {verified.run}  {verified.events} events{files}")
    for fault in sorted(verified.faults, key=lambda found: found.seq):
        out(f"  event {fault.seq}: {fault.code}: {safe(fault.message)}")
    if verified.torn_lines:
        note(
            f"  {verified.run} ends in a torn batch, behind event {verified.events}: a process died while it wrote; "
            f"nothing of it counts, and the next one cuts it off: nofx resume {verified.run}"
        )


def _head(verified: RunVerification) -> str:
    return f"{verified.head.seq}:{verified.head.digest}"


def _json(verified: RunVerification) -> dict[str, JsonValue]:
    return {
        "run": verified.run,
        "ok": verified.ok,
        "events": verified.events,
        "files": verified.files,
        "head": {"seq": verified.head.seq, "digest": verified.head.digest},
        "torn": bool(verified.torn_lines),
        "faults": [{"seq": fault.seq, "code": fault.code, "message": fault.message} for fault in verified.faults],
    }
