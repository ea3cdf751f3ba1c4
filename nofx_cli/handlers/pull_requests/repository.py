"""A repository of nofx's own, in which the commit is made and from which it is pushed.

It is made for one look or one attempt and thrown away, so nothing in it is made durable. It has no settings, no hooks
and no work tree; from the project's repository it borrows objects, and writes nothing there: neither an object nor a
reference. So the user's folder, index, branches, stash and settings cannot be touched, and nothing that an earlier step
wrote into them has a say.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.handlers.pull_requests.checkout import Checkout
from nofx_cli.handlers.pull_requests.pushing import push_failed, remote_failed
from nofx_cli.handlers.pull_requests.remote import Remote
from nofx_cli.safety.git_command import Git, Reach

_BASE, _TIP = "refs/nofx/base", "refs/nofx/tip"
FILE, PROGRAM, LINK = "100644", "100755", "120000"


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
        Git(folder.parent, durable=False).do("init", "--quiet", "--bare", "--template=", *form, str(folder))
        if checkout is not None:
            _borrow(folder, checkout)
        self.git = Git(folder, git_dir=folder, index=self._index, durable=False)
        self._outside = Git(folder, git_dir=folder, reach=reach, durable=False)
        self.objects = folder / "objects"

    def look(self, branch: str, base: str) -> Heads:
        """Ask the remote what it has; an empty `base` means the branch that it has for default.

        Raises:
            errors.NofxError: it cannot be reached, or there is no such base (`base-not-found`).
        """
        wanted = ["HEAD", f"refs/heads/{branch}", *([f"refs/heads/{base}"] if base else [])]
        code, told, said = self._outside.attempt("ls-remote", "--symref", "--", self._remote.address, *wanted)
        if code:
            raise remote_failed(self._remote, said)
        found: dict[str, str] = {}
        default = ""
        for line in told.splitlines():
            value, _, name = line.partition("\t")
            if value.startswith("ref: ") and name == "HEAD":
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
        if self.git.ask("cat-file", "-e", f"{oid}^{{tree}}") is not None:
            return oid
        options = ("--quiet", "--no-tags", "--depth=1", "--no-write-fetch-head", "--no-recurse-submodules")
        code, _, said = self._outside.attempt("fetch", *options, "--", self._remote.address, f"+{ref}:{kept}")
        if code:
            raise remote_failed(self._remote, said)
        return self.git.do("rev-parse", "--verify", kept).decode().strip()

    def entry(self, tree: str, path: str) -> Entry | None:
        """What a tree has at a path."""
        told = self.git.do("ls-tree", "-z", "--full-tree", tree, "--", path, env={"GIT_LITERAL_PATHSPECS": "1"})
        if not told:
            return None
        mode, _, oid = os.fsdecode(told).partition("\t")[0].split(" ")
        return Entry(mode, oid)

    def put(self, content: bytes) -> str:
        """Keep a content; returns its name."""
        return self.git.do("hash-object", "-w", "--no-filters", "--stdin", stdin=content).decode().strip()

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
        code, told, said = self._outside.attempt(*words)
        if code:
            raise push_failed(self._remote, branch, told=told, said=said)


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


def _borrow(folder: Path, checkout: Checkout) -> None:
    (folder / "objects" / "info").mkdir(parents=True, exist_ok=True)
    (folder / "objects" / "info" / "alternates").write_bytes(os.fsencode(checkout.objects.resolve()) + b"\n")
    if checkout.shallow.is_file():
        (folder / "shallow").write_bytes(checkout.shallow.read_bytes())


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


def _entry(mode: str, oid: str) -> Entry | None:
    return Entry(mode, oid) if oid.strip("0") else None
