"""SQL of a plan: parsed, checked against what is allowed, and written anew from the checked tree.

What is executed is never the text of the plan. It is generated from the tree that was checked, with the table in the
one schema of the database, and every text and parameter in it bound as a value.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from nofx_cli.domain.ids import JsonValue
from nofx_cli.handlers.database.inputs import is_name
from nofx_cli.handlers.database.sql_denied import denied
from nofx_cli.handlers.database.sql_nodes import ARGUMENTS, CONSTRUCTS, DDL_NODES, NODES, TYPES
from nofx_cli.handlers.database.sql_where import constrains
from nofx_cli.handlers.database.statement import Dialect, Statement, plain
from nofx_cli.handlers.database.where import Bound

if TYPE_CHECKING:
    from sqlglot import exp

_LONGEST = 100_000
_MARK = re.compile(r"%\(nofx(\d+)\)s|:nofx(\d+)\b")
_KINDS = {"Update": "update", "Delete": "delete", "Insert": "insert"}
_DDL_KINDS = {"Create": ("TABLE", "INDEX"), "Alter": ("TABLE",), "Drop": ("TABLE",)}


def statement_of_sql(
    sql: str, params: Mapping[str, JsonValue], *, dialect: Dialect, schema: str, ddl: bool
) -> Statement:
    """Check one statement, and build from its tree what is executed.

    Args:
        ddl: whether the policy may allow changes of tables; the caller asks it about the statement that comes out.

    Raises:
        errors.Denied: a rule of this module denies it (code `sql-denied`; the context names the rule).
    """
    tree = parsed(sql, dialect)
    operation = _operation(tree, ddl=ddl)
    _check_nodes(tree, {**NODES, **DDL_NODES} if operation == "ddl" else NODES)
    tables = _qualified(tree, dialect=dialect, schema=schema)
    target = _target(tree)
    if operation in ("update", "delete"):
        _check_where(tree)
    values = _bound(tree, params, keep_texts=operation == "ddl")
    reads = tuple(name for name in dict.fromkeys(tables) if name != target)
    columns = tuple(dict.fromkeys(_columns(tree))) if operation != "ddl" else ()
    changes = (_text(tree, dialect, values),)
    touched, counted = _beforehand(tree, operation, dialect, values)
    return Statement(
        operation, target, changes, reads=reads, columns=columns, touched=touched, counted=counted,
        rows=_rows(tree, operation), by_sql=True,
    )  # fmt: skip


def parsed(sql: str, dialect: Dialect) -> "exp.Expr":
    """The tree of the one statement that the text has."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # what it warns of is denied here
    if len(sql) > _LONGEST or "\0" in sql:
        raise denied("not-parsed", "the statement is too long, or has a NUL character in it")
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect=dialect) if tree is not None]
    except (SqlglotError, RecursionError) as exc:
        why = re.sub(r"\x1b\[[0-9;]*m", "", str(exc)).splitlines()[0] if str(exc) else "it is nested too deeply"
        raise denied("not-parsed", f"the statement cannot be parsed: {why}") from exc
    trees = [tree for tree in trees if type(tree).__name__ != "Semicolon"]
    if len(trees) != 1:
        raise denied("one-statement", f"there are {len(trees)} statements")
    return trees[0]


def _operation(tree: "exp.Expr", *, ddl: bool) -> str:
    name = type(tree).__name__
    if name in _KINDS:
        return _KINDS[name]
    if name in ("Create", "Alter", "Drop", "TruncateTable"):
        kind = str(tree.args.get("kind") or "TABLE").upper()
        if not ddl or kind not in _DDL_KINDS.get(name, ()):
            raise denied("ddl", f"it is {name.upper()} {kind}, which changes tables and not rows")
        return "ddl"
    for construct in ("With", "with_"):
        if tree.args.get(construct.lower()):
            raise denied("with", "it begins with WITH")
    if name in CONSTRUCTS and CONSTRUCTS[name] != "command":
        raise denied(CONSTRUCTS[name], f"it is {name.upper()}")
    raise denied("command", f"it is {str(tree.this).upper() if name == 'Command' else name.upper()}")


def _check_nodes(tree: "exp.Expr", allowed: Mapping[str, frozenset[str]]) -> None:
    """Every node is of a kind that is allowed, and has only arguments that are."""
    from sqlglot import exp

    for node in tree.walk():
        name = type(node).__name__
        if name not in allowed:
            rule = CONSTRUCTS.get(name, "function" if isinstance(node, exp.Func) else "expression")
            said = node.name if name == "Anonymous" else name
            raise denied(rule, f"it has {said}, which is not allowed")
        for argument, value in node.args.items():
            if value and argument not in allowed[name]:
                rule = ARGUMENTS.get(argument, "expression")
                raise denied(rule, f"its {name.upper()} has {argument.rstrip('_').upper()}, which is not allowed")
        _check_node(node)


def _check_node(node: "exp.Expr") -> None:
    from sqlglot import exp

    match node:
        case exp.Identifier() if not is_name(node.name):
            raise denied("identifier", f"{node.name!r} is no name that can be used")
        case exp.DataType() if getattr(node.this, "name", "") not in TYPES:
            raise denied("expression", f"the type {node.sql()} is not allowed")
        case exp.Table() if not isinstance(node.this, exp.Identifier):
            raise denied("function", "it takes rows of a function")
        case exp.Placeholder() if not isinstance(node.this, str) or not node.this:
            raise denied("parameter", "it has a parameter without a name")
        case exp.Literal() if not node.is_string and not re.fullmatch(r"[0-9]+([.][0-9]+)?", node.name):
            raise denied("expression", f"{node.name} is no number that can be used")
        case exp.Insert() if not isinstance(node.expression, exp.Values | exp.Select):
            raise denied("expression", "an INSERT has VALUES or one SELECT")
        case _:
            pass


def _qualified(tree: "exp.Expr", *, dialect: Dialect, schema: str) -> list[str]:
    """Set every table into the schema; their names as the database knows them."""
    from sqlglot import exp

    names = []
    for table in tree.find_all(exp.Table):
        there = _known_as(table.args.get("db"), dialect)
        if there and there != schema:
            raise denied("schema", f"{table.sql()} is in another schema than {schema}")
        name = _known_as(table.this, dialect)
        check_own(name)
        table.set("this", exp.to_identifier(name, quoted=True))
        if not isinstance(table.parent, exp.AlterRename):
            table.set("db", exp.to_identifier(schema, quoted=True))
        names.append(name)
    return names


def check_own(table: str) -> None:
    """The tables of nofx and of the database itself are not for plans."""
    folded = table.casefold()
    if folded == "nofx_effects" or folded.startswith(("sqlite_", "pg_")):
        raise denied("own-table", f"the table {table} is not for plans")


def _known_as(identifier: "exp.Expr | None", dialect: Dialect) -> str:
    """A name as the database has it: PostgreSQL makes those small that are not quoted."""
    if identifier is None:
        return ""
    is_folded = dialect == "postgres" and not identifier.args.get("quoted")
    return identifier.name.lower() if is_folded else identifier.name


def _target(tree: "exp.Expr") -> str:
    from sqlglot import exp

    target = next(iter(tree.args.get("tables") or ()), None) if isinstance(tree, exp.Drop) else tree.this
    found = target if isinstance(target, exp.Table) else target.find(exp.Table) if target is not None else None
    if found is None:
        raise denied("not-parsed", "it names no table")
    if isinstance(tree, exp.Drop) and len(tree.args.get("tables") or ()) > 1:
        raise denied("one-statement", "it names several tables")
    return str(found.name)


def _check_where(tree: "exp.Expr") -> None:
    from sqlglot import exp

    where = tree.args.get("where")
    if where is None:
        raise denied("where-required", f"its {type(tree).__name__.upper()} has no WHERE: that would be every row")
    alias = tree.this.alias_or_name if isinstance(tree.this, exp.Table) else ""
    if not constrains(where.this, alias):
        raise denied("where-always-true", "its WHERE does not depend on what the rows hold")


def _columns(tree: "exp.Expr") -> Iterator[str]:
    from sqlglot import exp

    yield from (column.name for column in tree.find_all(exp.Column) if not isinstance(column.this, exp.Star))
    for schema in tree.find_all(exp.Schema):
        yield from (name.name for name in schema.expressions if isinstance(name, exp.Identifier))


def _bound(tree: "exp.Expr", params: Mapping[str, JsonValue], *, keep_texts: bool) -> list[JsonValue]:
    """Set marks into the places of texts and parameters; the values, by the marks' numbers."""
    from sqlglot import exp

    values: list[JsonValue] = []
    used = set()
    for node in list(tree.find_all(exp.Literal, exp.Placeholder)):
        if isinstance(node, exp.Placeholder):
            if node.this not in params:
                raise denied("parameter", f"its parameter :{node.this} is not below `params`")
            used.add(node.this)
            value = plain(params[node.this])
        elif node.is_string and not keep_texts:
            value = node.name
        else:
            continue
        node.replace(exp.Placeholder(this=f"nofx{len(values)}"))
        values.append(value)
    if unused := sorted(params.keys() - used):
        raise denied("parameter", f"it does not use the parameter {unused[0]!r}")
    return values


def _text(tree: "exp.Expr", dialect: Dialect, values: list[JsonValue]) -> Bound:
    """The text of a tree, with `?` for its marks, and their values in that order."""
    text = tree.sql(dialect=dialect, comments=False)
    if "?" in text or ";" in text:
        raise denied("expression", "it has a character that cannot be told from a mark")
    order = [int(found.group(1) or found.group(2)) for found in _MARK.finditer(text)]
    return Bound(_MARK.sub("?", text), tuple(values[number] for number in order))


def _beforehand(
    tree: "exp.Expr", operation: str, dialect: Dialect, values: list[JsonValue]
) -> tuple[tuple[Bound, ...], tuple[Bound, ...]]:
    """What selects the rows that are there, and what counts those that are written."""
    from sqlglot import exp

    if operation == "insert":
        if not isinstance(tree.expression, exp.Select):
            return (), ()
        source = exp.Subquery(this=tree.expression.copy(), alias=exp.TableAlias(this=exp.to_identifier("found")))
        return (), (_text(exp.select(exp.Count(this=exp.Star())).from_(source), dialect, values),)
    table: exp.Expr | None = tree.this
    if operation == "ddl":
        table = next(iter(tree.args.get("tables") or ()), None) if isinstance(tree, exp.Drop) else table
        if not (isinstance(tree, exp.Drop) or tree.find(exp.Drop)):
            return (), ()
    assert isinstance(table, exp.Table)
    found = exp.select("*").from_(table.copy())
    if where := tree.args.get("where"):
        found.set("where", where.copy())
    count = found.copy()
    count.set("expressions", [exp.Count(this=exp.Star())])
    return (_text(found, dialect, values),), (_text(count, dialect, values),)


def _rows(tree: "exp.Expr", operation: str) -> int | None:
    """How many rows are written, where the text says so by itself."""
    from sqlglot import exp

    if operation == "insert" and isinstance(tree.expression, exp.Values):
        return len(tree.expression.expressions)
    return 0 if operation == "ddl" and not (isinstance(tree, exp.Drop) or tree.find(exp.Drop)) else None
