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


def staged(top: Path, index: str) -> Subject:
    """What is to be committed.

    Args:
        index: what `GIT_INDEX_FILE` says to the hook; empty for the index of the checkout.

    Raises:
        errors.Unavailable: git cannot say; as in the middle of a merge with conflicts.
    """
    git = Git(top)
    commit = (git.ask("rev-parse", "--verify", "--quiet", "HEAD") or "").strip()
    branch = (git.ask("symbolic-ref", "--quiet", "--short", "HEAD") or "").strip()
    source = top / (index or os.fsdecode(git.do("rev-parse", "--git-path", "index")).removesuffix("\n"))
    return Subject(commit, branch, _tree_of(top, source), "what is staged", old=commit)


def pushed(top: Path, refs: str, *, remote: str, url: str) -> list[Subject]:
    """The commits that are to be pushed, each once; what is deleted is none.

    Args:
        refs: what git gives to the hook: a line for each, `<local ref> <commit> <remote ref> <commit there>`.

    Raises:
        errors.UsageError: the lines are not such ones.
    """
    git, found = Git(top), dict[str, Subject]()
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


def message_of(top: Path, file: Path, *, editor: str) -> str:
    """The message of a commit as git will take it from a file by default: without comments where it was edited.

    Args:
        editor: what `GIT_EDITOR` says to the hook; `:` where no editor was opened.

    Raises:
        errors.UsageError: the file cannot be read.
    """
    try:
        text = (top / file).read_text("utf-8", "surrogateescape")
    except OSError as exc:
        raise errors.UsageError(
            f"the message of the commit cannot be read: {file}: {exc.strerror}",
            code="no-message",
            hint="git names its file to the hook: nofx hooks run commit-msg -- FILE",
        ) from exc
    git = Git(top)
    if editor == _NO_EDITOR:
        return _stripped(git, text)
    lines = text.splitlines(keepends=True)
    cut = next((at for at, line in enumerate(lines) if line[1:].rstrip("\n") == _SCISSORS), len(lines))
    return _stripped(git, "".join(lines[:cut]), "--strip-comments")


def changed_paths(top: Path, subject: Subject) -> list[str]:
    """The files that come newly or are changed, from the top of the checkout; what is removed is not among them."""
    git = Git(top)
    options = ("-r", "--name-only", "-z", "--no-renames", "--diff-filter=d")
    if not subject.old:
        told = git.do("ls-tree", "-r", "--full-tree", "--name-only", "-z", subject.tree)
    else:
        told = git.do("diff-tree", *options, subject.old, subject.tree)
    return [os.fsdecode(path) for path in told.split(b"\0") if path]


def _tree_of(top: Path, index: Path) -> str:
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="nofx-hook-") as folder:
        copy = Path(folder, "index")
        with suppress(FileNotFoundError):  # nothing was ever staged: git takes none for an empty one
            shutil.copyfile(index, copy)
        return Git(top, index=copy).do("write-tree").decode().strip()


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
