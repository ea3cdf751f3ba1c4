"""The parts of plans and of `nofx.yaml` that say what is allowed: policy, sandbox, scopes of secrets."""

from collections.abc import Mapping
from typing import Any

from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.policy import Aspect, Level, Rule, Rules, Sandbox
from nofx_cli.domain.record import record
from nofx_cli.planning.budgets import POLICY_BUDGET
from nofx_cli.planning.database_policy import DATABASE_POLICY
from nofx_cli.planning.kinds import Choice, Flag, Later, Text
from nofx_cli.planning.nodes import SEQ, Node
from nofx_cli.planning.reading import BAD, Bad, Field, Found, Kind, Reading, table
from nofx_cli.planning.structures import Either, ListOf, Record

OPERATIONS = ("select", "insert", "update", "upsert", "delete", "sql", "ddl")
BELOW = r"(?!/)(?!(.*/)?\.\.(/|$)).+"
"""A path or glob below the workspace, as a regular expression."""


@record
class Listed:
    """A list of rules, and where it begins."""

    rules: tuple[Rule, ...]
    source: str


class RuleList:
    """A list of globs or other patterns, each kept with its line."""

    label = "a list of globs"

    def __init__(self, item: Kind) -> None:
        self.item = item
        self._list = ListOf(item, self.label)

    def read(self, node: Node, reading: Reading) -> Listed | Bad:
        if node.id != "sequence" or node.tag != SEQ:
            self._list.read(node, reading)  # tells what is wrong with it
            return BAD
        rules = []
        for item in node.value:
            pattern = self.item.read(item, reading)
            if isinstance(pattern, str):
                rules.append(Rule(pattern, place_of(item, reading)))
        return Listed(tuple(rules), place_of(node, reading))

    def schema(self) -> JsonObject:
        return self._list.schema()


class Command(Text):
    """A pattern over the words of a command."""

    def read(self, node: Node, reading: Reading) -> str | Bad:
        import shlex

        text = super().read(node, reading)
        if isinstance(text, str):
            try:
                shlex.split(text)
            except ValueError as exc:
                return reading.bad_value(node, f"{reading.what()}: the words cannot be told apart: {exc}")
        return text


COMMAND = Either(ListOf(Text("text", may_be_empty=True), "a list of words", may_be_empty=False), Command("a command"))
"""The command of something that `nofx.yaml` declares."""


def words_of(value: object) -> tuple[str, ...]:
    """The words of a `COMMAND`, in its short or its long form."""
    if isinstance(value, str):
        import shlex

        return tuple(shlex.split(value))
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def place_of(node: Node, reading: Reading) -> str:
    """Where a value stands: `nofx.yaml:12`."""
    return f"{reading.report.source}:{node.start_mark.line + 1}"


_BELOW = Text("a glob below the workspace", pattern=BELOW, form="a relative path without `..`")
GLOB = Text("a glob such as `gate:*`")
_KINDS: Mapping[Aspect, tuple[Kind, str, str, str]] = {
    Aspect.TOOLS: (GLOB, "Globs of the tools that steps may use.", "every tool", "Which tools steps may use."),
    Aspect.COMMANDS: (
        Command("the words of a command, such as `git status` or `pytest *`"),
        "The commands that steps may run: each word a glob, a last `*` for any further words.",
        "every command",
        "Which commands steps may run.",
    ),
    Aspect.WRITE: (
        _BELOW,
        "Globs of the paths that steps may write: `docs/**`; never `.git`, `nofx.yaml`, `nofx_handlers` and the store.",
        "the whole workspace",
        "Where steps may write.",
    ),
    Aspect.ENV: (
        GLOB,
        "Globs of the environment variables that steps see besides the usual few.",
        "none",
        "Which environment variables steps see.",
    ),
    Aspect.SECRETS: (
        Text("the name of a scope of secrets, or a glob"),
        "Globs of the scopes of secrets that steps may have.",
        "every scope",
        "Which secrets steps may have.",
    ),
    Aspect.HOSTS: (
        Text("a host such as `api.example.org` or `*.example.org:8443`"),
        "The hosts that steps may reach with tools that make requests.",
        "every host",
        "Which hosts steps may reach.",
    ),
    Aspect.TABLES: (
        Text("the name of a table, or a glob"),
        "Globs of the database tables that steps may touch.",
        "every table",
        "Which database tables steps may touch.",
    ),
    Aspect.OPERATIONS: (
        Choice(*OPERATIONS),
        "The operations on databases that steps may do.",
        "every operation",
        "What steps may do to databases.",
    ),
}
RULES = {
    aspect: table(
        Field("allow", RuleList(kind), what, default=default),
        Field("deny", RuleList(kind), "The same, denied; it wins over `allow`.", default="none"),
    )
    for aspect, (kind, what, default, _) in _KINDS.items()
}
POLICY = table(
    *(Field(aspect.value, Record(RULES[aspect]), about) for aspect, (_, _, _, about) in _KINDS.items()),
    Field("budget", Record(POLICY_BUDGET), "What runs, or in a step the step, may spend at most."),
    Field("database", Record(DATABASE_POLICY), "When a change of a database asks a person."),
    Field("models", Later(), "Which models steps may use."),
    Field("read", Later("a `sandbox` shuts a step's processes in"), "What steps may read."),
    Field("network", Later("`sandbox: {network: none}` takes the network away"), "Whether steps have the network."),
)
SANDBOX = table(
    Field("network", Choice("none", "host"), "Whether its processes have the network: `none` or `host`.",
          default="host"),
    Field(
        "write",
        ListOf(_BELOW, "a list of folders (`x/**`) and files"),
        "What its processes may write in the workspace: folders (`build/**`) and files that are there; all else is "
        "read-only for them.",
        default="the whole workspace",
    ),
    Field("optional", Flag(), "Whether they may run without it where this machine cannot do it.", default="false"),
)  # fmt: skip


def name_of(what: str) -> Text:
    """The name of something that `nofx.yaml` declares."""
    return Text(
        f"the name of {what}",
        pattern="[A-Za-z_][A-Za-z0-9_.-]{0,63}",
        form="letters, digits, `_`, `.` and `-`, at most 64, not a digit first",
        code="plan-bad-name",
    )


SCOPE = name_of("a scope of secrets")
SCOPES = Either(ListOf(SCOPE, "a list of scopes"), SCOPE)


def level_of(found: object) -> Level:
    """The rules of a `policy:` mapping."""
    if not isinstance(found, Found):
        return {}
    return {aspect: _rules(found.values[aspect.value]) for aspect in Aspect if aspect.value in found.values}


def with_allowed(level: Level, aspect: Aspect, listed: object) -> Level:
    """The level with another list of what is allowed in one respect; what it says there already is kept beside."""
    if not isinstance(listed, Listed):
        return level
    there = level.get(aspect, Rules())
    return {**level, aspect: Rules(listed.rules, there.deny, listed.source)}


def sandbox_of(found: object, source: str) -> Sandbox | None:
    """What a `sandbox:` mapping says; None where there is none."""
    if not isinstance(found, Found):
        return None
    values: Mapping[str, Any] = found.values
    write = values.get("write")
    return Sandbox(values.get("network", "host") == "host", write, values.get("optional", False), source)


def scopes_of(value: object) -> tuple[str, ...]:
    """The scopes of a `secrets_scope:`."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, tuple) else ()


def _rules(found: object) -> Rules:
    values: Mapping[str, Any] = found.values if isinstance(found, Found) else {}
    allow, deny = values.get("allow"), values.get("deny")
    return Rules(
        allow.rules if isinstance(allow, Listed) else None,
        deny.rules if isinstance(deny, Listed) else (),
        allow.source if isinstance(allow, Listed) else "",
    )
