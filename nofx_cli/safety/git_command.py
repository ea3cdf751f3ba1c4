"""git, asked in a way that nothing in a checkout has a say in: neither its programs nor whoever started nofx.

Git runs programs that a checkout's own settings name: hooks, a monitor of the file system, filters, transports for
objects that are missing. An earlier step may have written those settings, even one that was shut in, so they do not
count here; those of the user and of the machine do. What the environment says of a repository (`GIT_DIR`,
`GIT_INDEX_FILE`, … as hooks of git have it) is about somebody else's work and does not count either.

No other machine is reached, unless the caller says by a `Reach` how: by one protocol, with what it is given to prove
who it is, and with nobody asked for a password.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nofx_cli import errors
from nofx_cli.safety.git_filters import LIST_FILTERS, without_own_filters

if TYPE_CHECKING:
    from subprocess import CompletedProcess

QUICK_SECONDS = 10
LONG_SECONDS = 600
_OF_THE_USER = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_COUNT")
"""With `GIT_CONFIG_KEY_<n>` and `GIT_CONFIG_VALUE_<n>`: where the user's and the machine's settings stand."""
_SETTINGS = (
    *("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.splitIndex=false", "submodule.recurse=false"),
    *("advice.detachedHead=false", "core.quotePath=false", "gc.auto=0", "maintenance.auto=false"),
    "core.fsyncMethod=batch",
)
_OF_REACHING = ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH")
"""How whoever started nofx reaches other machines."""
_ASKED_SECONDS = 0.05
DID_NOT_END = "did not end within"


def _nothing_to_check() -> None:
    """Nobody stops it."""


class Reach:
    """How another machine, or another folder, may be reached.

    Args:
        protocol: the one that may be used: `https`, `http`, `ssh`, `git` or `file`.
        settings: of git, in order; they may be secret, and stand in no argument.
        check: asked all the while; what it raises ends the command.
    """

    __slots__ = ("check", "protocol", "settings")

    def __init__(
        self,
        protocol: str,
        settings: Sequence[tuple[str, str]] = (),
        *,
        check: Callable[[], None] = _nothing_to_check,
    ) -> None:
        self.protocol, self.settings, self.check = protocol, tuple(settings), check

    def environment(self, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """What git has in its environment for it, beside that which it has without."""
        yield "GIT_ALLOW_PROTOCOL", self.protocol
        yield from ((name, environ[name]) for name in _OF_REACHING if name in environ)
        yield from {"GIT_ASKPASS": "", "SSH_ASKPASS": "", "SSH_ASKPASS_REQUIRE": "never"}.items()
        # The user's settings may have git write down what it is given, and the settings may be secret.
        yield from ((f"GIT_TRACE2{kind}", "0") for kind in ("", "_PERF", "_EVENT"))
        count = environ.get("GIT_CONFIG_COUNT", "")
        first = int(count) if count.isdecimal() else 0
        for number, (name, value) in enumerate(self.settings, first):
            yield f"GIT_CONFIG_KEY_{number}", name
            yield f"GIT_CONFIG_VALUE_{number}", value
        yield "GIT_CONFIG_COUNT", str(first + len(self.settings))


class Git:
    """git in one folder.

    Args:
        git_dir: the repository's folder, where git is not to look for it; `folder` is the top of the work tree then.
        index: an index of nofx's own.
        reach: how remotes may be reached; without it none is.
        durable: what is written is still there after a power cut; git older than 2.36 does not know how.
        of_nofx: the repository is one that nofx made, so its settings name no programs, and are not looked at.
    """

    def __init__(
        self,
        folder: Path,
        *,
        git_dir: Path | None = None,
        index: Path | None = None,
        reach: Reach | None = None,
        durable: bool = True,
        of_nofx: bool = False,
    ) -> None:
        self.folder, self._reach = folder, reach
        self._environment = dict(_environment(os.environ))
        if reach is not None:
            self._environment.update(reach.environment(os.environ))
        if git_dir is not None:
            self._environment |= {"GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(folder)}
        if index is not None:
            self._environment["GIT_INDEX_FILE"] = str(index)
        fsync = "objects,reference" if durable else "none"
        self._settings = [word for setting in (*_SETTINGS, f"core.fsync={fsync}") for word in ("-c", setting)]
        self._filters: list[str] | None = [] if of_nofx else None

    def ask(self, *words: str) -> str | None:
        """What a command prints that only looks; None where it fails or cannot be run."""
        try:
            return os.fsdecode(self.do(*words, seconds=QUICK_SECONDS))
        except errors.Unavailable:
            return None

    def holds(self, *words: str) -> bool:
        """Whether a command that only looks says yes (0), and not no (1).

        Raises:
            errors.Unavailable: it failed (code `git-failed`).
        """
        return self._run(words, options=self._settings, seconds=QUICK_SECONDS, codes=(0, 1)).returncode == 0

    def do(
        self,
        *words: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        seconds: float = LONG_SECONDS,
        codes: Sequence[int] = (0,),
    ) -> bytes:
        """Run a command; returns what it printed.

        Args:
            codes: the exit codes that are an answer.

        Raises:
            errors.Unavailable: it failed (code `git-failed`); the message has git's words.
        """
        # Also for commands that seem to need none: `write-tree` looks into files that changed when the index did.
        options = [*self._settings, *self._without_own_filters()]
        return self._run(words, options=options, stdin=stdin, env=env or {}, seconds=seconds, codes=codes).stdout

    def attempt(self, *words: str, seconds: float = LONG_SECONDS) -> tuple[int, str, str]:
        """Run a command whose failure is an answer, too: its exit code, and what it printed and said.

        Raises:
            errors.Unavailable: it could not be run, or did not end (code `git-failed`).
        """
        options = [*self._settings, *self._without_own_filters()]
        answer = self._run(words, options=options, seconds=seconds, codes=None)
        return answer.returncode, answer.stdout.decode(errors="replace"), answer.stderr.decode(errors="replace")

    def _without_own_filters(self) -> list[str]:
        """Options that put the user's filters in the place of those which the checkout itself names.

        Raises:
            errors.Unavailable: one of them can be taken away in no way.
        """
        if self._filters is None:
            told = self._run(LIST_FILTERS[1:], seconds=QUICK_SECONDS, codes=(0, 1)).stdout
            self._filters = without_own_filters(os.fsdecode(told))
        if self._filters is None:
            raise errors.Unavailable(
                "the repository's own settings name a filter with `=` in its name, which cannot be kept from running",
                code="git-failed",
                hint="rename the filter in .git/config and .gitattributes",
            )
        return self._filters

    def _run(
        self,
        words: Sequence[str],
        *,
        options: Sequence[str] = (),
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        seconds: float,
        codes: Sequence[int] | None,
    ) -> "CompletedProcess[bytes]":
        import subprocess

        argv, environment = ["git", *options, *words], {**self._environment, **(env or {})}
        try:
            if self._reach is not None:
                answer = _watched(argv, self.folder, environment, stdin=stdin, seconds=seconds, check=self._reach.check)
            else:
                answer = subprocess.run(
                    argv,
                    cwd=self.folder,
                    env=environment,
                    input=stdin,
                    capture_output=True,
                    timeout=seconds,
                    check=False,
                )
        except subprocess.TimeoutExpired as exc:
            raise _failed(words, f"it {DID_NOT_END} {seconds:g}s") from exc
        except FileNotFoundError as exc:
            missing = "git is not installed" if self.folder.is_dir() else f"the folder {self.folder} does not exist"
            raise _failed(words, missing) from exc
        except OSError as exc:
            raise _failed(words, str(exc.strerror)) from exc
        if codes is not None and answer.returncode not in codes:
            raise _failed(words, _reason(answer.stderr.decode(errors="replace")) or f"exit code {answer.returncode}")
        return answer


def _watched(
    argv: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    stdin: bytes,
    seconds: float,
    check: Callable[[], None],
) -> "CompletedProcess[bytes]":
    """Run git while somebody may want it to stop; away from the terminal, on which ssh would ask for a password."""
    import signal
    import subprocess
    from tempfile import TemporaryFile
    from time import monotonic

    over, pipe = monotonic() + seconds, subprocess.PIPE
    with TemporaryFile() as given:  # a pipe that is waited on with a time limit does not get all of it (CPython 3.11)
        given.write(stdin)
        given.seek(0)
        with subprocess.Popen(
            argv, cwd=folder, env=environment, stdin=given, stdout=pipe, stderr=pipe, start_new_session=True
        ) as git:
            try:
                while True:
                    check()
                    try:
                        out, said = git.communicate(timeout=_ASKED_SECONDS)
                    except subprocess.TimeoutExpired:
                        if monotonic() > over:
                            raise subprocess.TimeoutExpired(argv, seconds) from None
                    else:
                        return subprocess.CompletedProcess(argv, git.returncode, out, said)
            finally:
                if git.returncode is None:
                    os.killpg(git.pid, signal.SIGKILL)


def _environment(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in environ.items():
        if not name.startswith("GIT_") or name in _OF_THE_USER or name.startswith(("GIT_CONFIG_KEY", "GIT_CONFIG_VAL")):
            yield name, value
    # No object is fetched: the address, and the program that would be asked, stand in the checkout's own settings.
    yield from {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}.items()
    yield from {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C.UTF-8"}.items()


def _reason(stderr: str) -> str:
    """What git said that it was, or else said last."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    said = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    return (said or lines or [""])[0].removeprefix("fatal: ").removeprefix("error: ")


def _failed(words: Sequence[str], why: str) -> errors.Unavailable:
    name = words[2] if words[0] == "-c" else words[0]
    message = f"git {name} failed: {why}"
    return errors.Unavailable(message, code="git-failed", hint=remedy_of(why), context={"reason": why})


_REMEDIES = {
    "dubious ownership": "the repository belongs to another user; if you trust it: git config --global --add "
    "safe.directory FOLDER",
    "'refs/heads/nofx' exists": "branches of runs are called nofx/<run id>, so none can be called nofx: git branch -m "
    "nofx OTHER-NAME",
}


def remedy_of(why: str) -> str:
    """What mends a failure of git by what it said; empty where nobody knows."""
    return next((remedy for sign, remedy in _REMEDIES.items() if sign in why), "")
