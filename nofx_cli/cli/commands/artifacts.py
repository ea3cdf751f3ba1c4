"""`nofx artifacts`."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.completion import complete_artifact, complete_run, complete_step
from nofx_cli.cli.meant import run_and_step
from nofx_cli.cli.output import columns, note, out, out_json, safe
from nofx_cli.domain.ids import JsonValue
from nofx_cli.engine.kept_files import KeptFile, contents, find_kept_file, kept_files
from nofx_cli.engine.verify_run import file_state
from nofx_cli.engine.view_run import RunView
from nofx_cli.wiring.session import Session, open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_STYLES = {"ok": "green", "changed": "red", "gone": "red"}
_SHORT = 12


@app.command()
def artifacts(
    run: Annotated[
        str, typer.Argument(help="The run, or a step of the newest run.", autocompletion=complete_run)
    ] = "latest",
    step: Annotated[str, typer.Argument(help="Only of this step.", autocompletion=complete_step)] = "",
    name: Annotated[str, typer.Argument(help="Write this one out.", autocompletion=complete_artifact)] = "",
    *,
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file to write to; `-` is standard output.", metavar="FILE|-")
    ] = "-",
    attempt: Annotated[
        int,
        typer.Option(
            "--attempt",
            min=0,
            help="Of this attempt [default: all; to write one out, the last].",
            metavar="N",
            show_default=False,
        ),
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as one JSON array.")] = False,
) -> None:
    """List a run's artifacts and whether they still are what was kept; or write one out.

    One of an attempt that was rolled back is written out only where --attempt names it.
    An artifact that was changed since it was kept is not written out: exit code 5.
    """
    session = open_session()
    view, found = run_and_step(session, run, step)
    if name and found is not None:
        _write_out(session, view, find_kept_file(view, found, name, attempt=attempt), output)
        return
    listed = [kept for kept in kept_files(view, step=found) if attempt in (0, kept.attempt)]
    checked = [(kept, file_state(session.services, view.run, kept.artifact)) for kept in listed]
    if as_json:
        out_json([_json(view, kept, state) for kept, state in checked])
    elif checked:
        _tell(checked)
    else:
        note(f"run {view.run} has left no artifacts" if found is None else f"step {found} has left no artifacts")


def _tell(checked: Sequence[tuple[KeptFile, str]]) -> None:
    rows: list[tuple[str, ...]] = [("STEP", "TRY", "ARTIFACT", "BYTES", "TYPE", "SHA-256", "CHECK")]
    styles: list[tuple[str, ...]] = [("dim",) * 7]
    for kept, state in checked:
        file = kept.artifact
        told = f"{state}, rolled back" if kept.rolled_back else state
        row = (kept.step, str(kept.attempt), file.name, str(file.size), file.media_type, file.digest[:_SHORT], told)
        rows.append(tuple(safe(cell) for cell in row))
        styles.append(("", "", "bold", "", "", "", _STYLES[state]))
    for line in columns(rows, styles=styles):
        out(line)


def _json(view: RunView, kept: KeptFile, state: str) -> dict[str, JsonValue]:
    return {
        "run": view.run,
        "step": kept.step,
        "attempt": kept.attempt,
        "at": kept.at,
        "name": kept.artifact.name,
        "size": kept.artifact.size,
        "media_type": kept.artifact.media_type,
        "digest": kept.artifact.digest,
        "path": kept.artifact.path,
        "check": state,
        "rolled_back": kept.rolled_back,
    }


def _write_out(session: Session, view: RunView, kept: KeptFile, output: str) -> None:
    blocks = contents(session.services, view.run, kept)
    if output != "-":
        _write_file(Path(output), blocks)
        note(f"{kept.artifact.size} bytes written to {safe(output)}")
    elif sys.stdout.isatty():
        _show(kept, blocks)
    else:
        sys.stdout.flush()
        for block in blocks:
            sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()


def _write_file(target: Path, blocks: Iterable[bytes]) -> None:
    """Write beside the target and rename, so that it is there whole or not at all."""
    import os

    making = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with open(making, "wb") as file:
            file.writelines(blocks)
        making.replace(target)
    except OSError as exc:
        raise errors.UsageError(f"{target} cannot be written: {exc.strerror}", code="output-unwritable") from exc
    finally:
        making.unlink(missing_ok=True)


def _show(kept: KeptFile, blocks: Iterable[bytes]) -> None:
    """On a terminal: text, made harmless; anything else is refused."""
    data = b"".join(blocks)
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        raise errors.UsageError(
            f"{kept.artifact.name} is no text; it is not written to a terminal",
            code="binary-on-terminal",
            hint="-o FILE",
        ) from exc
    for line in text.removesuffix("\n").split("\n"):
        out(safe(line.removesuffix("\r")))
