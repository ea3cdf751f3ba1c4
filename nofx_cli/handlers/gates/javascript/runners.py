"""What the script `test` of a package runs, and how its runner is told to write a report.

A script is understood where its last command is a runner, perhaps behind a wrapper (`cross-env X=1 c8 mocha`), or is
nothing but `npm run` of another script. Anything else may run tests, but does not say which: it needs a gate of the
project's own, with a parser.
"""

import os.path
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.record import record
from nofx_cli.domain.wording import shortened
from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.javascript.manifest import read_manifest, script
from nofx_cli.handlers.gates.javascript.node_programs import NPM_QUIET

NODE, JEST, VITEST, MOCHA = "node", "jest", "vitest", "mocha"
RUNNERS: Mapping[str, str] = {
    "node": NODE, "tsx": NODE, "jest": JEST, "react-scripts": JEST, "vitest": VITEST, "mocha": MOCHA, "_mocha": MOCHA,
}  # fmt: skip
_WRAPPERS = frozenset({"c8", "cross-env", "dotenv", "env", "npx", "nyc"})
_RUNS_ANOTHER = re.compile(r"(?:npm|pnpm|yarn)(?: run| run-script)? ([\w:.-]+)")
_PLACEHOLDER = "no test specified"
_UNCLEAR = re.compile(r"[;|<>`\n]|\$\(|(?<!&)&(?!&)")
_NAMED, _PLACED = re.compile(r"--test-reporter[= ]"), re.compile(r"--test-reporter-destination[= ]")
_DEEPEST = 5
_REPORTER = Path(__file__).with_name("node_reporter.mjs")


@record
class RunnerScript:
    """A script of `package.json`, and the runner at its end: the program as it is written there, and its kind."""

    name: str
    program: str
    runner: str
    command: str = ""


def find_test_script(workspace: Path) -> RunnerScript:
    """The script behind `npm test`.

    Raises:
        NoEvidence: there is none, or only npm's placeholder (`vacuous`), or it is none that can be understood.
    """
    read_manifest(workspace)
    name = "test"
    command = script(workspace, name)
    if not command or _PLACEHOLDER in command:
        said = "has npm's placeholder for a" if command else "has no"
        hint = "write tests and the script `test` that runs them, or leave the gate out"
        raise NoEvidence(f"package.json {said} script `test`", verdict=Verdict.VACUOUS, hint=hint, retryable=False)
    for _ in range(_DEEPEST):
        another = _RUNS_ANOTHER.fullmatch(command)
        if another is None or not script(workspace, another[1]):
            break
        name, command = another[1], script(workspace, another[1])
    program = runner_program(command)
    if not program:
        raise NoEvidence(
            f"the script `{name}` of package.json runs nothing that can be asked for a report: "
            f"{shortened(command, 200)}",
            hint="declare the gate in nofx.yaml with a command that writes a report: {command: [...], parser: junit}",
            retryable=False,
        )
    return RunnerScript(name, program, RUNNERS[program], command)


def runner_program(command: str) -> str:
    """The runner that is the last command of a script, which gets what is added to it; empty where it is none."""
    if _UNCLEAR.search(command):
        return ""
    try:
        words = shlex.split(command.rpartition("&&")[2])
    except ValueError:
        return ""
    while words and "=" in words[0]:
        words = words[1:]
    if not words:
        return ""
    first = _called(words[0])
    candidates = words if first in _WRAPPERS or first == NODE else words[:1]
    runners = [_called(word) for word in candidates if _called(word) in RUNNERS]
    # `node node_modules/jest/bin/jest.js` is jest.
    return next((runner for runner in runners if runner != NODE), runners[0] if runners else "")


def report_options(runner: str, report: Path) -> list[str]:
    """What is added to the command so that its runner writes `report`; without tests it shall end as it does with."""
    options = {
        NODE: [],
        JEST: ["--json", f"--outputFile={report}", "--testLocationInResults", "--passWithNoTests"],
        VITEST: ["--run", "--reporter=default", "--reporter=json", f"--outputFile.json={report}", "--passWithNoTests"],
        MOCHA: ["--reporter", "json", "--reporter-option", f"output={report}"],
    }
    return options[runner]


def report_environment(runner: str, report: Path, command: str = "") -> dict[str, str]:
    """`CI` keeps runners from watching files and from writing snapshots that are not there yet.

    node wants a place for each reporter: where `command` has one without, it is standard output, as it was.
    """
    env = {"CI": "true", **NPM_QUIET}
    if runner == NODE:
        own = _options(str(_REPORTER), str(report))
        is_named = len(_NAMED.findall(command)) > len(_PLACED.findall(command))
        told = [own, "--test-reporter-destination=stdout"] if is_named else [_options("spec", "stdout"), own]
        env["NODE_OPTIONS"] = " ".join(told)
    return env


def _options(reporter: str, place: str) -> str:
    return f"--test-reporter={_quoted(reporter)} --test-reporter-destination={_quoted(place)}"


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _called(word: str) -> str:
    return re.sub(r"\.[cm]?js$", "", os.path.basename(word))
