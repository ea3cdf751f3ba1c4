"""The command line in this process, with plans that it really runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from typer.testing import Result

from nofx_cli.domain.events import Event
from nofx_cli.domain.ids import RunId
from tests.cli.console import Console, Records

ECHO = "  - {name: build, tool: 'test:echo', inputs: {version: '1.2'}}\n"
ASK = "  - {name: release, tool: 'manual:release', inputs: {message: 'Release 1.2?'}}\n"
FAIL = "  - {name: bad, tool: 'test:fail', inputs: {message: it broke, retryable: false}}\n"
LAST = "  - {name: last, tool: 'test:echo'}\n"


@dataclass
class Runner:
    """`nofx`, and the runs that it made."""

    cli: Console
    records: Records

    def __call__(self, *words: str, code: int = 0, env: Mapping[str, str] | None = None) -> Result:
        """Run a command that must end with that exit code."""
        result = self.cli(*words, env=env)
        assert result.exit_code == code, result.output
        return result

    def plan(self, steps: str, name: str = "plan.yaml") -> str:
        """Write a plan; what is given without keys of its own is its steps."""
        (self.cli.folder / name).write_text(steps if "steps:" in steps else f"steps:\n{steps}")
        return name

    def run(self, steps: str, *words: str, code: int = 0) -> RunId:
        """Run a plan of these steps; returns the run."""
        self("run", self.plan(steps), *words, code=code)
        return self.runs()[0]

    def json(self, *words: str, code: int = 0) -> Any:
        """Run a command with `--json`; returns what it printed, which must be one value on one line."""
        text = self(*words, "--json", code=code).stdout
        assert text.count("\n") == 1, text
        return json.loads(text)

    def error(self, *words: str, code: int) -> Any:
        """The error that a command tells as JSON; for people it stands on standard error all the same."""
        result = self(*words, "--json", code=code)
        told = json.loads(result.stdout)
        assert told["exit_code"] == code
        assert told["error"]["message"].splitlines()[0] in result.stderr
        return told["error"]

    def runs(self) -> list[RunId]:
        return list(self.records.store.runs())

    def events(self, run: str = "") -> list[Event]:
        """The events of a run, of the newest by default."""
        return list(self.records.store.read(RunId(run or self.runs()[0])))

    def types(self, run: str = "") -> list[str]:
        """The types of all events, with the step's name behind those of steps: `step.started a`."""
        return [f"{event.type} {event.step}" if event.step else event.type for event in self.events(run)]
