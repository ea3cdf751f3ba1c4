"""What SQL of a plan may be made of: kinds of nodes, and of each the arguments. What does not stand here is denied.

The names are those of the classes of sqlglot's tree; of a node, arguments that are not listed must be absent or false.
"""

from collections.abc import Mapping

_TWO = frozenset({"this", "expression"})
_ONE = frozenset({"this"})

NODES: Mapping[str, frozenset[str]] = {
    # statements
    "Update": frozenset({"this", "expressions", "where"}),
    "Delete": frozenset({"this", "where"}),
    "Insert": _TWO,
    "Values": frozenset({"expressions"}),
    "Tuple": frozenset({"expressions"}),
    "Schema": frozenset({"this", "expressions"}),
    "Table": frozenset({"this", "db", "alias"}),
    "TableAlias": _ONE,
    "Where": _ONE,
    # queries
    "Select": frozenset({"expressions", "from_", "from", "where"}),
    "From": _ONE,
    "Subquery": _ONE,
    "Exists": _ONE,
    "Star": frozenset(),
    "Alias": frozenset({"this", "alias"}),
    "Count": frozenset({"this", "big_int"}),
    **dict.fromkeys(("Max", "Min", "Sum", "Avg"), _ONE),
    # names and values
    "Identifier": frozenset({"this", "quoted"}),
    "Column": frozenset({"this", "table"}),
    "Literal": frozenset({"this", "is_string"}),
    "Placeholder": _ONE,
    "Null": frozenset(),
    "Boolean": _ONE,
    # conditions
    **dict.fromkeys(("And", "Or", "EQ", "NEQ", "GT", "GTE", "LT", "LTE", "Like", "ILike"), _TWO),
    **dict.fromkeys(("NullSafeEQ", "NullSafeNEQ"), _TWO),
    "Is": frozenset({"this", "expression", "negate"}),
    "Not": _ONE,
    "Paren": _ONE,
    "In": frozenset({"this", "expressions", "query"}),
    "Between": frozenset({"this", "low", "high"}),
    # what is computed
    **dict.fromkeys(("Add", "Sub", "Mul", "Mod"), _TWO),
    "Div": frozenset({"this", "expression", "typed", "safe"}),
    "Neg": _ONE,
    "DPipe": frozenset({"this", "expression", "safe"}),
    "Case": frozenset({"this", "ifs", "default"}),
    "If": frozenset({"this", "true"}),
    "Cast": frozenset({"this", "to"}),
    "DataType": frozenset({"this", "expressions"}),
    "DataTypeParam": _ONE,
    "Coalesce": frozenset({"this", "expressions"}),
    "Nullif": _TWO,
    **dict.fromkeys(("Lower", "Upper", "Trim", "Length", "Abs"), _ONE),
    "Round": frozenset({"this", "decimals"}),
    "Substring": frozenset({"this", "start", "length"}),
    "Replace": frozenset({"this", "expression", "replacement"}),
    **dict.fromkeys(("CurrentTimestamp", "CurrentDate", "CurrentTime"), frozenset[str]()),
}
DDL_NODES: Mapping[str, frozenset[str]] = {
    "Create": frozenset({"this", "kind", "exists", "unique"}),
    "Alter": frozenset({"this", "kind", "actions"}),
    "Drop": frozenset({"this", "tables", "kind", "exists"}),
    "ColumnDef": frozenset({"this", "kind", "constraints"}),
    "ColumnConstraint": frozenset({"kind"}),
    "NotNullColumnConstraint": frozenset({"allow_null"}),
    "PrimaryKeyColumnConstraint": frozenset({"include"}),
    "UniqueColumnConstraint": frozenset({"this", "include"}),
    "DefaultColumnConstraint": _ONE,
    "PrimaryKey": frozenset({"expressions", "include"}),
    "Index": frozenset({"this", "table", "params"}),
    "IndexParameters": frozenset({"columns"}),
    "Ordered": frozenset({"this", "nulls_first", "desc"}),
    "RenameColumn": frozenset({"this", "to"}),
    "AlterRename": _ONE,
}
"""What is added to that where the policy allows `ddl`."""
TYPES = frozenset({
    *("INT", "BIGINT", "SMALLINT", "TEXT", "VARCHAR", "CHAR", "BOOLEAN", "DECIMAL", "DOUBLE", "FLOAT", "DATE"),
    *("TIMESTAMP", "TIMESTAMPTZ", "TIME", "UUID", "JSON", "JSONB"),
})  # fmt: skip
"""The types that a value may be cast to, and a column may have."""
CONSTRUCTS: Mapping[str, str] = {
    "With": "with", "CTE": "with", "Union": "set-operation", "Intersect": "set-operation", "Except": "set-operation",
    "Returning": "returning", "OnConflict": "on-conflict", "Join": "join", "Lateral": "join", "Window": "function",
    "Anonymous": "function", "AnonymousAggFunc": "function", "Parameter": "parameter", "Command": "command",
    "CurrentUser": "function", "SessionUser": "function", "Dot": "function",
    "Into": "set-operation",
}  # fmt: skip
"""The rule that is named where one of these nodes stands; of any other node, `expression`."""
ARGUMENTS: Mapping[str, str] = {
    "with_": "with", "with": "with", "returning": "returning", "conflict": "on-conflict", "from_": "join",
    "from": "join", "using": "join", "joins": "join", "laterals": "join", "alternative": "on-conflict",
    "order": "expression", "limit": "expression", "catalog": "schema", "cascade": "cascade", "into": "set-operation",
    "jdbc": "parameter",
}  # fmt: skip
"""The same of arguments that a node may not have."""
