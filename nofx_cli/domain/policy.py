"""What a run may use: rules at three levels, each of which can only narrow what the one before it leaves.

The levels are the project (`nofx.yaml`), the plan and the step. A thing is allowed where no rule of any level denies
it, and where every level that lists what it allows in that respect lists it too. A level that says nothing leaves
what is there. `safety.policy` decides; this module is only data.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from nofx_cli.domain.record import record


class Aspect(StrEnum):
    """In what respect rules hold. The values are the keys below `policy:`."""

    TOOLS = "tools"
    """Globs over the names of tools."""
    COMMANDS = "commands"
    """Patterns over the words of a command: `git status`, `pytest *`."""
    WRITE = "write"
    """Globs over paths below the workspace: `docs/**`."""
    ENV = "env"
    """Globs over the names of environment variables. Nothing is let through where no level allows it."""
    SECRETS = "secrets"
    """Globs over the names of secret scopes."""
    HOSTS = "hosts"
    """Host names, `*.example.org`, with a port where one is meant: `localhost:8080`."""
    TABLES = "tables"
    """Globs over the names of database tables."""
    OPERATIONS = "operations"
    """Operations on a database: insert, update, upsert, delete, select, sql, ddl."""


SAME_TOOL: Mapping[str, str] = {"gate:test": "gate:unit", "gate:unit": "gate:test"}
"""Other names of tools. What denies a tool by one name denies it by the other."""

DB_WRITE = "db_write"
"""The tool that changes databases."""
NEVER_BY_DEFAULT = frozenset({"sql", "ddl"})
"""Operations on databases that are denied unless project or plan list them as allowed."""


@record
class Rule:
    """One pattern, and where it stands: `nofx.yaml:12`, `plans/release.yaml:7`."""

    pattern: str
    source: str = ""

    def __str__(self) -> str:
        return self.pattern


@record
class Rules:
    """What one level says in one respect. `allow` is None where the level does not list what it allows."""

    allow: tuple[Rule, ...] | None = None
    deny: tuple[Rule, ...] = ()
    source: str = ""
    """Where the list `allow` begins: what is named where none of its rules fits."""


Level: TypeAlias = Mapping[Aspect, Rules]
"""What one level says; a respect that it does not mention is not there."""


@record
class Sandbox:
    """How processes of a step are shut in.

    Attributes:
        network: whether they have the network; without it, not even the loopback of this machine.
        write: paths below the workspace that they may write; None leaves the whole workspace to them.
        optional: whether they may run without, where this machine cannot do it.
        source: where it stands.
    """

    network: bool = True
    write: tuple[str, ...] | None = None
    optional: bool = False
    source: str = ""
