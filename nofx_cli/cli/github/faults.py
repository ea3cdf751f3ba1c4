"""Faults of a plan as annotations, beside its lines."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from nofx_cli.cli.github.annotations import MOST, Annotation
from nofx_cli.cli.github.telling import folder_in_repository
from nofx_cli.cli.output import note, process_masker
from nofx_cli.errors import NofxError
from nofx_cli.safety.terminal_text import neutralise


def annotate_faults(error: NofxError, environ: Mapping[str, str]) -> None:
    """Print an annotation for each fault that the error names with its line, as many as GitHub shows; masked."""
    mask = process_masker().text
    for annotation in list(_annotations(error, environ.get("GITHUB_WORKSPACE", "")))[:MOST]:
        note(mask(str(annotation)))


def _annotations(error: NofxError, repository: str) -> Iterator[Annotation]:
    found = error.context.get("diagnostics")
    for fault in found if isinstance(found, list) else []:
        source, hint = fault["source"], fault["hint"]
        yield Annotation(
            "error",
            neutralise(fault["message"]) + (f"\n{neutralise(hint)}" if hint else ""),
            title=fault["code"],
            file=_place(source, repository) if os.path.isfile(source) else "",
            line=fault["line"],
            col=fault["column"],
        )


def _place(source: str, repository: str) -> str:
    """As GitHub names the file; as it is where it is outside of the checkout."""
    return neutralise(folder_in_repository(Path(source), repository) or source)
