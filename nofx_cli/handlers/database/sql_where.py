"""Whether a WHERE says anything about the rows: what is true of every row by its form does not."""

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp


def constrains(condition: "exp.Expr", table: str) -> bool:
    """Whether the truth of a condition depends on what a row of the table holds, as far as its form shows.

    Of `and` one side is enough, of `or` both are needed. What it cannot show, as `id > -1`, is seen in the number of
    rows, which is held to `max_rows` and to what was previewed.
    """
    from sqlglot import exp

    match condition:
        case exp.Paren():
            return constrains(condition.this, table)
        case exp.And():
            return constrains(condition.this, table) or constrains(condition.expression, table)
        case exp.Or():
            sides = list(condition.flatten())
            opposites = any(_are_opposites(one, other) for one, other in combinations(sides, 2))
            return not opposites and all(constrains(one, table) for one in sides)
        case exp.Not():
            return _looks_at(condition, table) and not _says_nothing(condition.this)
        case _:
            return _looks_at(condition, table) and not _says_nothing(condition)


def _are_opposites(one: "exp.Expr", other: "exp.Expr") -> bool:
    """Whether one is true exactly where the other is not, by form: `a = 1 or not a = 1`, `a is null or not …`."""
    from sqlglot import exp
    from sqlglot.optimizer.simplify import simplify

    one, other = one.unnest(), other.unnest()
    if isinstance(one, exp.Is) and isinstance(other, exp.Is) and one.this == other.this:
        return bool(one.args.get("negate")) != bool(other.args.get("negate"))
    either = simplify(exp.or_(one.copy(), other.copy()))
    return bool(simplify(exp.not_(one.copy())) == simplify(other.copy()) or either == exp.true())


def _looks_at(condition: "exp.Expr", table: str) -> bool:
    """Whether a column of the changed table stands in it: outside of a query, or inside of one by the table's name."""
    from sqlglot import exp

    return any(
        column.table.casefold() == table.casefold() or (not column.table and column.find_ancestor(exp.Select) is None)
        for column in condition.find_all(exp.Column)
    )


def _says_nothing(predicate: "exp.Expr") -> bool:
    """Whether both sides are the same, or of one column with nothing but arithmetic; or a pattern fits everything."""
    from sqlglot import exp

    predicate = predicate.unnest()
    if isinstance(predicate, exp.Or | exp.And):
        return _says_nothing(predicate.this) or _says_nothing(predicate.expression)
    if isinstance(predicate, exp.Not):
        return _says_nothing(predicate.this)
    if isinstance(predicate, exp.Like | exp.ILike) and predicate.expression.is_string:
        return not predicate.expression.name.strip("%")
    if isinstance(predicate, exp.In):
        return any(item == predicate.this for item in predicate.expressions)
    if isinstance(predicate, exp.Between):
        return predicate.this in (predicate.args["low"], predicate.args["high"])
    if not isinstance(predicate, exp.Binary):
        return False
    left, right = predicate.this.unnest(), predicate.expression.unnest()
    if left == right:
        return True
    computes = any(isinstance(node, exp.Func) for node in (*left.walk(), *right.walk()))
    return not computes and _columns(left) == _columns(right)


def _columns(side: "exp.Expr") -> set[str]:
    from sqlglot import exp

    return {column.sql() for column in side.find_all(exp.Column)}
