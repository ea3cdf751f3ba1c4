"""A bench for gates: a workspace of some files, scripts in the place of programs, and what came of a gate."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from nofx_cli.domain.outcome import Failed, GateEvaluation, Outcome, Succeeded
from nofx_cli.handlers.gates.gate import GateHandler
from nofx_cli.handlers.registry import BUILT_INS
from nofx_cli.testing import FakeContext


def cells(table: str) -> Iterator[tuple[str, str, str]]:
    """Row, column and content of each cell of a table of which rows and columns have names."""
    header, *rows = ([cell.strip() for cell in line.split("|")] for line in table.strip().splitlines())
    for row in rows:
        yield from ((row[0], condition, cell) for condition, cell in zip(header[1:], row[1:], strict=True))


def handler(gate: str) -> GateHandler:
    """The built-in gate of a name, such as `lint`."""
    module, _, attribute = BUILT_INS[f"gate:{gate}"].partition(":")
    found = getattr(import_module(module), attribute)
    assert isinstance(found, GateHandler)
    return found


def write(ctx: FakeContext, files: Mapping[str, str | bytes]) -> None:
    """Write files into the workspace; the folders that they need are made."""
    for name, content in files.items():
        path = ctx.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def stand_in(ctx: FakeContext, name: str, script: str) -> Path:
    """Put a shell script where the project's own program would be."""
    program = ctx.workspace / ".venv/bin" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def run_gate(ctx: FakeContext, gate: GateHandler, tool: str) -> Outcome:
    """Run it; nothing in the workspace may be another than before."""
    ctx.tool = tool
    before = _contents(ctx.workspace)
    outcome = gate.run(ctx)
    assert _contents(ctx.workspace) == before, "a gate leaves nothing behind and changes nothing"
    return outcome


def evaluation(outcome: Outcome) -> GateEvaluation:
    """What a gate says; it succeeds only by a pass."""
    assert isinstance(outcome, Succeeded | Failed)
    assert outcome.gate is not None
    assert isinstance(outcome, Succeeded) == (outcome.gate.verdict == "passed")
    return outcome.gate


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}
