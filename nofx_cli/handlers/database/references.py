"""What a database changes by itself: rows that refer to those of another table go with them, or are changed."""

from collections.abc import Sequence

from nofx_cli.domain.record import record


@record
class Reference:
    """A reference of one table to another. `on_delete` and `on_update` are the actions as SQL has them."""

    child: str
    parent: str
    on_delete: str
    on_update: str


def tables_that_follow(table: str, operation: str, references: Sequence[Reference]) -> tuple[tuple[str, str], ...]:
    """The tables that are changed with one, each with the operation, also through others.

    Rows taken away take others away (`CASCADE`), or change them (`SET NULL`, `SET DEFAULT`); rows that get another key
    change others.
    """
    found: dict[tuple[str, str], None] = {}
    waiting = [(table, operation)]
    for name, cause in waiting:
        for one in references:
            if one.parent != name:
                continue
            action = one.on_delete if cause == "delete" else one.on_update
            if action not in _FOLLOWING:
                continue
            then = (one.child, cause if action == "CASCADE" else "update")
            if then not in found:
                found[then] = None
                waiting.append(then)
    return tuple(found)


_FOLLOWING = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})
