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


def find_checkout(folder: Path, *, git_dir: str = "") -> HookedCheckout:
    """The checkout around a folder.

    Args:
        git_dir: what `GIT_DIR` says to the hook; empty where nothing.

    Raises:
        errors.Unavailable: there is none, or git cannot say (code `git-failed`).
        errors.InvalidInput: git works there with another repository (code `repository-apart`).
    """
    git = Git(folder)
    if git_dir and folder / git_dir != folder / ".git":  # else it is the one that git finds
        _check_repository(git, git_dir)
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
        errors.Unavailable: git does not have what they name (code `git-failed`).
    """
    git, found = checkout.git, dict[str, Subject]()
    for line in filter(None, refs.split("\n")):  # names may have what is the end of a line to others
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
        if not commit and set(new) - _ZEROS:
            git.do("cat-file", "-e", new)  # raises where nobody can say what is pushed
        if not commit or commit in found:
            continue  # deleted, a tag of something that is no commit, or named twice
        base = old if set(old) - _ZEROS and git.ask("cat-file", "-e", f"{old}^{{commit}}") is not None else ""
        tree = git.do("rev-parse", "--verify", f"{commit}^{{tree}}").decode().strip()
        name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        facts = {"remote": remote, "url": url, "ref": there, "commit": commit, "base": base}
        found[commit] = Subject(commit, name, tree, f"{name} for {remote or url}", base, facts)
    return list(found.values())


def message_of(git: Git, file: Path, *, editor: str, given: str = "") -> str:
    """The message of a commit as git will take it from a file: as `commit.cleanup` says.

    By default comments go where it was edited. An option of `git commit` for this is not told to hooks.

    Args:
        editor: what `GIT_EDITOR` says to the hook; `:` where no editor was opened.
        given: the settings that git was called with, as `GIT_CONFIG_PARAMETERS` has them.

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
    env = {"GIT_CONFIG_PARAMETERS": given} if given else {}
    cleanup = git.do("config", "--get", "commit.cleanup", env=env, codes=(0, 1)).decode().strip()
    edited = editor != _NO_EDITOR
    if cleanup == "verbatim":
        return _told(text)
    if edited and cleanup != "whitespace":
        lines = text.split("\n")  # git knows no other end of a line
        text = "\n".join(lines[: next((at for at, line in enumerate(lines) if line[1:] == _SCISSORS), None)])
    strips = cleanup == "strip" or (edited and cleanup not in ("whitespace", "scissors"))
    return _told(git.do("stripspace", *(["--strip-comments"] if strips else []), stdin=_bytes(text)))


def changed_paths(git: Git, subject: Subject) -> list[str]:
    """The files that come newly or are changed, from the top of the checkout; what is removed is not among them."""
    options = ("-r", "--name-only", "-z", "--no-renames", "--diff-filter=d")
    if not subject.old:
        told = git.do("ls-tree", "-r", "--full-tree", "--name-only", "-z", subject.tree)
    else:
        told = git.do("diff-tree", *options, subject.old, subject.tree)
    return [os.fsdecode(path) for path in told.split(b"\0") if path]


def _check_repository(git: Git, git_dir: str) -> None:
    asked = ("rev-parse", "--absolute-git-dir")
    theirs = git.do(*asked, env={"GIT_DIR": git_dir}).strip()
    ours = git.ask(*asked)
    if ours is None or os.path.realpath(ours.rstrip("\n")) != os.path.realpath(os.fsdecode(theirs)):
        there = os.fsdecode(theirs)
        raise errors.InvalidInput(
            f"git works in {git.folder} with the repository {there}, which is not found from there",
            code="repository-apart",
            hint=f"echo 'gitdir: {there}' > .git there; or leave nofx out: NOFX_HOOKS=off git ...",
        )


def _tree_of(git: Git, index: Path) -> str:
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="nofx-hook-") as folder:
        copy = Path(folder, "index")
        with suppress(FileNotFoundError):  # nothing was ever staged: git takes none for an empty one
            shutil.copyfile(index, copy)
        env = {"GIT_INDEX_FILE": str(copy)}
        try:
            return git.do("write-tree", env=env).decode().strip()
        except errors.Unavailable as exc:
            _check_merged(git, env, exc)
            raise


def _check_merged(git: Git, env: Mapping[str, str], failed: errors.Unavailable) -> None:
    unmerged = {line.partition(b"\t")[2] for line in git.do("ls-files", "--unmerged", "-z", env=env).split(b"\0")}
    paths = [os.fsdecode(path) for path in sorted(unmerged) if path]
    if paths:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        raise errors.Conflict(
            f"there are conflicts in what is staged: {paths[0]}{more}",
            code="unmerged",
            hint="solve them, and git add what you solved",
        ) from failed


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _told(message: str | bytes) -> str:
    data = message if isinstance(message, bytes) else _bytes(message)
    return data.decode("utf-8", "backslashreplace").removesuffix("\n")


def refs_of_pre_commit(environ: Mapping[str, str]) -> Sequence[str]:
    """The line that git would give, where the program pre-commit runs the hook: it reads it, and sets variables."""
    new = environ.get("PRE_COMMIT_TO_REF", "")
    if not new:
        return ()
    ref = environ.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD"
    old = environ.get("PRE_COMMIT_FROM_REF") or "0" * len(new)
    return (f"{ref} {new} {environ.get('PRE_COMMIT_REMOTE_BRANCH') or ref} {old}",)
