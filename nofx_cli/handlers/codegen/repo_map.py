"""A map of the repository: its files with what they define, within so many tokens, what matters to the task first.

A file matters more when the task names it, then when it defines a name that the task has, then the nearer it lies to
the files that are given. The same files and the same task make the same map.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from nofx_cli.handlers.codegen.blocks import Room
from nofx_cli.handlers.codegen.readable import printable
from nofx_cli.handlers.codegen.symbols import definition_of, symbols_of

MOST_READ = 2_000
"""How many files are searched for the names of the task: the first ones, by what their own names say."""
_MOST_FOLDERS = 50
_SHARE_OF_SYMBOLS = 0.75
_LAST_LINE = "… and 000,000 more files\n"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{3,}")

ReadText = Callable[[str], str]


def repo_map(files: Sequence[str], *, task: str, given: Sequence[str], tokens: int, read: ReadText) -> str:
    """Draw the map.

    Args:
        files: relative paths.
        task: what is to be done, in words.
        given: the files whose contents the model gets anyway.
        read: the text of a file; empty where it is not to be looked into.
    """
    room = Room(tokens)
    if not room.take(_LAST_LINE):
        return ""
    words = _words(task)
    named = {path for path in files if _is_named(path, task, words)}
    folders = sorted({path.rpartition("/")[0] for path in given})[:_MOST_FOLDERS]
    in_order = sorted(files, key=lambda path: (path not in named, _distance(path, folders), path))
    if words:
        defines = definition_of(words)
        named |= {path for path in in_order[:MOST_READ] if path not in named and defines.search(read(path))}
        in_order.sort(key=lambda path: path not in named)
    return _drawn(in_order, room, read)


def _drawn(files: Sequence[str], room: Room, read: ReadText) -> str:
    """With what they define as long as there is room for that, then only their names, then how many there are more."""
    lines: list[str] = []
    for_names = room.most * (1 - _SHARE_OF_SYMBOLS)
    for number, path in enumerate(files):
        name = f"{printable(path)}\n"
        if room.left > for_names:
            entry = name + "".join(f"  {symbol}\n" for symbol in symbols_of(path, read(path)))
            if room.take(entry):
                lines.append(entry)
                continue
        if not room.take(name):
            lines.append(f"… and {len(files) - number:,} more files\n")
            break
        lines.append(name)
    return "".join(lines)


def _words(task: str) -> frozenset[str]:
    """The words of the task that can be the name of something in code, and not only of prose."""
    return frozenset(word for word in _NAME.findall(task) if "_" in word or word[1:] != word[1:].lower()) | frozenset(
        re.findall(r"`([A-Za-z_]\w*)`", task)
    )


def _is_named(path: str, task: str, words: frozenset[str]) -> bool:
    name = path.rpartition("/")[2]
    stem = name.partition(".")[0]
    return path in task or (len(name) > 3 and name in task) or stem in words


def _distance(path: str, folders: Iterable[str]) -> int:
    """How many folders lie between a file and the nearest of these; where there are none, how deep it lies."""
    own = path.split("/")[:-1]
    return min((_between(own, folder.split("/") if folder else []) for folder in folders), default=len(own))


def _between(one: Sequence[str], other: Sequence[str]) -> int:
    same = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        same += 1
    return len(one) + len(other) - 2 * same
