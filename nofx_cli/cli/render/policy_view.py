"""What steps may use, for people and for programs."""

from collections.abc import Iterator, Mapping, Sequence

from nofx_cli.cli.output import columns, out, paint, safe
from nofx_cli.cli.render.limits_view import limits_json, limits_words, project_json, project_words
from nofx_cli.domain.databases import DatabaseApproval
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.policy import DB_WRITE, Sandbox
from nofx_cli.engine.explain_policy import Explained, Row

_ASKS: Mapping[DatabaseApproval, str] = {
    DatabaseApproval.ALL: "every change of a database asks a person",
    DatabaseApproval.DANGEROUS: "every change of a database but an insert asks a person",
    DatabaseApproval.NONE: "no change of a database asks a person",
}


def as_json(found: Explained) -> dict[str, JsonValue]:
    """The fields that scripts rely on; a test pins them."""
    return {
        "step": found.step,
        "tool": found.tool,
        "rules": [
            {
                "aspect": row.aspect,
                "says": row.says,
                "patterns": list(row.patterns),
                "source": row.source,
                "level": row.level,
            }
            for row in found.rows
        ],
        "unlimited": list(found.unlimited),
        "secrets_scope": list(found.secrets),
        "sandbox": _sandbox_json(found.sandbox),
        "denied": list(found.denied),
        "fault": found.fault,
        "budget": limits_json(found.budget),
        "run_budget": limits_json(found.run_budget),
        "project_budget": project_json(found.project_budget),
        "database_approval": {"approval": found.database_approval.approval, "source": found.database_approval.source},
    }


def tell(steps: Sequence[Explained]) -> None:
    """Print it, a paragraph a step."""
    spending = [safe(line) for line in spending_lines(steps)]
    for line in spending:
        out(line)
    for place, found in enumerate(steps):
        if place or spending:
            out()
        out(f"{paint(found.step, 'bold')}  {safe(found.tool)}")
        for line in lines(found):
            out(f"  {line}")


def spending_lines(steps: Sequence[Explained]) -> Iterator[str]:
    """What a run, and all runs together, may spend; nothing where that is not limited."""
    for found in steps[:1]:
        if words := limits_words(found.run_budget):
            yield f"budget: {words}"
        if words := project_words(found.project_budget):
            yield f"budget of all runs: {words}"


def lines(found: Explained) -> Iterator[str]:
    """The lines of one step, without its name."""
    if found.fault:
        yield paint(f"nothing is allowed: {safe(found.fault)}", "red")
    for message in found.denied:
        yield paint(f"denied: {safe(message)}", "red")
    if words := limits_words(found.budget):
        yield f"budget: {safe(words)}"
    rows = [(row.aspect, _says(row), row.source or row.level) for row in found.rows]
    if found.secrets:
        rows.append(("has", f"secrets of {', '.join(found.secrets)}", ""))
    if found.tool == DB_WRITE:
        asks = found.database_approval
        rows.append(("approval", _ASKS[asks.approval], asks.source or "nofx"))
    if found.sandbox:
        rows.append(("sandbox", _sandbox_words(found.sandbox), found.sandbox.source))
    yield from columns([tuple(map(safe, row)) for row in rows], styles=[("", "", "dim")] * len(rows))
    if found.unlimited:
        yield paint(f"no rule on {', '.join(found.unlimited)}", "dim")


def _says(row: Row) -> str:
    listed = ", ".join(row.patterns) or "nothing"
    return f"only {listed}" if row.says == "allow" else f"never {listed}"


def _sandbox_words(sandbox: Sandbox) -> str:
    network = "the network" if sandbox.network else "no network"
    write = "the whole workspace" if sandbox.write is None else ", ".join(sandbox.write) or "nothing"
    optional = "; goes without where the machine cannot" if sandbox.optional else ""
    return f"{network}, writes {write}{optional}"


def _sandbox_json(sandbox: Sandbox | None) -> JsonValue:
    if sandbox is None:
        return None
    return {
        "network": sandbox.network,
        "write": None if sandbox.write is None else list(sandbox.write),
        "optional": sandbox.optional,
        "source": sandbox.source,
    }
