"""What a hook is to examine: trees, and what git tells of them. The user's index is read and never written.

What is to be committed stands in the index that git names to the hook: its own, or another one where a part is
committed (`git commit -a`, `-p`, or with paths). It is copied, for `git write-tree` notes in an index what it found.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.safety.git_command import Git

_ZEROS = frozenset("0")
_SCISSORS = " ------------------------ >8 ------------------------"
_NO_EDITOR = ":"
_NO_COMMIT = 128
_LINES_OF_PLACES = 4  # the last one is empty, or what git could not find


@record
class Subject:
    """One tree to examine.

    Attributes:
        commit: what it is on top of, or is itself; empty where there is no commit yet.
        branch: empty where none is checked out.
        what: how it is told.
        old: the tree or commit from which on it is new; empty where all of it is.
        facts: what a plan may ask for, by the names of parameters.
    """

    commit: str
    branch: str
    tree: str
    what: str
    old: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@record
class HookedCheckout:
    """The checkout that git runs a hook in.

    Attributes:
        index: the one of the checkout.
        commit: its HEAD; empty where there is no commit yet.
        branch: empty where none is checked out.
        git: asks about it.
    """

    top: Path
    common: Path
    index: Path
    commit: str
    branch: str
    git: Git


def find_checkout(folder: Path) -> HookedCheckout:
    """The checkout around a folder.

    Raises:
        errors.Unavailable: there is none, or git cannot say (code `git-failed`).
    """
    git = Git(folder)
    asked = ["--show-toplevel", "--git-common-dir", "--git-path", "index", "HEAD", "--abbrev-ref", "HEAD"]
    told = os.fsdecode(git.do("rev-parse", *asked, codes=(0, _NO_COMMIT))).split("\n")
    if len(told) < _LINES_OF_PLACES:
        git.do("rev-parse", "--show-toplevel")  # raises, with the reason
        raise errors.Unavailable(f"git does not say where the checkout of {folder} lies", code="git-failed")
    top, common, index = (folder / line for line in told[:3])
    commit, branch = (*told[3:5], "")[:2] if len(told) > _LINES_OF_PLACES + 1 else ("", "")
    if not commit:
        branch = (git.ask("symbolic-ref", "--quiet", "--short", "HEAD") or "").strip()
    return HookedCheckout(top, common.resolve(), index, commit, "" if branch == "HEAD" else branch, git)


def staged(checkout: HookedCheckout, index: str) -> Subject:
    """What is to be committed.

    Args:
        index: what `GIT_INDEX_FILE` says to the hook; empty for the index of the checkout.

    Raises:
        errors.Unavailable: git cannot say; as in the middle of a merge with conflicts.
    """
    source = checkout.top / index if index else checkout.index
    tree = _tree_of(checkout.git, source)
    return Subject(checkout.commit, checkout.branch, tree, "what is staged", old=checkout.commit)


def pushed(checkout: HookedCheckout, refs: str, *, remote: str, url: str) -> list[Subject]:
    """The commits that are to be pushed, each once; what is deleted is none.

    Args:
        refs: what git gives to the hook: a line for each, `<local ref> <commit> <remote ref> <commit there>`.

    Raises:
        errors.UsageError: the lines are not such ones.
    """
    git, found = checkout.git, dict[str, Subject]()
    for line in refs.splitlines():
        words = line.split(" ")
        if len(words) != 4:
            raise errors.UsageError(
                f"pre-push reads lines of four words from git, and got {line!r}",
                code="bad-refs",
                hint='in a hook of your own, give it standard input as git does: nofx hooks run pre-push -- "$@"',
            )
        ref, new, there, old = words
        told = git.ask("rev-parse", "--verify", "--quiet", f"{new}^{{commit}}") if set(new) - _ZEROS else None
        commit = (told or "").strip()
        if not commit or commit in found:
            continue  # deleted, a tag of something that is no commit, or named twice
        base = old if set(old) - _ZEROS and git.ask("cat-file", "-e", f"{old}^{{commit}}") is not None else ""
        tree = git.do("rev-parse", "--verify", f"{commit}^{{tree}}").decode().strip()
        name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        facts = {"remote": remote, "url": url, "ref": there, "commit": commit, "base": base}
        found[commit] = Subject(commit, name, tree, f"{name} for {remote or url}", base, facts)
    return list(found.values())


def message_of(git: Git, file: Path, *, editor: str) -> str:
    """The message of a commit as git will take it from a file by default: without comments where it was edited.

    Args:
        editor: what `GIT_EDITOR` says to the hook; `:` where no editor was opened.

    Raises:
        errors.UsageError: the file cannot be read.
    """
    try:
        text = file.read_text("utf-8", "surrogateescape")
    except OSError as exc:
        raise errors.UsageError(
            f"the message of the commit cannot be read: {file}: {exc.strerror}",
            code="no-message",
            hint="git names its file to the hook: nofx hooks run commit-msg -- FILE",
        ) from exc
    if editor == _NO_EDITOR:
        return _stripped(git, text)
    lines = text.splitlines(keepends=True)
    cut = next((at for at, line in enumerate(lines) if line[1:].rstrip("\n") == _SCISSORS), len(lines))
    return _stripped(git, "".join(lines[:cut]), "--strip-comments")


def changed_paths(git: Git, subject: Subject) -> list[str]:
    """The files that come newly or are changed, from the top of the checkout; what is removed is not among them."""
    options = ("-r", "--name-only", "-z", "--no-renames", "--diff-filter=d")
    if not subject.old:
        told = git.do("ls-tree", "-r", "--full-tree", "--name-only", "-z", subject.tree)
    else:
        told = git.do("diff-tree", *options, subject.old, subject.tree)
    return [os.fsdecode(path) for path in told.split(b"\0") if path]


def _tree_of(git: Git, index: Path) -> str:
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="nofx-hook-") as folder:
        copy = Path(folder, "index")
        with suppress(FileNotFoundError):  # nothing was ever staged: git takes none for an empty one
            shutil.copyfile(index, copy)
        return git.do("write-tree", env={"GIT_INDEX_FILE": str(copy)}).decode().strip()


def _stripped(git: Git, text: str, *options: str) -> str:
    told = git.do("stripspace", *options, stdin=text.encode("utf-8", "surrogateescape"))
    return told.decode("utf-8", "backslashreplace").removesuffix("\n")


def refs_of_pre_commit(environ: Mapping[str, str]) -> Sequence[str]:
    """The line that git would give, where the program pre-commit runs the hook: it reads it, and sets variables."""
    new = environ.get("PRE_COMMIT_TO_REF", "")
    if not new:
        return ()
    ref = environ.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD"
    old = environ.get("PRE_COMMIT_FROM_REF") or "0" * len(new)
    return (f"{ref} {new} {environ.get('PRE_COMMIT_REMOTE_BRANCH') or ref} {old}",)
