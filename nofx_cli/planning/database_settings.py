"""Reads `databases:` of `nofx.yaml`. No password is read here, and none is told."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from nofx_cli.domain.databases import DatabaseSpec
from nofx_cli.domain.ids import JsonObject
from nofx_cli.planning.kinds import Text
from nofx_cli.planning.mistaken_secrets import names_secret
from nofx_cli.planning.nodes import STR, Node
from nofx_cli.planning.reading import Bad, Field, Reading, table
from nofx_cli.planning.report import quoted
from nofx_cli.planning.rules import name_of, place_of
from nofx_cli.planning.structures import Declared, Entry

BY_NAME = "[A-Za-z_][A-Za-z0-9_.-]{0,63}/[A-Za-z_][A-Za-z0-9_]*"
"""`<scope>/<NAME>` of a secret, as a regular expression."""
_URL_FORM = "(sqlite:.+|postgres(ql)?://.+)"
_WITH_PASSWORD = re.compile("//[^/?#@]*:[^/?#]*@|[?&]password=")


class DatabaseUrl:
    """The address of a database, in which no password stands, or the secret that has it."""

    label = "sqlite:<path>, postgresql://user@host/name, or `<scope>/<NAME>` of a secret"

    def read(self, node: Node, reading: Reading) -> str | Bad:
        text = node.value.strip() if node.id == "scalar" and node.tag == STR else ""
        if _WITH_PASSWORD.search(text):
            hint = "declare the password below `secrets`, and name that: password: <scope>/<NAME>"
            return reading.bad_value(node, f"{reading.what()} has a password in it", hint=hint)
        if re.fullmatch(_URL_FORM, text) or re.fullmatch(BY_NAME, text):
            return str(text)
        return reading.bad_value(node, f"{reading.what()} takes {self.label}")

    def schema(self) -> JsonObject:
        return {"type": "string", "pattern": f"^({_URL_FORM}|{BY_NAME})$"}


class SecretName:
    """A secret by its scope and name. What looks like a password itself is refused, and not told."""

    label = "`<scope>/<NAME>` of a secret"

    def read(self, node: Node, reading: Reading) -> str | Bad:
        text = node.value if node.id == "scalar" and node.tag == STR else ""
        if re.fullmatch(BY_NAME, text):
            return str(text)
        hint = "a password itself does not belong here: declare it below `secrets`"
        return reading.bad_value(node, f"{reading.what()} takes {self.label}", hint=hint)

    def schema(self) -> JsonObject:
        return {"type": "string", "pattern": f"^{BY_NAME}$"}


DATABASE = table(
    Field("url", DatabaseUrl(), "Where it is: `sqlite:<path>`, relative to the project, `postgresql://user@host/name` "
          "without a password, or `<scope>/<NAME>` of the secret that has such an address.", required=True),
    Field("password", SecretName(), "Which secret holds its password: `<scope>/<NAME>` below `secrets`.",
          default="none"),
    Field("schema", Text("the name of a schema", pattern=r"[A-Za-z_][A-Za-z0-9_]{0,62}", form="letters, digits, `_`"),
          "Of PostgreSQL: the one schema whose tables can be reached.", default="public"),
)  # fmt: skip
DATABASES = Declared(DATABASE, name_of("a database"), "database")


def databases_of(
    entries: Sequence[Entry], secrets: frozenset[str] | None, reading: Reading
) -> Mapping[str, DatabaseSpec]:
    """What a `databases:` says, by name; what does not fit together is told.

    Args:
        secrets: what is declared, each as `<scope>/<NAME>`; None where that is not known.
    """
    return {entry.name: _database(entry, secrets, reading) for entry in entries}


def _database(entry: Entry, secrets: frozenset[str] | None, reading: Reading) -> DatabaseSpec:
    values: Mapping[str, Any] = entry.found.values
    url, password = values.get("url", ""), values.get("password", "")
    by_secret = bool(re.fullmatch(BY_NAME, url))
    for name, said in (("url", url if by_secret else ""), ("password", password)):
        if said and secrets is not None and said not in secrets:
            what = f"`{name}` of database {quoted(entry.name)}"
            _tell_undeclared(said, secrets, what, entry.found.nodes[name], reading)
    return DatabaseSpec(
        entry.name,
        url="" if by_secret else url,
        url_secret=url if by_secret else "",
        password_secret=password,
        schema=values.get("schema", "public"),
        source=place_of(entry.node, reading),
    )


def _tell_undeclared(said: str, secrets: frozenset[str], what: str, node: Node, reading: Reading) -> None:
    if not names_secret(said):
        reading.bad_value(node, f"{what} is no secret that `secrets` declares", hint="declare it there")
        return
    scope, _, name = said.partition("/")
    hint = reading.report.near(said, secrets) or f"declare it: secrets: {{{scope}: {{{name}: {{env: {name}}}}}}}"
    reading.bad_value(node, f"{what} is {quoted(said)}, which `secrets` does not declare", hint=hint)
