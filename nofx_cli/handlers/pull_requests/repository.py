"""A repository of nofx's own, in which the commit is made and from which it is pushed.

It is made for one look or one attempt and thrown away, so nothing in it is made durable. It has no settings, no hooks
and no work tree; from the project's repository it borrows objects, and writes nothing there: neither an object nor a
reference. So the user's folder, index, branches, stash and settings cannot be touched, and nothing that an earlier step
wrote into them has a say.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.handlers.pull_requests.checkout import Checkout, is_partial
from nofx_cli.handlers.pull_requests.pushing import push_failed, remote_failed
from nofx_cli.handlers.pull_requests.remote import Remote
from nofx_cli.safety.git_command import DID_NOT_END, LONG_SECONDS, Git, Reach

_BASE, _TIP = "refs/nofx/base", "refs/nofx/tip"
FILE, PROGRAM, LINK, SUBMODULE = "100644", "100755", "120000", "160000"
_LOOK_SECONDS = 60
_MOST_AT_ONCE = 200
_LONGEST_SIZE = 24


@record
class Entry:
    """What a tree has at a path: a mode and the name of the content."""

    mode: str
    oid: str


@record
class Change:
    """A path, what was there and what is to be there; None where nothing is."""

    path: str
    old: Entry | None
    new: Entry | None

    @property
    def word(self) -> str:
        return "added" if self.old is None else "removed" if self.new is None else "changed"


@record
class Heads:
    """What the remote has: the branch that pull requests go to, and the one of this step.

    `base` is the commit of `base_name`; `tip` that of the step's branch, empty where there is none.
    """

    base_name: str
    base: str
    tip: str


class OwnRepository:
    """The repository. Commands raise `errors.Unavailable` (code `git-failed`) where git fails.

    Args:
        folder: where it is made; it is not there yet.
    """

    def __init__(self, folder: Path, checkout: Checkout | None, remote: Remote, reach: Reach) -> None:
        self._remote, self._index = remote, folder / "nofx.index"
        form = (f"--object-format={checkout.digests}",) if checkout else ()
        outer = Git(folder.parent, durable=False, of_nofx=True)
        outer.do("init", "--quiet", "--bare", "--template=", *form, str(folder))
        self._folder, self._checkout = folder, checkout
        if checkout is not None:
            _borrow(folder, checkout)
        self.git = Git(folder, git_dir=folder, index=self._index, durable=False, of_nofx=True)
        self._outside = Git(folder, git_dir=folder, reach=reach, durable=False, of_nofx=True)
        self.objects = folder / "objects"

    def look(self, branch: str, base: str) -> Heads:
        """Ask the remote what it has; an empty `base` means the branch that it has for default.

        Raises:
            errors.NofxError: it cannot be reached, or there is no such base (`base-not-found`).
        """
        wanted = ["HEAD", f"refs/heads/{branch}", *([f"refs/heads/{base}"] if base else [])]
        words = ("ls-remote", "--symref", "--", self._remote.address, *wanted)
        code, told, said = self._attempt(*words, seconds=_LOOK_SECONDS)
        if code:
            raise remote_failed(self._remote, said)
        found: dict[str, str] = {}
        default = ""
        for line in told.splitlines():
            value, _, name = line.partition("\t")
            if value.startswith("ref: refs/heads/") and name == "HEAD":
                default = value.removeprefix("ref: refs/heads/")
            elif not value.startswith("ref: "):
                found[name] = value
        name = base or default
        at = found.get(f"refs/heads/{base}" if base else "HEAD", "") if name else ""
        if not at:
            raise _no_base(name, self._remote)
        return Heads(name, at, found.get(f"refs/heads/{branch}", ""))

    def have_base(self, heads: Heads) -> str:
        """The commit of the base, with all of its files; as it is when it has to be fetched."""
        return self._have(heads.base, f"refs/heads/{heads.base_name}", _BASE)

    def have_tip(self, heads: Heads, branch: str) -> str:
        """The commit of the step's branch, which is there."""
        return self._have(heads.tip, f"refs/heads/{branch}", _TIP)

    def _have(self, oid: str, ref: str, kept: str) -> str:
        partial = self._checkout is not None and is_partial(self._checkout)
        if not partial and self.git.ask("cat-file", "-e", f"{oid}^{{tree}}") is not None:
            return oid
        if self._checkout is not None and partial:
            _give_back(self._folder)  # else the remote takes it that what the clone lacks is there
            try:
                return self._fetched(ref, kept)
            finally:
                _borrow(self._folder, self._checkout)
        return self._fetched(ref, kept)

    def _fetched(self, ref: str, kept: str) -> str:
        options = ("--quiet", "--no-tags", "--depth=1", "--no-write-fetch-head", "--no-recurse-submodules")
        code, _, said = self._attempt("fetch", *options, "--", self._remote.address, f"+{ref}:{kept}")
        if code:
            raise remote_failed(self._remote, said)
        return self.git.do("rev-parse", "--verify", kept).decode().strip()

    def _attempt(self, *words: str, seconds: float = LONG_SECONDS) -> tuple[int, str, str]:
        """Reach the remote by git. Raises `errors.Unavailable` (code `remote-unreachable`) where it does not end."""
        try:
            return self._outside.attempt(*words, seconds=seconds)
        except errors.Unavailable as exc:
            reason = str(exc.context.get("reason", ""))
            if DID_NOT_END not in reason:
                raise
            raise remote_failed(self._remote, f"connection timed out: git {words[0]} {reason}") from exc

    def entries(self, tree: str) -> Mapping[str, Entry]:
        """What a tree has at each path, also of folders."""
        told = os.fsdecode(self.git.do("ls-tree", "-r", "-t", "-z", "--full-tree", tree))
        lines = (line.partition("\t") for line in told.split("\0") if line)
        return {path: _as_listed(what) for what, _, path in lines}

    def put(self, content: bytes) -> str:
        """Keep a content; returns its name."""
        return self.git.do("hash-object", "-w", "--no-filters", "--stdin", stdin=content).decode().strip()

    def put_all(self, contents: Sequence[bytes]) -> list[str]:
        """Keep contents; returns their names, in order."""
        if len(contents) < 2:
            return [self.put(content) for content in contents]
        with TemporaryDirectory(dir=self._folder, prefix="given-") as folder:
            names = [f"{folder}/{number}" for number in range(len(contents))]
            for name, content in zip(names, contents, strict=True):
                Path(name).write_bytes(content)
            return self.put_files(names)

    def put_files(self, names: Sequence[str]) -> list[str]:
        """Keep the contents of files as they are; returns their names, in order."""
        words = ("hash-object", "-w", "--no-filters", "--stdin-paths")
        return self.git.do(*words, stdin=lines_of_names(names)).decode().split()

    def contents(self, oids: Iterable[str]) -> Iterator[bytes]:
        """The contents of those names, a part of them at a time."""
        left = list(dict.fromkeys(oids))
        for first in range(0, len(left), _MOST_AT_ONCE):
            part = left[first : first + _MOST_AT_ONCE]
            told = self.git.do("cat-file", "--batch=%(objectsize)", stdin="".join(f"{oid}\n" for oid in part).encode())
            at = 0
            for _ in part:
                size, _, _ = told[at : at + _LONGEST_SIZE].partition(b"\n")
                at += len(size) + 1
                yield told[at : at + int(size)]
                at += int(size) + 1

    def content(self, oid: str) -> bytes:
        """The content of that name."""
        return self.git.do("cat-file", "blob", oid)

    def tree_with(self, base: str, changes: Sequence[Change]) -> str:
        """The tree of `base` with the changes made to it."""
        self.git.do("read-tree", f"{base}^{{tree}}")
        gone = "0" * len(base)
        ordered = sorted(changes, key=lambda change: change.new is not None)  # a folder may take the place of a file
        lines = [
            f"{change.new.mode} {change.new.oid}\t{change.path}" if change.new else f"0 {gone}\t{change.path}"
            for change in ordered
        ]
        self.git.do("update-index", "-z", "--index-info", stdin=b"".join(os.fsencode(line) + b"\0" for line in lines))
        return self.git.do("write-tree").decode().strip()

    def changes_between(self, old: str, new: str) -> list[Change]:
        """The changes from one tree to another, by path; a file that was renamed is one removed and one added."""
        told = os.fsdecode(self.git.do("diff-tree", "-r", "-z", "--no-renames", "--no-commit-id", old, new))
        fields = told.split("\0")
        return [_change(what, path) for what, path in zip(fields[::2], fields[1::2], strict=False)]

    def diff(self, old: str, new: str) -> str:
        """The same as a unified diff in git's form; binary files are only named."""
        options = ("-r", "-p", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--unified=3")
        told = self.git.do("-c", "diff.algorithm=default", "diff-tree", *options, old, new)
        return told.decode("utf-8", "replace")

    def push(self, commit: str, branch: str, *, instead_of: str) -> None:
        """Let the branch be that commit, if it still is `instead_of` (empty: is not there yet).

        Raises:
            errors.NofxError: it was refused, or the remote cannot be reached; whether it was made is for `look` to say.
        """
        ref = f"refs/heads/{branch}"
        options = ("--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no")
        lease = f"--force-with-lease={ref}:{instead_of}"
        words = ("push", *options, lease, "--", self._remote.address, f"{commit}:{ref}")
        code, told, said = self._attempt(*words)
        if code:
            raise push_failed(self._remote, branch, told=told, said=said)


def lines_of_names(names: Iterable[str]) -> bytes:
    """Names of files as git reads them, a line each; none has a line break in it."""
    quoted = (_quoted(name) if name.startswith('"') else name for name in names)
    return b"".join(os.fsencode(name) + b"\n" for name in quoted)


@contextmanager
def own_repository(
    checkout: Checkout | None, remote: Remote, reach: Reach, *, scratch: Path | None = None
) -> Iterator[OwnRepository]:
    """Make it in a temporary folder, and throw it away afterwards.

    Args:
        scratch: where the folder lies; what is left there by a crash goes with the attempt.
    """
    with TemporaryDirectory(prefix="nofx-pull-request-", dir=scratch, ignore_cleanup_errors=True) as folder:
        yield OwnRepository(Path(folder, "git"), checkout, remote, reach)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _borrow(folder: Path, checkout: Checkout) -> None:
    (folder / "objects" / "info").mkdir(parents=True, exist_ok=True)
    (folder / "objects" / "info" / "alternates").write_bytes(os.fsencode(checkout.objects.resolve()) + b"\n")
    if checkout.shallow.is_file():
        (folder / "shallow").write_bytes(checkout.shallow.read_bytes())


def _give_back(folder: Path) -> None:
    (folder / "objects" / "info" / "alternates").unlink()
    (folder / "shallow").unlink(missing_ok=True)


def _no_base(name: str, remote: Remote) -> errors.NotFound:
    what = f"has no branch {name}" if name else "has no default branch"
    return errors.NotFound(
        f"{remote.address} {what}",
        code="base-not-found",
        hint="write a branch that the remote has as `base`; a remote without any commit needs a first one",
    )


def _change(what: str, path: str) -> Change:
    old_mode, new_mode, old, new, _ = what.removeprefix(":").split(" ")
    return Change(path, _entry(old_mode, old), _entry(new_mode, new))


def _as_listed(what: str) -> Entry:
    mode, _, oid = what.split(" ")
    return Entry(mode, oid)


def _entry(mode: str, oid: str) -> Entry | None:
    return Entry(mode, oid) if oid.strip("0") else None
