"""Databases that steps may change, as `nofx.yaml` names them, and which changes of them ask a person. Only data."""

from enum import StrEnum

from nofx_cli.domain.record import record

SAFE_CHANGES = frozenset({"insert"})
"""What adds and takes nothing away; every other change is dangerous."""


class DatabaseApproval(StrEnum):
    """Which changes of databases ask a person first."""

    NONE = "none"
    DANGEROUS = "dangerous"
    """All that may replace or take away what is there: every change but an insert that is written as data."""
    ALL = "all"


_STRICTNESS = tuple(DatabaseApproval)


@record
class AsksFor:
    """What one level says of it, and where: `nofx.yaml:12`."""

    approval: DatabaseApproval
    source: str = ""

    def asks_for(self, operation: str) -> bool:
        """Whether such a change asks a person."""
        if self.approval is DatabaseApproval.DANGEROUS:
            return operation not in SAFE_CHANGES
        return self.approval is DatabaseApproval.ALL


DEFAULT_APPROVAL = AsksFor(DatabaseApproval.DANGEROUS)
"""Of the project, where it says nothing: plan and step can only be stricter."""


def strictest(project: AsksFor | None, plan: AsksFor | None, step: AsksFor | None) -> AsksFor:
    """The strictest of what the three levels say; of equal ones the widest level's."""
    said = [one for one in (project or DEFAULT_APPROVAL, plan, step) if one is not None]
    return max(said, key=lambda one: _STRICTNESS.index(one.approval))


@record
class DatabaseSpec:
    """A database as `nofx.yaml` has it; never a password.

    Attributes:
        url: `sqlite:<path>` (relative to the project), or `postgresql://user@host/name`; empty where a secret has it.
        url_secret: the secret that has the address, as `<scope>/<NAME>`.
        password_secret: the secret that has the password, likewise.
        schema: of PostgreSQL: where its tables are; no other schema can be reached.
        source: where it stands: `nofx.yaml:12`.
    """

    name: str
    url: str = ""
    url_secret: str = ""
    password_secret: str = ""
    schema: str = "public"
    source: str = ""
