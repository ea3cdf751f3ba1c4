"""Canaries are let out wherever a secret could get away, each in many encodings; none is found anywhere afterwards.

The encodings are made here by the standard library, or written out; nothing of the masking code is used.
"""

import base64
import gzip
import html
import json
import shlex
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.acceptance.program import Ended, Program
from tests.acceptance.workplace import Workplace

pytestmark = pytest.mark.acceptance

OF_ENVIRONMENT = "Kanarie-1/gelb+sitzt=im&Käfig"
OF_FILE = "canary\"2'<two> \\ of a $file, `with` all there is"
OF_COMMAND = "-----BEGIN CANARY-----\nthree/lines+of+the+third+canary=\nand-one-more/line+of+it==\n-----END CANARY-----"
CANARIES = {"APP_API_TOKEN": OF_ENVIRONMENT, "FROM_A_FILE": OF_FILE, "FROM_A_COMMAND": OF_COMMAND}

ENCODINGS: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64-url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64-of-credentials": lambda text: base64.b64encode(f"ada:{text}".encode()).decode(),
    "base64-utf16": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "percent": lambda text: urllib.parse.quote(text, safe=""),
    "plus": urllib.parse.quote_plus,
    "percent-every-byte": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "hex": lambda text: text.encode().hex(),
    "hex-upper": lambda text: text.encode().hex().upper(),
    "json": lambda text: json.dumps(text)[1:-1],
    "json-utf8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json-in-json": lambda text: json.dumps(json.dumps(text))[1:-1],
    "html": html.escape,
    "shell": shlex.quote,
    "repr": lambda text: repr(text)[1:-1],
    "bytes": lambda text: repr(text.encode())[2:-1],
    "x-escapes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "u-escapes": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
}

PLANTER = '''
"""Lets canaries out: argv tells where to; all encodings lie in a file beside the project."""
import json, os, pathlib, sys, time

written = json.loads(pathlib.Path(sys.argv[2]).read_text())
assert all(os.environ[name] == value for name, value in written["values"].items()), "the step has its secrets"
lines = [line.encode() for line in written["lines"]]

def out(fd):
    for line in lines:
        os.write(fd, b"<" + line + b">\\n")

def bytewise(fd):
    for line in lines:
        for byte in line + b"\\n":
            os.write(fd, bytes([byte]))

def halves(fd):
    for line in lines:
        for start in range(0, len(line), 7):
            os.write(fd, line[start : start + 7])
            os.sched_yield()
        os.write(fd, b"\\n")

def both(fd):
    out(1), out(2)

def artifacts(fd):
    folder = pathlib.Path(os.environ["NOFX_ARTIFACTS"])
    (folder / "report.txt").write_bytes(b"\\n".join(lines))
    (folder / "one.bin").write_bytes(b"\\0\\xff" + b"\\xff\\0".join(lines))
    for number, line in enumerate(lines):
        name = line.decode().replace("/", "_").replace("\\n", " ")
        if "/" not in line.decode() and "\\\\" not in name and name.isprintable() and len(line) < 200:
            (folder / name).write_bytes(line)
    pathlib.Path("declared.txt").write_bytes(b"\\n\\n".join(lines))

def outputs(fd):
    with open(os.environ["NOFX_OUTPUT"], "ab") as file:
        for number, line in enumerate(lines):
            file.write(b"v%d<<END-%d\\n%s\\nEND-%d\\n" % (number, number, line, number))

def last(fd):
    os.write(2, lines[int(sys.argv[3])].replace(b"\\n", b" "))
    sys.exit(3)

globals()[sys.argv[1]](1)
'''

HANDLER = '''
import json, pathlib

from nofx_cli.plugin import Failed, StepError, Succeeded, Waiting

LINES = json.loads(pathlib.Path("../canaries.json").read_text())["lines"]


class Leak:
    """Says all it knows: in its log, its outputs, its artifacts, its errors and what it shows."""

    def match(self, tool):
        return tool.startswith("leak:")

    def preview(self, ctx):
        return {"would": LINES, **{line: 1 for line in LINES}}

    def run(self, ctx):
        for line in LINES:
            ctx.log(line)
        ctx.put_artifact("said.txt", "\\n".join(LINES))
        match ctx.tool:
            case "leak:outputs":
                return Succeeded({"lines": LINES, "keys": {line: "x" for line in LINES}})
            case "leak:error":
                return Failed(StepError("leak", "the body was " + " | ".join(LINES), "hint: " + LINES[0]))
            case "leak:ask":
                return Waiting("may " + LINES[0] + " go?", shown={"lines": LINES})
        raise RuntimeError("\\n".join(LINES))


HANDLERS = [Leak()]
'''

SETTINGS = """\
secrets:
  cage:
    FROM_A_FILE: {file: ../canary.txt}
    FROM_A_COMMAND: {command: [cat, ../canary.pem]}
"""

HEAD = """\
version: 1
goal: Let canaries out
params:
  note: {type: string}
policy: {env: {allow: [APP_API_TOKEN]}}
secrets_scope: cage
steps:
"""
PLACES = ("out", "bytewise", "halves", "both", "artifacts", "outputs")


def _step(name: str, *words: str, more: str = "") -> str:
    command = json.dumps(["python3", "../planter.py", *words])
    return (
        f"  - {{name: {name}, tool: shell, needs: [], continue_on_error: true, inputs: {{command: {command}}}{more}}}\n"
    )


@pytest.fixture
def lines() -> list[str]:
    written = [encode(value) for value in CANARIES.values() for encode in ENCODINGS.values()]
    return [*written, *OF_COMMAND.split("\n")[1:3]]


def at_hand(lines: list[str]) -> list[str]:
    """The canaries that every process knows: a command is run only for a step that has its scope."""
    return lines[: 2 * len(ENCODINGS)]


@pytest.fixture
def planted(nofx: Program, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    """A project whose steps let canaries out; the files that hold them lie beside it."""
    beside = nofx.folder.parent
    (beside / "planter.py").write_text(PLANTER)
    (beside / "canaries.json").write_text(json.dumps({"values": CANARIES, "lines": lines}))
    (beside / "canary.txt").write_text(OF_FILE + "\n")
    (beside / "canary.pem").write_text(OF_COMMAND + "\n")
    (nofx.folder / "nofx.yaml").write_text(SETTINGS)
    (nofx.folder / "nofx_handlers").mkdir()
    (nofx.folder / "nofx_handlers" / "leak.py").write_text(HANDLER)
    monkeypatch.setenv("APP_API_TOKEN", OF_ENVIRONMENT)
    return nofx


def everything_kept(store: Path) -> Iterator[tuple[str, bytes]]:
    """The names and the contents of all files, also of those that are packed."""
    for path in store.rglob("*"):
        yield f"the name of {path}", str(path.relative_to(store)).encode()
        if path.is_file():
            data = path.read_bytes()
            yield str(path), gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def nothing_got_away(nofx: Program, lines: list[str], *said: Ended) -> None:
    places = list(everything_kept(nofx.store))
    places += [(f"what command {number} said", (one.out + one.err).encode()) for number, one in enumerate(said)]
    assert sum(data.count(b"***") for _, data in places) > len(lines)
    for line in lines:
        written = line.encode()
        again = json.dumps(line)[1:-1].encode(), json.dumps(line, ensure_ascii=False)[1:-1].encode()
        for name, data in places:
            assert not any(one in data for one in (written, *again)), (name, line)


def test_canaries_of_processes(planted: Program, lines: list[str]) -> None:
    file = "../canaries.json"
    steps = "".join(
        _step(place, place, file, more=", artifacts: [declared.txt]" if place == "artifacts" else "")
        for place in PLACES
    )
    steps += "".join(_step(f"last{number}", "last", file, str(number)) for number in range(0, len(lines), 5))
    planted.plan(HEAD + steps)

    said = [planted("run", "plan.yaml", "--param", f"note={OF_ENVIRONMENT}")]
    assert "done" not in said[0].err
    said += [planted(*command) for command in _looks(planted, "out")]
    said += [planted("artifacts", "latest", "--json"), planted("show", "latest", "artifacts")]

    nothing_got_away(planted, lines, *said)
    kept = {path.name for path in planted.store.glob("runs/*/*/artifacts/artifacts/1/*")}
    assert {"report.txt", "one.bin", "declared.txt", "***"} <= kept
    assert planted.log("bytewise").count("***") >= len(lines)
    assert planted.log("both").count("***") >= 2 * len(lines)


@pytest.mark.parametrize("tool", ["outputs", "error", "raises", "ask"])
def test_canaries_of_a_handler(planted: Program, lines: list[str], tool: str) -> None:
    planted.plan(f'{HEAD}  - {{name: leak, tool: "leak:{tool}"}}\n')

    rehearsed, said = planted("run", "plan.yaml", "--dry-run"), [planted("run", "plan.yaml", "--json")]
    assert planted.types(), said
    said += [planted(*command) for command in _looks(planted, "leak")]
    if tool == "ask":
        said.append(planted("reject", "leak", "--note", f"not {OF_FILE}, not {OF_ENVIRONMENT}"))

    nothing_got_away(planted, lines, *said)
    nothing_got_away(planted, at_hand(lines), rehearsed)


def test_canaries_of_what_is_asked_and_told_by_people(planted: Program, lines: list[str]) -> None:
    planted.plan(
        HEAD
        + '  - {name: ask, tool: "manual:go", inputs: {message: "{{ params.note }}", show: {x: "{{ params.note }}"}}}\n'
    )
    said = []
    for line in at_hand(lines)[::7]:
        said.append(planted("run", "plan.yaml", "--param", f"note=a {line} b"))
        said.append(planted("show", "latest"))
        said.append(planted("approve", "ask", "--note", f"by {line} it goes"))

    nothing_got_away(planted, at_hand(lines), *said)


def test_canaries_in_a_worker(planted: Program, work: Workplace, lines: list[str]) -> None:
    planted.plan(HEAD + _step("both", "both", "../canaries.json") + _step("last", "last", "../canaries.json", "0"))
    said = [planted("run", "plan.yaml", "--detach", "--param", f"note={OF_FILE}")]
    planted.shows("step.finished both")
    planted.shows("step.finished last")
    said += [planted(*command) for command in _looks(planted, "both")]

    nothing_got_away(planted, lines, *said)


def test_what_the_search_of_doctor_finds_is_what_this_test_finds(planted: Program, lines: list[str]) -> None:
    planted.plan(HEAD + _step("both", "both", "../canaries.json"))
    assert planted("run", "plan.yaml").code == 0
    assert planted("doctor", "--secrets").code == 0
    (planted.store / "leak").write_bytes(b"\n".join(line.encode().replace(b"\n", b"~") for line in lines[:19]))

    found = planted("doctor", "--secrets", "--json")

    assert found.code == 1
    assert "the value of APP_API_TOKEN" in found.out
    nothing_got_away_but(planted, lines, found)


def nothing_got_away_but(nofx: Program, lines: list[str], found: Ended) -> None:
    (nofx.store / "leak").unlink()
    nothing_got_away(nofx, lines, found)


def _looks(nofx: Program, step: str) -> list[tuple[str, ...]]:
    return [
        ("show", "latest"), ("show", "latest", "--json"), ("logs", "latest", step), ("logs", "latest", step, "--json"),
        ("timeline", "latest"), ("timeline", "latest", "--json"), ("list", "--json"),
    ]  # fmt: skip
