"""The branch of a step, and how its commit is known again.

A branch is the step's own where it is called `nofx-pr/<run>/<step>`, or as the plan says, and its tip is a commit of
this tool's: its message names the step and the tree, and it has that tree. Somebody who commits on top, or amends it,
takes the branch over: from then on it is left alone. With a name that the plan gives, the same step of a later run
goes on with the branch, and with the pull request that is open for it.
"""

import re

from nofx_cli import errors
from nofx_cli.domain.ids import RunId, StepName, is_run_id
from nofx_cli.domain.record import record
from nofx_cli.handlers.pull_requests.options import Options
from nofx_cli.handlers.pull_requests.repository import OwnRepository
from nofx_cli.ports.handler import StepContext
from nofx_cli.safety.git_command import Git

PREFIX = "nofx-pr/"
"""Not `nofx/`: the branches of worktrees are `nofx/<run>`, and a branch cannot be a folder of others."""
_MARK = re.compile(r"^Nofx-Step: (?P<run>\S+)/(?P<step>[^/\s]+)\nNofx-Tree: (?P<tree>[0-9a-f]+)$", re.MULTILINE)
_OUR_NAME = ("nofx", "nofx@localhost")


@record
class OurCommit:
    """A commit of this tool's, by which run and step."""

    run: str
    step: str
    oid: str
    tree: str


def branch_of(ctx: StepContext, options: Options) -> str:
    """The name of the step's branch."""
    return options.branch or f"{PREFIX}{ctx.run_id}/{ctx.step}"


def commit_message(ctx: StepContext, options: Options, tree: str) -> str:
    """The message, with what the commit is known by at its end."""
    said = options.commit_message or options.title
    return f"{said.rstrip()}\n\n{_mark(ctx.run_id, ctx.step, tree)}\n"


def make_commit(
    ctx: StepContext, own: OwnRepository, *, tree: str, base: str, message: str, author: tuple[str, str]
) -> str:
    """Make the commit; the same tree on the same base is the same commit, however often it is made."""
    name, mail = author
    date = f"@{_seconds(ctx.run_id)} +0000"
    who = {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in {"NAME": name, "EMAIL": mail, "DATE": date}.items()
    }
    words = ("-c", "i18n.commitEncoding=UTF-8", "commit-tree", "-p", base, "-F", "-", tree)
    return own.git.do(*words, stdin=message.encode(), env=who).decode().strip()


def author_of(options: Options, git: Git) -> tuple[str, str]:
    """Who the commit is by: as the plan says, else as git knows the user, else nofx."""
    if options.author:
        return options.author
    name, mail = (git.ask("config", "--get", f"user.{field}") or "" for field in ("name", "email"))
    return (name.strip(), mail.strip()) if name.strip() and mail.strip() else _OUR_NAME


def our_commit(own: OwnRepository, oid: str) -> OurCommit | None:
    """What a commit tells of itself, where it is one of this tool's and still as it was made."""
    text = own.git.do("cat-file", "commit", oid).decode("utf-8", "replace")
    found = _MARK.search(text.partition("\n\n")[2])
    tree = text.partition("\n")[0].removeprefix("tree ")
    if found is None or found["tree"] != tree:
        return None
    return OurCommit(found["run"], found["step"], oid, tree)


def is_of_step(commit: OurCommit | None, ctx: StepContext) -> bool:
    """Whether this very step of this run made it."""
    return commit is not None and (commit.run, commit.step) == (ctx.run_id, ctx.step)


def check_own(ctx: StepContext, options: Options, commit: OurCommit | None, *, branch: str) -> None:
    """See that a branch that is there is one which this step may replace.

    Raises:
        errors.Conflict: it is not (code `branch-taken`).
    """
    if is_of_step(commit, ctx) or (options.branch and commit is not None and commit.step == ctx.step):
        return
    raise errors.Conflict(
        f"the branch {branch} is there already, and its last commit is none of this step's; it was left as it is",
        code="branch-taken",
        hint="write another `branch`, or take that one away",
    )


def _mark(run: RunId, step: StepName, tree: str) -> str:
    return f"Nofx-Step: {run}/{step}\nNofx-Tree: {tree}"


def _seconds(run: RunId) -> int:
    """When the run was made, in seconds since 1970; its id tells."""
    from datetime import UTC, datetime

    if not is_run_id(run):  # it is only looked at what would be done
        return 0
    return int(datetime.strptime(run[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).timestamp())
