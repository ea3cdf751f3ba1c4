"""What gates would run, for people and for programs."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nofx_cli.cli.output import columns, safe
from nofx_cli.domain.ids import JsonValue
from nofx_cli.engine.rehearse import Rehearsed


def lines(gates: Sequence[Rehearsed], *, project: Path) -> Iterator[str]:
    """A line for each program that a gate would run, or for why it runs none.

    Paths are told from the project; of a program that lies outside of it only the name.
    """
    rows = [(safe(gate.step), safe(gate.tool), safe(would)) for gate in gates for would in _would(gate, project)]
    yield from columns(rows, styles=[("", "dim", "")] * len(rows))


def as_json(gate: Rehearsed) -> dict[str, JsonValue]:
    """The fields that scripts rely on; a test pins them."""
    return {"step": gate.step, "tool": gate.tool, "would": gate.preview, "later": gate.later}


def _would(gate: Rehearsed, project: Path) -> Iterator[str]:
    if gate.later:
        yield f"known when it runs ({gate.later})"
        return
    shown = gate.preview if isinstance(gate.preview, Mapping) else {}
    programs = shown.get("programs")
    for one in programs.values() if isinstance(programs, Mapping) else (shown,):
        yield _program(one if isinstance(one, Mapping) else {}, project)


def _program(shown: Mapping[str, JsonValue], project: Path) -> str:
    argv = shown.get("argv")
    if isinstance(argv, Sequence) and argv:
        program, *words = (str(word).replace(f"{project}/", "") for word in argv)
        return " ".join([Path(program).name if program.startswith("/") else program, *map(_quoted, words)])
    return f"nothing: {shown.get('fault') or shown.get('error') or 'it does not say'}"


def _quoted(word: str) -> str:
    """As a shell would have to read it; what stands for the folder of the attempt stays legible."""
    return word if shlex.quote(word.replace("<scratch>", "")) == word.replace("<scratch>", "") else shlex.quote(word)
