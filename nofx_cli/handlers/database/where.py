"""`where` as data: which rows a change is for, without a word of SQL.

{state: open, total: {gt: 100}}           both
[{state: open}, {state: held}]            either
{id: {in: [1, 2]}, note: {is_null: true}}
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.record import record
from nofx_cli.handlers.inputs import is_template

COMPARISONS: Mapping[str, str] = {"ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "like": "LIKE", "eq": "="}
CONDITIONS = (*COMPARISONS, "in", "is_null")


@record
class Bound:
    """A text of SQL with a `?` for each of its values, which never stand in it."""

    text: str
    values: tuple[JsonValue, ...] = ()


def quoted_name(name: str) -> str:
    """A name of a table or a column, as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def where_faults(where: JsonValue, is_name: Callable[[object], bool]) -> Iterator[str]:
    """What is wrong with a `where`; it may not be empty, nor be true of every row by its form."""
    branches = where if isinstance(where, list | tuple) else [where]
    if not where and not is_template(where):
        yield "`where` is empty: that would be every row"
        return
    for branch in branches:
        if is_template(branch):
            continue
        if not isinstance(branch, Mapping):
            yield "`where` must be a mapping of columns to conditions, or a list of such mappings"
        elif not branch:
            yield "`where` has an empty mapping: that would be every row"
        else:
            yield from _branch_faults(branch, is_name)


def condition_of(where: JsonValue) -> Bound:
    """The condition of a `where` without faults."""
    branches = where if isinstance(where, list | tuple) else [where]
    return _joined([_branch(branch) for branch in branches if isinstance(branch, Mapping)], " OR ")


def columns_in(where: JsonValue) -> list[str]:
    """The columns that it names."""
    branches = where if isinstance(where, list | tuple) else [where]
    return [column for branch in branches if isinstance(branch, Mapping) for column in branch]


def _branch_faults(branch: JsonObject, is_name: Callable[[object], bool]) -> Iterator[str]:
    for column, wanted in branch.items():
        if not is_name(column):
            yield f"`where` has the column {column!r}, which cannot be a name"
        if isinstance(wanted, list | tuple):
            yield f"`where` compares {column} with a list; write `{column}: {{in: […]}}`"
        if not isinstance(wanted, Mapping):
            continue
        if not wanted:
            yield f"`where` says nothing of {column}"
        for name, value in wanted.items():
            yield from (f"`where` of {column}: {fault}" for fault in _condition_faults(name, value))


def _condition_faults(name: str, value: JsonValue) -> Iterator[str]:
    if name not in CONDITIONS:
        from difflib import get_close_matches

        near = get_close_matches(name, CONDITIONS, n=1)
        yield f"`{name}` is no condition; " + (f"did you mean `{near[0]}`?" if near else f"there are {_LISTED}")
    elif is_template(value):
        return
    elif name == "in":
        if not isinstance(value, list | tuple) or not value or not all(map(_is_scalar, value)):
            yield "`in` takes a list of one value or more"
        elif None in value:
            yield "`in` finds nothing for null; write `[{…: {in: […]}}, {…: {is_null: true}}]`"
    elif name == "is_null":
        if not isinstance(value, bool):
            yield "`is_null` takes true or false"
    elif not _is_scalar(value) or (value is None and name != "ne"):
        yield f"`{name}` takes a single value"
    elif name == "like" and not str(value).strip("%"):
        yield f"`like` {value!r} is true of every row"


_LISTED = ", ".join(f"`{name}`" for name in CONDITIONS)


def _is_scalar(value: JsonValue) -> bool:
    return value is None or isinstance(value, str | int | float)


def _branch(branch: JsonObject) -> Bound:
    parts: list[Bound] = []
    for column, wanted in branch.items():
        said = wanted if isinstance(wanted, Mapping) else {"eq": wanted}
        parts.extend(_condition(quoted_name(column), name, value) for name, value in said.items())
    return _joined(parts, " AND ")


def _condition(column: str, name: str, value: JsonValue) -> Bound:
    if name == "in" and isinstance(value, list | tuple):
        return Bound(f"{column} IN ({', '.join('?' * len(value))})", tuple(value))
    if name == "is_null" or value is None:
        is_null = value is True or (value is None and name == "eq")
        return Bound(f"{column} IS {'' if is_null else 'NOT '}NULL")
    return Bound(f"{column} {COMPARISONS[name]} ?", (value,))


def _joined(parts: Sequence[Bound], word: str) -> Bound:
    if len(parts) == 1:
        return parts[0]
    return Bound(word.join(f"({part.text})" for part in parts), tuple(value for part in parts for value in part.values))
