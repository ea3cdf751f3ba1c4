"""What a gate found, one by one, in the same form whatever tool found it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend. `path` is relative to the workspace; `line` and `column` count from 1, 0 is unknown."""

    path: str
    line: int
    column: int
    rule: str
    severity: str
    message: str

    def __str__(self) -> str:
        place = ":".join([self.path, *(str(number) for number in (self.line, self.column) if number)])
        return f"{place} {self.rule} {self.message}"


def findings_json(findings: Sequence[Finding]) -> str:
    """The findings as a JSON array, for programs and for models."""
    return json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False) + "\n"
