"""What `tsc` prints, plain or `--pretty`.

tsc says nothing where all is well. How many files it examined it says with `--listFiles`, which names each, or with
`--diagnostics` and `--extendedDiagnostics`, whose number has the declarations of its own library in it.
"""

import re
from pathlib import Path

from nofx_cli.domain.wording import shortened
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.parsers.conclusion import conclude
from nofx_cli.handlers.gates.parsers.reading import line_of, relative, without_colours

_PLACE = r"(?P<path>[^\s:(][^:(\n]*?)(?:\((?P<line>\d{1,9}),(?P<column>\d{1,9})\): |:(?P<l>\d{1,9}):(?P<c>\d{1,9}) - )"
_MESSAGE = re.compile(rf"(?:{_PLACE})?(?P<level>error|warning|message) (?P<rule>TS\d{{1,9}}): (?P<text>.*)")
_FOUND = re.compile(r"Found (?P<number>\d{1,9}) errors?[. ]")
_FILES = re.compile(r"Files:\s+(?P<number>\d{1,9})")
_OWN_LINES = re.compile(r"Lines of (?:TypeScript|JavaScript):\s+(?P<number>\d{1,9})")
_LISTED = re.compile(r"(?:/.*|[^\s/]\S*)\.(?:[cm]?[jt]sx?|json)")
_NO_INPUTS = "TS18003"
_HINT = "let the command have `--listFiles` or `--extendedDiagnostics`, so that tsc says what it examined"


def judge(data: bytes, *, exit_code: int, last: str = "", workspace: Path, files: int | None = None) -> Evidence:
    """Every error fails. `files` is how many were examined, for who knows; else it is what tsc says.

    Raises:
        NoEvidence: tsc could not read its settings or its input, or the output contradicts itself or the exit code.
    """
    text = without_colours(data.decode(errors="replace"))
    lines = [line.rstrip() for line in text.splitlines()]
    told = [match for line in lines if (match := _MESSAGE.fullmatch(line))]
    findings = [_finding(match, workspace) for match in told if match["path"]]
    nowhere = [match for match in told if not match["path"]]
    if nowhere and not findings:
        if all(match["rule"] == _NO_INPUTS for match in nowhere):
            return conclude("tsc", [], data=data, exit_code=0, last=last, examined=0, hint=_HINT)
        raise NoEvidence(f"tsc could not check: {nowhere[0]['rule']}: {line_of(nowhere[0]['text'])}", retryable=False)
    claimed = sum(int(match["number"]) for line in lines if (match := _FOUND.match(line)))
    if claimed and not findings:
        raise NoEvidence(f"tsc's output contradicts itself: it shows none of {claimed} errors")
    said = _examined(lines, workspace)
    if said is None and not findings and text.strip():
        raise NoEvidence(f"tsc does not print such as: {shortened(line_of(text), 80)}")
    examined = said if files is None else files
    return conclude("tsc", findings, data=data, exit_code=exit_code, last=last, examined=examined, hint=_HINT)


def _finding(match: re.Match[str], workspace: Path) -> Finding:
    return Finding(
        path=relative(match["path"], workspace),
        line=int(match["line"] or match["l"]),
        column=int(match["column"] or match["c"]),
        rule=match["rule"],
        severity={"error": "error", "warning": "warning"}.get(match["level"], "note"),
        message=line_of(match["text"]),
    )


def _examined(lines: list[str], workspace: Path) -> int | None:
    """The project's own files where files are named; else the number that tsc gives; None for neither."""
    listed = {relative(line, workspace) for line in lines if _LISTED.fullmatch(line)}
    if listed:
        return sum(not name.startswith("/") and "node_modules" not in name.split("/") for name in listed)
    numbers = [int(match["number"]) for line in lines if (match := _FILES.fullmatch(line))]
    own = [int(match["number"]) for line in lines if (match := _OWN_LINES.fullmatch(line))]
    if own and not any(own):
        return 0
    return sum(numbers) if numbers else None
