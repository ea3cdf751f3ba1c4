"""Start a program, or say clearly why it cannot be started."""

import errno
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from nofx_cli import errors
from nofx_cli.ports.processes import ProcessSpec
from nofx_cli.safety.ending import rest

if TYPE_CHECKING:
    from nofx_cli.safety.sandbox_launch import Launch

_BUSY_TRIES = 5
_BUSY_PAUSE_MS = 20


def find_program(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> str:
    """The file that `argv[0]` means to a child in `cwd` with `env`.

    Raises:
        errors.InvalidInput: there is no argument (code `program-missing`).
        errors.NotFound: no such working folder or program (codes `cwd-not-found`, `program-not-found`).
        errors.Denied: it may not be executed (code `program-not-executable`).
    """
    if not argv or not argv[0]:
        raise errors.InvalidInput("there is no program to start", code="program-missing", hint="name one in `command`")
    if not os.path.isdir(cwd):
        what = "is not a folder" if os.path.exists(cwd) else "does not exist"
        raise errors.NotFound(
            f"the working folder {cwd} {what}",
            code="cwd-not-found",
            hint="make it in an earlier step, or mend `cwd` in the plan",
            context={"cwd": str(cwd)},
        )
    program = argv[0]
    if "/" in program:
        candidates = [os.path.join(cwd, program)]
    else:
        folders = env.get("PATH", os.defpath).split(os.pathsep)
        candidates = [os.path.join(cwd, folder, program) for folder in folders]
    found = next((path for path in candidates if _is_executable(path)), None)
    if found is not None:
        return found
    there = next((path for path in candidates if os.path.exists(path)), None)
    if there is None:
        raise _program_not_found(program, env)
    raise _not_executable(there)


def start(
    spec: ProcessSpec, program: str, *, stdout: int, stderr: int, launch: "Launch | None" = None
) -> "subprocess.Popen[bytes]":
    """Start it in a session of its own, with nothing to read but the file of the spec, and no file of ours open.

    Args:
        launch: how it is shut in. Then it is the launcher that is started, and whether the program could be is told
            by what `launch` hears.

    Raises:
        errors.InvalidInput: a NUL or an unwritable character in an argument (code `program-arguments`), or too
            many bytes of them (code `arguments-too-long`).
        errors.NotFound, errors.Denied: as `find_program`; also for a missing interpreter and a wrong file format.
        errors.StoreFailure: the system has no room for a further process (code `process-not-started`).
    """
    for attempt in range(_BUSY_TRIES + 1):
        try:
            with open(spec.stdin or os.devnull, "rb") as stdin:
                if launch is not None:
                    return _start_launcher(launch, stdin=stdin, stdout=stdout, stderr=stderr)
                return subprocess.Popen(
                    spec.argv,
                    executable=program,
                    cwd=spec.cwd,
                    env=spec.env,
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                    start_new_session=True,
                )
        except OSError as exc:
            if exc.errno != errno.ETXTBSY or attempt == _BUSY_TRIES:
                refuse(exc, spec, program)
        except ValueError as exc:  # NUL bytes, lone surrogates, "=" in the name of a variable
            raise errors.InvalidInput(
                f"{spec.argv[0]!r} cannot be started with these arguments and environment: {exc}",
                code="program-arguments",
                hint="look for NUL characters in the arguments and in `env`",
            ) from exc
        rest(_BUSY_PAUSE_MS)  # some child of ours, about to exec, still holds the program open for writing
    raise AssertionError("unreachable")


def _is_executable(path: str) -> bool:
    return os.access(path, os.X_OK) and not os.path.isdir(path)


def _start_launcher(launch: "Launch", *, stdin: BinaryIO, stdout: int, stderr: int) -> "subprocess.Popen[bytes]":
    order = launch.order()
    try:
        return subprocess.Popen(
            order.argv,
            cwd="/",
            env=order.env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            pass_fds=order.files,
        )
    finally:
        for file in order.files:
            os.close(file)


def refuse(exc: OSError, spec: ProcessSpec, program: str) -> NoReturn:
    """Say why the system would not execute the program."""
    match exc.errno:
        case errno.ENOENT | errno.ENOTDIR:
            raise errors.NotFound(
                f"{program} is there, but the interpreter that it names in its first line is not",
                code="program-not-found",
                hint="mend its `#!` line, or install that interpreter",
                context={"program": program},
            ) from exc
        case errno.ENOEXEC:
            raise errors.Denied(
                f"{program} cannot be executed: it has no `#!` line and is no program for this machine "
                "(Exec format error)",
                code="program-not-executable",
                hint="begin it with a line such as `#!/bin/sh`",
                context={"program": program},
            ) from exc
        case errno.E2BIG:
            size = sum(len(os.fsencode(text)) + 1 for text in (*spec.argv, *spec.env, *spec.env.values()))
            raise errors.InvalidInput(
                f"the arguments and the environment of {spec.argv[0]!r} have {size} bytes, more than the system takes",
                code="arguments-too-long",
                hint="hand long values over in a file",
                context={"bytes": size},
            ) from exc
        case errno.EACCES | errno.EPERM | errno.ETXTBSY:
            raise _not_executable(program, exc.strerror) from exc
        case _:
            raise errors.StoreFailure(
                f"{spec.argv[0]!r} could not be started: {exc.strerror}",
                code="process-not-started",
                hint="the system is out of processes, memory or open files; see `ulimit -a`",
            ) from exc


def _program_not_found(program: str, env: Mapping[str, str]) -> errors.NotFound:
    if "/" in program:
        return errors.NotFound(
            f"the program {program} does not exist",
            code="program-not-found",
            hint="mend the path in `command`; it is relative to the step's working folder",
            context={"program": program},
        )
    path = env.get("PATH", os.defpath)
    return errors.NotFound(
        f"the program {program!r} was not found in PATH={path}",
        code="program-not-found",
        hint=f"install {program}, or name the whole path to it",
        context={"program": program, "path": path},
    )


def _not_executable(path: str, why: str | None = None) -> errors.Denied:
    is_folder = os.path.isdir(path)
    what = "it is a folder" if is_folder else why or "it is not marked as executable"
    return errors.Denied(
        f"{path} cannot be executed: {what}",
        code="program-not-executable",
        hint="name a program, not a folder" if is_folder else f"chmod +x {path}",
        context={"program": path},
    )
