"""The command line in this process, and runs written straight into its store."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from typer.testing import CliRunner, Result

from nofx_cli.cli.app import app
from nofx_cli.clock import format_at, parse_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, StepName, digest_of_bytes
from nofx_cli.domain.outcome import StepError
from nofx_cli.drivers.filesystem.artifacts import FileArtifacts
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.liveness import FileLiveness
from nofx_cli.drivers.filesystem.run_store import FileRunStore

RUN = RunId("20260101-120000-aaaaaa")
AT = "2026-01-01T12:00:00.000000Z"
ADA = ev.Actor("user", "ada")
EVIL = "\x1b]0;owned\x07\x1b[31mred\u202egpj.exe\x9b2J"
"""A window title, a colour, a reversed file name, a cleared screen."""
COMMAND = "::error file=x::boom"
"""What a CI runner would take for an annotation, at the start of a line."""

Entry: TypeAlias = ev.Payload | tuple[ev.Payload, str] | tuple[ev.Payload, str, int]
"""A payload, and the step and the attempt it belongs to."""


@dataclass
class Console:
    """`nofx` as typed in `folder`."""

    folder: Path
    terminal: CliRunner = field(default_factory=CliRunner)

    def __call__(self, *words: str, env: Mapping[str, str] | None = None) -> Result:
        """Run a command; an exception that is none of ours is not swallowed."""
        result = self.terminal.invoke(app, list(words), env=env, prog_name="nofx")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def ok(self, *words: str) -> str:
        """Run a command that must succeed; returns its standard output."""
        result = self(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: str) -> Any:
        """Run a command with `--json`; returns what it printed, which must be one value on one line."""
        text = self.ok(*words, "--json")
        assert text.count("\n") == 1
        return json.loads(text)


class Records:
    """Runs, written into the store event by event. One second passes between two batches."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root, sync=False)
        self.store = FileRunStore(self.layout)
        self.artifacts = FileArtifacts(self.layout)
        self.liveness = FileLiveness(self.layout)

    def add(self, plan: str, *batches: Sequence[Entry], run: str = RUN, created: ev.RunCreated | None = None) -> RunId:
        """Make a run whose first event is `run.created`, followed by the batches."""
        made = created or self.created(plan)
        found = RunId(run)
        self.store.create(found, plan, [ev.Draft(made)], at=AT, actor=ADA)
        for number, batch in enumerate(batches, 1):
            self.append(found, *batch, seconds=number)
        return found

    def append(self, run: RunId, *batch: Entry, seconds: float = 60) -> list[ev.Event]:
        """Append a batch, `seconds` after the run was made."""
        at = format_at(parse_at(AT) + round(seconds * 1_000_000))
        seq = self.store.head(run).seq
        return self.store.append(run, seq, [_draft(entry) for entry in batch], at=at, actor=ADA)

    @staticmethod
    def created(plan: str, **fields: Any) -> ev.RunCreated:
        steps = plan.count("name:")
        given = {"plan_name": "demo", "goal": "Try it", "nofx": "0.1.0", "origin": {"kind": "new"}, **fields}
        return ev.RunCreated(plan_digest=digest_of_bytes(plan.encode()), steps=steps, **given)

    def journal(self, run: str = RUN) -> Path:
        return self.layout.run(RunId(run)) / "journal.jsonl"

    def artifact(self, name: str, data: bytes, *, step: str, attempt: int = 1, run: str = RUN) -> ev.ArtifactCreated:
        """Keep a file; the event is still to be appended."""
        return self.artifacts.put(RunId(run), StepName(step), attempt, name, data)

    def log(self, data: bytes, *, step: str, attempt: int = 1, run: str = RUN) -> Path:
        """Write more into the log of an attempt."""
        path = self.artifacts.log_path(RunId(run), StepName(step), attempt)
        path.parent.mkdir(exist_ok=True)
        with open(path, "ab") as file:
            file.write(data)
        return path


def _draft(entry: Entry) -> ev.Draft:
    if isinstance(entry, ev.Payload):
        return ev.Draft(entry)
    payload, step, *attempt = entry
    return ev.Draft(payload, StepName(step), attempt[0] if attempt else None)


def harmless(text: str) -> bool:
    """Whether nothing in a text is obeyed by a terminal, or hides or turns round what stands there."""
    return all(char == "\n" or char.isprintable() for char in text)


TWO_STEPS = """\
version: 1
steps:
  - name: build
    tool: test:echo
  - name: check
    tool: test:echo
"""

STARTED = ev.RunStarted({"pid": 4711, "host": "here"})
FAILURE = StepError("exit-code", "exited with 3", "look at the log")


def success(step: str, *, attempt: int = 1, **outputs: Any) -> list[Entry]:
    """Everything that happens to a step that succeeds."""
    return [
        (ev.StepEnqueued(), step),
        (ev.StepStarted("test:echo", f"{RUN}:{step}:44136fa355b3", "44" * 32, "ada"), step, attempt),
        (ev.StepFinished("succeeded", outputs, None, 1500), step, attempt),
    ]


def failure(step: str, error: StepError = FAILURE, *, attempt: int = 1) -> list[Entry]:
    """Everything that happens to a step that fails."""
    return [
        (ev.StepEnqueued(), step),
        (ev.StepStarted("shell", "", "55" * 32, "ada"), step, attempt),
        (ev.StepFinished("failed", {}, error, 20), step, attempt),
    ]
