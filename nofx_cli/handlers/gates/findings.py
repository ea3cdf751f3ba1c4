"""The findings of a check, gathered: the lines that they point at are looked up in the workspace."""

from dataclasses import replace
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.findings import Finding, LineText, gathered, severity_counts
from nofx_cli.handlers.gates.evidence import Evidence
from nofx_cli.regular_files import open_regular
from nofx_cli.safety.paths import contained

__all__ = ["Finding", "with_gathered"]

_LARGEST = 4 * 1024 * 1024


def with_gathered(evidence: Evidence, workspace: Path, *, tool: str, private: bool = False) -> Evidence:
    """With each finding of `tool` once, in order, with its path below the workspace and its fingerprint.

    Where a check counts findings, they are counted by severity too. Of `private` lines only a slow digest goes on.
    """
    if not evidence.findings:
        return evidence
    lines = WorkspaceLines(workspace)
    relative = (_below(workspace, finding) for finding in evidence.findings)
    findings = gathered(relative, _hidden(lines) if private else lines, tool=tool)
    counts = evidence.counts
    if counts.get("findings") == len(evidence.findings):
        counts = {**counts, "findings": len(findings), **severity_counts(findings)}
    return replace(evidence, findings=findings, counts=counts)


class WorkspaceLines:
    """The text of lines of files in the workspace. It keeps the last file, as findings come file by file."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._path, self._lines = "", [""]

    def __call__(self, path: str, line: int) -> str:
        """The line, from 1; empty where there is none, or no file that can be read."""
        if path != self._path:
            self._path, self._lines = path, self._read(path)
        return self._lines[line - 1] if 0 < line <= len(self._lines) else ""

    def _read(self, path: str) -> list[str]:
        try:
            with open_regular(contained(self._workspace, path), follow=False) as file:
                return file.read(_LARGEST).decode("utf-8", "replace").splitlines()
        except (OSError, ValueError, errors.InvalidInput):
            return []


def _hidden(lines: LineText) -> LineText:
    """Lines that cannot be guessed from a digest of what this gives: each costs 10 ms, and depends on its path."""

    def hidden(path: str, line: int) -> str:
        from hashlib import scrypt

        text = lines(path, line).strip()
        return scrypt(text.encode(), salt=path.encode(), n=2**12, r=8, p=1).hex() if text else ""

    return hidden


def _below(workspace: Path, finding: Finding) -> Finding:
    """Tools name files relative or absolute."""
    if not finding.path.startswith("/") or not Path(finding.path).is_relative_to(workspace):
        return finding
    return replace(finding, path=Path(finding.path).relative_to(workspace).as_posix())
