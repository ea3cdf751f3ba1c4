"""Types a page of the documentation as a reader would, and holds what it shows against what is printed.

A page is typed from top to bottom in one shell, in an empty folder:

- A block behind a line that ends in the name of a file and a colon is the content of that file.
- In a `console` block what follows `$ ` is typed, and the lines below are all that it prints.

What differs from one time to the next is covered on both sides: ids of runs and workers, times, durations, digests,
numbers of processes, how wide columns are. In what a page shows, `…` stands for any text, and alone on a line for any
lines.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bare_pytest import make_environment

_PIECE = re.compile(
    r"^(?:[^\n]*`(?P<file>[\w./-]+\.\w+)`:\n\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_COVERS = (
    (r"^.*: line \d+: +\d+ (Killed)\b.*", r"\1"),  # a script says more about it than a person's shell
    (r"\b\d{8}-\d{6}-[0-9a-z]{6}\b", "<run>"),
    (r"\b\d{4}-\d\d-\d\dT[\d:.]+Z", "<instant>"),
    (r"\b\d{4}-\d\d-\d\d\b", "<day>"),
    (r"\b\d\d:\d\d:\d\d(\.\d+)?\b", "<time>"),
    (r"\bw-[a-z0-9-]+-[0-9a-f]{6}-\d+-[0-9a-f]{6}-\d+\b", "<worker>"),
    (r"(<worker> +(?:alive|stopping|gone|elsewhere)) +\d+ +\S+", r"\1 <process>"),
    (r"\bworker:\d+\b", "worker:<pid>"),
    (r"\b([0-9a-f]{64}|[0-9a-f]{12}|[0-9a-f]{8}…)(?!\w)", "<digest>"),
    (r"\bprocess \d+ on \S+", "process <pid>"),
    (r"\bprocess \d+", "process <pid>"),
    (r"\b(\d+m )?\d+(\.\d+)?(ms|s)\b|\b\d+m\b", "<span>"),
    (r"[ \t]+", " "),
    (r" <span>$", ""),  # left out where it is nothing
    (r" $", ""),
)


@dataclass(frozen=True, slots=True)
class File:
    """What a page says that a file holds."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """What a page says to type, and what is printed then."""

    typed: str
    shown: str


def pieces(page: str) -> list[File | Command]:
    """All that a reader does, in order."""
    found: list[File | Command] = []
    for block in _PIECE.finditer(page):
        if block["file"]:
            found.append(File(block["file"], block["text"]))
        elif block["language"] == "console":
            found += _commands(block["text"])
    return found


def _commands(block: str) -> list[Command]:
    """A line that begins with `> ` goes on with the command above it."""
    return [
        Command(*_split(text)) for text in re.split(r"^\$ ", block, flags=re.MULTILINE) if text and not text.isspace()
    ]


def _split(text: str) -> tuple[str, str]:
    first, *rest = text.splitlines()
    typed = [first]
    while rest and rest[0].startswith("> "):
        typed.append(rest.pop(0)[2:])
    return "\n".join(typed), "\n".join(rest)


def type_page(page: str, *, folder: Path) -> list[tuple[Command, str]]:
    """Do what the page says in `folder`; gives each command with what it printed."""
    mark = "=== typed ==="
    workplace, environment = folder / "reader", folder / "environment"
    workplace.mkdir()
    make_environment(environment)
    script = [_written(piece) if isinstance(piece, File) else f"{piece.typed}\n{_told(mark)}" for piece in pieces(page)]
    surroundings = _surroundings(os.environ, environment)
    try:
        done = _bash("\n".join(script), workplace, surroundings)
    finally:
        for store in workplace.glob("**/local_data/workers"):
            _bash("nofx worker stop --now", store.parents[1], surroundings)
    commands = [piece for piece in pieces(page) if isinstance(piece, Command)]
    printed = done.stdout.split(f"\n{mark}\n")
    assert len(printed) == len(commands) + 1, f"the shell gave up: {done.stdout[-2_000:]}"
    return list(zip(commands, printed, strict=False))


def _bash(script: str, folder: Path, environ: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


def _written(file: File) -> str:
    path = shlex.quote(file.path)
    return f"mkdir -p \"$(dirname {path})\" && cat > {path} <<'END OF FILE'\n{file.text}END OF FILE"


def _told(mark: str) -> str:
    """Say that a command has ended, and leave `$?` as it was."""
    return f"code=$?; printf '\\n%s\\n' {shlex.quote(mark)}; (exit $code)"


def _surroundings(environ: Mapping[str, str], environment: Path) -> dict[str, str]:
    """As a reader has them, whose name is ada, with a store beside the project."""
    kept = {name: value for name, value in environ.items() if not name.startswith(("NOFX_", "PYTEST"))}
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)]),
        "VIRTUAL_ENV": str(environment),
        "NOFX_ACTOR": "ada",
        "NOFX_SYNC": "off",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def is_shown(shown: str, printed: str) -> bool:
    """Whether what a page shows is what was printed."""
    wanted = "".join(_pattern(line) for line in covered(shown).split("\n"))
    return re.fullmatch(wanted, covered(printed) + "\n") is not None


def _pattern(line: str) -> str:
    if line == "…":
        return r"(?:[^\n]*\n)*?"
    return "[^\n]*".join(re.escape(part) for part in line.split("…")) + "\n"


def covered(text: str) -> str:
    """The text without what differs from one time to the next."""
    for pattern, cover in _COVERS:
        text = re.sub(pattern, cover, text, flags=re.MULTILINE)
    return text.strip("\n")
