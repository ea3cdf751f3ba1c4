"""git, as it is used to compare a workspace with itself: in a repository of the attempt's own.

Git runs programs that a repository's settings name: filters, a monitor, hooks. The agent may have written those. So
the workspace is read through a repository that lies in the attempt's scratch folder and has no settings; from the real
one it takes the index, to know what did not change, and reads objects. Nothing is written to the real one.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.record import record

_SECONDS = 120
_OPTIONS = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"),
    *("-c", "core.untrackedCache=false", "-c", "core.splitIndex=false", "-c", "core.bare=false", "-c", "gc.auto=0"),
)
_KEPT_SETTINGS = r"^core\.(autocrlf|eol|filemode|symlinks|ignorecase)$"
"""What decides how contents of files are read, and names no program."""


@record
class Repository:
    """Where a repository has its parts.

    `git_dir` and `common` differ in a worktree; `top` is where its files are; `digests` is how it names objects.
    """

    top: Path
    git_dir: Path
    common: Path
    index: Path
    objects: Path
    digests: str


def find_repository(workspace: Path) -> Repository | None:
    """The repository that the workspace is in; None where it is in none, or git cannot be used."""
    if not any((folder / ".git").exists() for folder in (workspace, *workspace.parents)):
        return None
    asked = ("--show-toplevel", "--absolute-git-dir", "--git-common-dir")
    more = ("--git-path", "index", "--git-path", "objects", "--show-object-format")
    try:
        answer = run_git(workspace, "rev-parse", *asked, *more)
    except errors.StoreFailure:
        return None
    lines = os.fsdecode(answer).split("\n")
    if len(lines) != 7:  # a name with a line break in it
        return None
    places = [workspace / line for line in lines[:5]]
    top, git_dir, common, index, objects = places
    return Repository(top, git_dir, common, index, objects, digests=lines[5])


def head_of(workspace: Path) -> str:
    """The commit that is checked out; empty where there is none."""
    try:
        return run_git(workspace, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").decode().strip()
    except errors.StoreFailure:
        return ""


class OwnRepository:
    """A repository for one comparison, with the workspace as its work tree. Made in `folder`, which must not exist.

    Raises:
        errors.StoreFailure: git fails (code `git-failed`), here and in all that it does.
    """

    def __init__(self, folder: Path, workspace: Path, real: Repository) -> None:
        self._workspace, self._folder = workspace, folder
        words = ("init", "--quiet", "--bare", "--template=", f"--object-format={real.digests}", str(folder))
        run_git(workspace, *words, env=_WITHOUT_SETTINGS)
        self._settings = [word for setting in _settings_of(workspace) for word in ("-c", setting)]
        self._env = {
            **_WITHOUT_SETTINGS,
            "GIT_DIR": str(folder),
            "GIT_WORK_TREE": str(real.top),
            "GIT_LITERAL_PATHSPECS": "1",
        }
        (folder / "objects" / "info").mkdir(parents=True, exist_ok=True)
        (folder / "objects" / "info" / "alternates").write_bytes(os.fsencode(real.objects) + b"\n")
        _copy(real.common / "info" / "exclude", folder / "info" / "exclude")
        _copy(real.index, folder / "index")
        self._need_index(real)

    def run(self, *words: str, stdin: bytes = b"", limit: int | None = None) -> bytes:
        """What a command prints; no more than `limit` bytes of it, where that is given."""
        return run_git(self._workspace, *self._settings, *words, stdin=stdin, env=self._env, limit=limit)

    def _need_index(self, real: Repository) -> None:
        """An index that does not stand alone cannot be copied: then all files are read."""
        try:
            self.run("ls-files", "--cached", "-z")
        except errors.StoreFailure:
            (self._folder / "index").unlink(missing_ok=True)
            if head := head_of(self._workspace):
                self.run("read-tree", head)


_WITHOUT_SETTINGS: Mapping[str, str] = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def run_git(
    folder: Path, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, limit: int | None = None
) -> bytes:
    """What git prints.

    Args:
        limit: how many bytes are read at most; git is ended when there is more.

    Raises:
        errors.StoreFailure: it failed (code `git-failed`).
    """
    import subprocess

    environment = {**dict(_environment()), **(env or {})}
    argv = ["git", *_OPTIONS, *words]
    pipe = subprocess.PIPE
    try:
        with subprocess.Popen(argv, cwd=folder, env=environment, stdin=pipe, stdout=pipe, stderr=pipe) as git:
            if limit and git.stdout and len(head := git.stdout.read(limit)) == limit:
                git.kill()
                return head
            try:
                rest, said = git.communicate(stdin, timeout=_SECONDS)
            except subprocess.TimeoutExpired as exc:
                git.kill()
                raise _failed(words, f"it did not end within {_SECONDS} s") from exc
    except OSError as exc:
        raise _failed(words, str(exc.strerror)) from exc
    if git.returncode:
        raise _failed(words, said.decode(errors="replace").strip().rpartition("\n")[2])
    return head + rest if limit else rest


def _environment() -> Iterator[tuple[str, str]]:
    """That of nofx without what is meant for another repository, as hooks of git have it."""
    for name, value in os.environ.items():
        if not name.startswith("GIT_") or name in _WITHOUT_SETTINGS:
            yield name, value
    yield from {"GIT_OPTIONAL_LOCKS": "0", "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}.items()
    yield from {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}.items()


def _settings_of(workspace: Path) -> list[str]:
    try:
        told = run_git(workspace, "config", "-z", "--get-regexp", _KEPT_SETTINGS)
    except errors.StoreFailure:  # there is none
        return []
    pairs = (entry.partition("\n") for entry in os.fsdecode(told).split("\0") if entry)
    return [f"{name}={value}" for name, _, value in pairs]


def _copy(source: Path, target: Path) -> None:
    import shutil
    from contextlib import suppress

    target.parent.mkdir(exist_ok=True)
    with suppress(FileNotFoundError, IsADirectoryError):
        shutil.copyfile(source, target)


def _failed(words: Sequence[str], why: str) -> errors.StoreFailure:
    name = next((word for word in words if not word.startswith("-") and "=" not in word), "")
    return errors.StoreFailure(
        f"what the agent changed cannot be found out: git {name} failed: {why}",
        code="git-failed",
        hint="see what git says of the workspace: git status",
    )
