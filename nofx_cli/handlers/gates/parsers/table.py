"""Which function reads which format: a literal table, imported when used."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from nofx_cli.domain.project import Parser
from nofx_cli.handlers.gates.evidence import Evidence


class Judge(Protocol):
    """Makes evidence of what a command reported. It is pure: the same bytes give the same evidence."""

    def __call__(self, data: bytes, *, exit_code: int, last: str = "", workspace: Path) -> Evidence:
        """Judge a report of any bytes.

        Args:
            data: the report, or what the command printed.
            last: what it printed last, to go behind a message: `: no such file`.
            workspace: the folder that paths of findings are relative to.

        Raises:
            NoEvidence: the report cannot be read, contradicts itself or the exit code; nothing else is raised.
        """
        ...


_HERE = "nofx_cli.handlers.gates.parsers"
PARSERS: Mapping[Parser, str] = {
    Parser.SARIF: f"{_HERE}.sarif:judge",
    Parser.JUNIT: f"{_HERE}.junit_xml:judge",
    Parser.RUFF_JSON: f"{_HERE}.ruff_json:judge",
    Parser.MYPY: f"{_HERE}.mypy:judge",
    Parser.PYTEST: f"{_HERE}.pytest_text:judge",
    Parser.BANDIT_JSON: f"{_HERE}.bandit_json:judge",
    Parser.DETECT_SECRETS: f"{_HERE}.detect_secrets:judge",
    Parser.ESLINT_JSON: f"{_HERE}.eslint_json:judge",
    Parser.TSC: f"{_HERE}.tsc:judge",
    Parser.NPM_AUDIT: f"{_HERE}.npm_audit:judge",
    Parser.EXIT_CODE: f"{_HERE}.exit_code:judge",
}


def judge_of(parser: Parser) -> Judge:
    """The function that reads this format."""
    module, _, attribute = PARSERS[parser].partition(":")
    return cast("Judge", getattr(import_module(module), attribute))
