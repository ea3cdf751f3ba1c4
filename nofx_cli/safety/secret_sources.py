"""Where the value of a secret comes from: the environment, a file, the keyring of the system, a command.

Each function gives the value, or raises `NotToBeHad` with words that never hold one: what a command or a library says
about a failure may, so it is not passed on.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from nofx_cli.domain.project import SecretKind, SecretSpec
from nofx_cli.regular_files import NotRegular, open_regular
from nofx_cli.safety.environment import base_environment

if TYPE_CHECKING:
    import subprocess

TIME_LIMIT_SECONDS = 30
LARGEST = 64 * 1024


class NotToBeHad(Exception):
    """Why a value cannot be had, and what mends that."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.why, self.remedy = why, remedy


def value_of(spec: SecretSpec, *, project: Path, environ: Mapping[str, str]) -> str:
    """The value of a secret, without a newline at its end where a file or a command gives it.

    Raises:
        NotToBeHad: it is not there, is empty, or holds what no variable of a process can.
    """
    match spec.kind:
        case SecretKind.ENV:
            value = _of_environment(spec.where[0], environ)
        case SecretKind.FILE:
            value = _of_file(path_of(spec, project=project, environ=environ))
        case SecretKind.KEYRING:
            value = _of_keyring(*spec.where)
        case SecretKind.COMMAND:
            value = _of_command(spec.where, project, environ)
        case _ as never:
            assert_never(never)
    if not value.strip():
        raise NotToBeHad("is empty", "give it a value")
    if "\0" in value:
        raise NotToBeHad("holds a NUL character", "give it a value that a process can have")
    return value


def path_of(spec: SecretSpec, *, project: Path, environ: Mapping[str, str]) -> Path:
    """The file that a secret of that kind stands in: `~` is the home of `environ`, else relative to the project."""
    name = spec.where[0]
    home = environ.get("HOME")
    if home and (name == "~" or name.startswith("~/")):
        return Path(home, name[2:])
    return project / os.path.expanduser(name)


def _of_environment(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise NotToBeHad(f"is not there: the variable {name} is not set", f"set {name} before nofx is started")
    return environ[name]


def _of_file(path: Path) -> str:
    try:
        with open_regular(path) as file:
            data = file.read(LARGEST + 1)
    except NotRegular as exc:
        raise NotToBeHad(f"cannot be read: {path} is no regular file", "name the file that holds it") from exc
    except OSError as exc:
        why = (exc.strerror or type(exc).__name__).lower()
        raise NotToBeHad(f"cannot be read: {path}: {why}", f"write it to {path}, readable only by you") from exc
    return _text(data)


def _of_keyring(service: str, user: str) -> str:
    from importlib import import_module

    try:
        keyring = import_module("keyring")
    except ImportError as exc:
        raise NotToBeHad("needs the library keyring, which is not there", "pip install 'nofx-cli[keyring]'") from exc
    remedy = f"keyring set {service} {user}"
    try:
        value: str | None = keyring.get_password(service, user)
    except Exception as exc:  # noqa: BLE001 - each of its backends raises its own
        raise NotToBeHad(f"cannot be read: the keyring answered with {type(exc).__name__}", remedy) from None
    if value is None:
        raise NotToBeHad(f"is not there: the keyring has nothing for {user} of {service}", remedy)
    return value


def _of_command(argv: tuple[str, ...], project: Path, environ: Mapping[str, str]) -> str:
    """Its standard output; what it says on standard error is shown to nobody, as it may hold the secret."""
    import subprocess

    remedy = f"run the command by hand to see what it says: {argv[0]} …"
    try:
        child = subprocess.Popen(
            argv,
            env=base_environment(None, environ),
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as exc:
        why = (getattr(exc, "strerror", "") or type(exc).__name__).lower()
        raise NotToBeHad(f"cannot be had: {argv[0]}: {why}", remedy) from None
    try:
        output, _ = child.communicate(timeout=TIME_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotToBeHad(f"cannot be had: {argv[0]} did not end within {TIME_LIMIT_SECONDS} s", remedy) from None
    finally:
        _end(child)
    if child.returncode:
        raise NotToBeHad(f"cannot be had: {argv[0]} exited with {child.returncode}", remedy)
    return _text(output)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End a command that did not end by itself, and what it started; nothing is left to wait for then."""
    from contextlib import suppress
    from signal import SIGKILL

    if child.returncode is None:  # not reaped, so the group is surely its own, also where it left others behind
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, SIGKILL)
        child.wait()
    if child.stdout:
        child.stdout.close()


def _text(data: bytes) -> str:
    if len(data) > LARGEST:
        raise NotToBeHad(f"is larger than {LARGEST} bytes", "hand over a path to it instead")
    text = data.decode("utf-8", "surrogateescape")
    return text.removesuffix("\n").removesuffix("\r")
