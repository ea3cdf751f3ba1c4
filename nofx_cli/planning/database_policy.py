"""Reads `policy.database`: which changes of databases ask a person."""

from nofx_cli.domain.databases import AsksFor, DatabaseApproval
from nofx_cli.planning.kinds import Choice
from nofx_cli.planning.reading import Field, Found, table

DATABASE_POLICY = table(
    Field(
        "approval",
        Choice(*(one.value for one in reversed(DatabaseApproval))),
        "Which changes of databases ask a person first: `all`, the `dangerous` ones (all but inserts), or `none`. "
        "The strictest that nofx.yaml, plan and step say holds.",
        default="in nofx.yaml `dangerous`, else what is there",
    ),
)


def asks_for_of(policy: object, source: str) -> AsksFor | None:
    """What the `database:` of a `policy:` mapping says of approvals; `source` names the file."""
    said = policy.values.get("database") if isinstance(policy, Found) else None
    if not isinstance(said, Found) or not isinstance(said.values.get("approval"), str):
        return None
    line = said.nodes["approval"].start_mark.line + 1
    return AsksFor(DatabaseApproval(str(said.values["approval"])), f"{source}:{line}")
