"""How SQL is denied: by the name of a rule, and a sentence that says what to write instead."""

from collections.abc import Mapping

from nofx_cli import errors

RULES: Mapping[str, str] = {
    "not-parsed": "write it in the language of the database, or the change as data: insert, update, upsert, delete",
    "one-statement": "write one statement a step",
    "command": "only INSERT, UPDATE and DELETE are executed",
    "ddl": "changes of tables need `policy: {operations: {allow: [ddl, …]}}`, and a form that nofx knows",
    "where-required": "add a WHERE that says which rows",
    "where-always-true": "say which rows by what their columns hold",
    "with": "take the WITH apart: one statement a step",
    "set-operation": "take the queries apart",
    "join": "use `IN (SELECT …)`",
    "returning": "take RETURNING away: `nofx artifacts` has what the rows were",
    "on-conflict": "write it as `upsert:`",
    "function": "nofx allows only functions that compute",
    "expression": "write it in simpler terms",
    "schema": "the schema is set in nofx.yaml, below `databases`",
    "own-table": "nofx keeps account in it",
    "identifier": "a name has letters, digits, `_`, `-` and blanks, at most 63, a letter or `_` first",
    "parameter": "write values as `:name`, each of them below `params`",
    "cascade": "take CASCADE away",
    "table-not-found": "only tables that are there can be changed, no views",
    "column-not-found": "name columns that the tables have",
}
"""Every rule, and what mends it."""


def denied(rule: str, message: str) -> errors.Denied:
    """An error that says which rule denies a statement."""
    assert rule in RULES, rule
    return errors.Denied(f"{message} (rule {rule})", code="sql-denied", hint=RULES[rule], context={"rule": rule})
