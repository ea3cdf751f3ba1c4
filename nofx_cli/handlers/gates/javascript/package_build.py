"""The check of JavaScript and TypeScript behind `gate:build`: the package's own script `build`, run by npm.

    exit code   files made or written anew              verdict
    127         (a program is not there)                errored
    not 0       any                                     failed
    0           none                                    vacuous
    0           some                                    passed

Where a build puts its files only its script knows, so all of the workspace is looked at before and after, but for what
is not the build's: `node_modules`, `.git` and nofx's own store. What the script makes stays there.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates.ecosystem import is_javascript
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.gate import Examination, last_words, run_program
from nofx_cli.handlers.gates.javascript.manifest import FILE, read_manifest, script
from nofx_cli.handlers.gates.javascript.node_programs import NPM_QUIET, npm

_NOT_BUILT = frozenset({"node_modules", ".git", ".hg", ".venv", "__pycache__"})
_NOT_FOUND = 127
_MOST_TOLD = 1000
_ENV = {"CI": "true", **NPM_QUIET}


class PackageBuild:
    """`npm run build`, where the package has such a script."""

    name = "package-build"
    report = "built.txt"
    refused_args = ("--watch",)

    def applies(self, workspace: Path) -> bool:
        return is_javascript(workspace) and bool(script(workspace, "build"))

    def command(self, exam: Examination) -> list[str]:
        read_manifest(exam.workspace)
        return [str(npm()), "run", "build", *(["--", *exam.args] if exam.args else [])]

    def examine(self, exam: Examination) -> Evidence:
        command = self.command(exam)
        before = snapshot(exam)
        result = run_program(exam.ctx, "npm", command, env=_ENV)
        after = snapshot(exam)
        written = sorted(name for name, state in after.items() if before.get(name) != state)
        return judge(written, exit_code=result.exit_code or 0, last=last_words(result))


def judge(written: list[str], *, exit_code: int, last: str) -> Evidence:
    """Make evidence of the files that a build wrote, as the table above tells.

    Raises:
        NoEvidence: a program of the build is not there.
    """
    if exit_code == _NOT_FOUND:
        raise NoEvidence(f"the build could not be run{last}", hint="npm install", retryable=False)
    report = "".join(f"{name}\n" for name in written[:_MOST_TOLD]).encode()
    counts = {"artifacts": len(written), "findings": int(exit_code != 0)}
    if exit_code:
        said = f"npm run build exited with code {exit_code}{last}"
        return Evidence(Verdict.FAILED, said, counts, (Finding(FILE, 0, 0, "build", "error", said),), report)
    if not written:
        hint = "see what the script `build` of package.json makes"
        return Evidence(Verdict.VACUOUS, "the build made no file", counts, hint=hint)
    return Evidence(Verdict.PASSED, f"{counted(len(written), 'file')} built", counts, (), report)


def snapshot(exam: Examination) -> Mapping[str, tuple[int, int]]:
    """When each file was written, to the nanosecond, and its size, by its path in the workspace."""
    return dict(_files(exam.workspace, exam.ctx.store))


def _files(workspace: Path, store: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    for folder, folders, names in os.walk(workspace):
        folders[:] = [name for name in folders if name not in _NOT_BUILT and Path(folder, name) != store]
        for name in names:
            path = os.path.join(folder, name)
            try:
                state = os.lstat(path)
            except OSError:
                continue
            yield os.path.relpath(path, workspace), (state.st_mtime_ns, state.st_size)
