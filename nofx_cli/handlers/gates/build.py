"""`gate:build`: `python -m build` makes an sdist and a wheel, and each of them is opened.

Backends write into the folder that they build (`build/`, `*.egg-info`), so it is a copy of the project's own files
(`own_files`) in the step's scratch folder. Its `.git` leads to the project's repository, which version plugins ask.

    what came of it                                      verdict
    nothing says how to build                            vacuous (skipped where there is a project)
    a pyproject.toml that is no TOML                     failed
    the backend failed                                   failed
    what the backend needs could not be installed        errored (most often there is no network)
    an archive is missing, or cannot be read             errored
    a wheel with nothing in it but its own metadata      vacuous
    both archives with files in them                     passed

The backend is taken from the environment of the program where it is installed there with all that it asks for, so that
no network is needed; else `build` installs it in an isolated environment.
"""

import json
import os
import re
import shutil
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from nofx_cli.domain.ids import digest_of_bytes
from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates import pyproject
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.gate import Examination, GateHandler, run_program
from nofx_cli.handlers.gates.javascript.package_build import PackageBuild
from nofx_cli.handlers.gates.own_files import in_checkout, own_files
from nofx_cli.handlers.gates.programs import program

_BACKEND = "setuptools.build_meta"
_FAULTS_OF_THE_PROJECT = ("Backend subprocess exited", "Backend operation failed", "Failed to validate")
_NO_ISOLATION, _UNMET = "--no-isolation", "Unmet dependencies"
_INSTALLER = "ERROR: "
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception)\b")
_OFFLINE_HINT = "the log says what could not be had; without a network, install what the backend needs beside `build`"
_EMPTY_HINT = "see what the backend's settings take into the wheel, or leave the gate out"
_ENV = {"GIT_OPTIONAL_LOCKS": "0", "PYTHONDONTWRITEBYTECODE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


class PythonBuild:
    """The check of Python behind `gate:build`."""

    name = "build"
    report = "archives.json"
    refused_args = (
        "-o", "-s", "-w", "-V", "-h", "--outdir", "--sdist", "--wheel", "--metadata", "--version", "--help",
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        return says_how_to_build(workspace) or bool(pyproject.fault(workspace))

    def command(self, exam: Examination) -> list[str]:
        build = program(exam.workspace, "pyproject-build")
        isolation = [_NO_ISOLATION] if _has_backend(exam.workspace, build[0]) else []
        return [*build, *exam.args, *isolation, "--outdir", str(exam.reports / "dist"), str(exam.reports / "source")]

    def examine(self, exam: Examination) -> Evidence:
        if exam.paths:
            raise NoEvidence("a build is always of the whole project", hint="take `paths` out", retryable=False)
        if broken := pyproject.fault(exam.workspace):
            finding = Finding(pyproject.FILE, 0, 0, "toml", "error", broken)
            return Evidence(Verdict.FAILED, f"{pyproject.FILE} is no TOML: {broken}", findings=(finding,))
        if not says_how_to_build(exam.workspace):
            told = "nothing says how to build: no [build-system] or [project] in pyproject.toml, no setup.py"
            return Evidence(Verdict.VACUOUS, told, {"artifacts": 0}, hint="leave the gate out")
        command = self.command(exam)
        _copy(exam, exam.reports / "source")
        exit_code, said = self._build(exam, command)
        if exit_code != 0 and _UNMET in said and _NO_ISOLATION in command and _NO_ISOLATION not in exam.args:
            # The backend is there, but not all that it asks for, such as `wheel` for a setuptools of before 70.1.
            exit_code, said = self._build(exam, [word for word in command if word != _NO_ISOLATION])
        if exit_code != 0:
            return _failed(said.splitlines(), exit_code)
        return judge(exam.reports / "dist")

    def _build(self, exam: Examination, command: Sequence[str]) -> tuple[int | None, str]:
        shutil.rmtree(exam.reports / "dist", ignore_errors=True)
        printed, messages = exam.reports / "printed.txt", exam.reports / "messages.txt"
        result = run_program(exam.ctx, self.name, command, env=_ENV, stdout=printed, stderr=messages)
        said = b"\n".join(read_report(file, by=self.name) for file in (printed, messages)).decode(errors="replace")
        exam.ctx.log(said)
        return result.exit_code, said


def judge(folder: Path) -> Evidence:
    """Make evidence of the archives in a folder.

    Raises:
        NoEvidence: there is not one of each kind, or one cannot be read.
    """
    archives = sorted(folder.iterdir()) if folder.is_dir() else []
    kinds = {"sdist": ".tar.gz", "wheel": ".whl"}
    missing = [kind for kind, suffix in kinds.items() if not any(path.name.endswith(suffix) for path in archives)]
    if missing:
        raise NoEvidence(f"build ended without making a {' and a '.join(missing)}")
    contents = {path: _files_in(path) for path in archives}
    told = [
        {
            "name": path.name,
            "bytes": path.stat().st_size,
            "sha256": digest_of_bytes(path.read_bytes()),
            "files": len(files),
        }
        for path, files in contents.items()
    ]
    report = json.dumps(told, indent=1).encode()
    counts = {"artifacts": len(archives), "files": sum(map(len, contents.values()))}
    names = ", ".join(f"{path.name} ({counted(len(files), 'file')})" for path, files in contents.items())
    if empty := [path.name for path, files in contents.items() if not _has_content(path, files)]:
        summary = f"{empty[0]} has nothing in it but its metadata"
        return Evidence(Verdict.VACUOUS, summary, {**counts, "artifacts": 0}, report=report, hint=_EMPTY_HINT)
    return Evidence(Verdict.PASSED, names, counts, report=report)


def _failed(lines: list[str], exit_code: int | None) -> Evidence:
    """The project fails where its backend ran and broke; all else is what could not be had to build it with."""
    told = [line.removeprefix("ERROR ") for line in lines if line.startswith("ERROR ")]
    said = told or [line for line in lines if line.strip()] or ["it said nothing"]
    if not said[-1].startswith(_FAULTS_OF_THE_PROJECT):
        why = next((line for line in reversed(lines) if _INSTALLER in line), said[-1])
        raise NoEvidence(f"build exited with code {exit_code}: {why.strip(' <')}", hint=_OFFLINE_HINT)
    raised = [line for line in lines if _EXCEPTION.match(line)]
    why = raised[-1] if raised else said[-1]
    finding = Finding(pyproject.FILE, 0, 0, "build", "error", why)
    return Evidence(Verdict.FAILED, f"it cannot be built: {why}", {"artifacts": 0, "findings": 1}, (finding,))


def says_how_to_build(workspace: Path) -> bool:
    """Whether there is something that `python -m build` could build."""
    tables = (pyproject.table(workspace, name) for name in ("build-system", "project"))
    return any(table is not None for table in tables) or (workspace / "setup.py").is_file()


def _has_backend(workspace: Path, build: str) -> bool:
    """Whether the backend need not be installed: it is in the environment of `build`, or in the project itself."""
    system = pyproject.table(workspace, "build-system") or {}
    if system.get("backend-path") and not system.get("requires"):
        return True
    package = str(system.get("build-backend", _BACKEND)).partition(":")[0].partition(".")[0]
    return any(Path(build).parent.parent.glob(f"lib/python*/site-packages/{package}/__init__.py"))


def _copy(exam: Examination, target: Path) -> None:
    for name in own_files(exam):
        source, copy = exam.workspace / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            copy.symlink_to(os.readlink(source))
        elif source.is_file():
            shutil.copy2(source, copy)
    git = exam.workspace / ".git"
    if in_checkout(exam.workspace) and git.exists():
        # A file `.git` names the folder; a worktree's own one already is such a file.
        (target / ".git").write_text(git.read_text("utf-8") if git.is_file() else f"gitdir: {git}\n", "utf-8")


def _files_in(archive: Path) -> list[str]:
    """The names of the files in an archive, all of which was read."""
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                if damaged := wheel.testzip():
                    raise NoEvidence(f"{damaged} in {archive.name} cannot be read")
                return [info.filename for info in wheel.infolist() if not info.is_dir()]
        with tarfile.open(archive, "r:gz") as sdist:
            return [member.name for member in sdist if member.isfile() and _is_readable(sdist, member)]
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zipfile.LargeZipFile) as exc:
        raise NoEvidence(f"{archive.name} is no archive that can be read: {exc}") from exc


def _is_readable(sdist: tarfile.TarFile, member: tarfile.TarInfo) -> bool:
    """Read a file of the archive to its end; what is cut off raises."""
    content = sdist.extractfile(member)
    while content is not None and content.read(1024 * 1024):
        pass
    return content is not None


def _has_content(archive: Path, files: list[str]) -> bool:
    if archive.suffix == ".whl":
        return any(".dist-info/" not in name for name in files)
    return any(name.rpartition("/")[2] != "PKG-INFO" for name in files)


HANDLER = GateHandler(("gate:build",), PythonBuild(), PackageBuild())
