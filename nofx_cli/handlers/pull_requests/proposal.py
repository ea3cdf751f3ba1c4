"""What would be committed and opened: made anew from the world as it is, for the preview and for the attempt alike.

What a person approves is the preview. It has the base branch by name, and the changes to it as a difference; it has
not the commit of the base, nor the commit that is made: a base that went on elsewhere makes no approval stale, one that
makes the difference another one does.
"""

from collections.abc import Iterable

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, JsonValue, is_run_id
from nofx_cli.domain.record import record
from nofx_cli.domain.wording import shortened
from nofx_cli.handlers.pull_requests.body import told_body
from nofx_cli.handlers.pull_requests.branch import (
    author_of,
    check_own,
    commit_message,
    is_of_step,
    make_commit,
    our_commit,
)
from nofx_cli.handlers.pull_requests.listed import listed_changes
from nofx_cli.handlers.pull_requests.options import Options
from nofx_cli.handlers.pull_requests.repository import SUBMODULE, Change, Heads, OwnRepository
from nofx_cli.handlers.pull_requests.run_changes import run_changes
from nofx_cli.handlers.pull_requests.target import Target
from nofx_cli.ports.handler import StepContext

_MOST_SHOWN = 400_000
_SHORTEST_SECRET = 6


@record
class Proposal:
    """A commit that is made, and not pushed.

    Attributes:
        commit: empty where nothing would change.
        instead_of: the commit that the branch has now; empty where there is no such branch.
        preview: what a person approves.
    """

    heads: Heads
    commit: str
    tree: str
    instead_of: str
    preview: JsonObject


def make_proposal(ctx: StepContext, options: Options, target: Target, own: OwnRepository) -> Proposal:
    """Make the commit in nofx's own repository.

    Raises:
        errors.NofxError: it cannot be made; nothing of it is left.
    """
    heads = own.look(target.branch, options.base)
    if heads.base_name == target.branch:
        raise errors.InvalidInput(
            f"{target.branch} is the branch that the pull request would go to",
            code="branch-is-base",
            hint="write another `branch`, or leave it out",
        )
    base = own.have_base(heads)
    changes = _changes(ctx, options, target, own, base=base)
    tree = own.tree_with(base, changes)
    _need_exactly(changes, own.changes_between(f"{base}^{{tree}}", tree))
    message = commit_message(ctx, options, tree)
    author = author_of(options, target.checkout.git if target.checkout else own.git)
    body = told_body(ctx, options)
    words = (options.title, body, message, *options.labels, *options.reviewers, *author, target.branch)
    _refuse_secrets(ctx, [*words, *(change.path for change in changes)])
    _refuse_secrets(ctx, _new_contents(own, changes))
    replaced = _check_tip(ctx, options, target, own, heads)
    commit = make_commit(ctx, own, tree=tree, base=base, message=message, author=author) if changes else ""
    shown: dict[str, JsonValue] = {
        **_place(target, heads),
        "title": options.title,
        "body": body,
        **_more(options),
        "commit": (options.commit_message or options.title),
        "author": "{} <{}>".format(*author),
        "files": [_told(change) for change in changes],
        "diff": shortened(own.diff(f"{base}^{{tree}}", tree), _MOST_SHOWN),
    }
    if replaced:
        shown["replaces"] = replaced
    return Proposal(heads, commit, tree, heads.tip, shown)


def _changes(ctx: StepContext, options: Options, target: Target, own: OwnRepository, *, base: str) -> list[Change]:
    if options.files is not None:
        return listed_changes(ctx, options.files, own, base=base, checkout=target.checkout)
    if target.trees is not None:
        prefix = target.checkout.prefix if target.checkout else ""
        return run_changes(ctx, target.trees, own, base=base, prefix=prefix)
    if not is_run_id(ctx.run_id):
        return []  # it is only looked at what would be done, and no run has changed anything yet
    raise errors.InvalidInput(
        "the run works in your folder, and has no changes of its own",
        code="no-run-changes",
        hint="list the `files`, or write `workspace: worktree` at the top of the plan",
    )


def _check_tip(ctx: StepContext, options: Options, target: Target, own: OwnRepository, heads: Heads) -> str:
    """The commit of an earlier run that would be replaced; empty where there is none."""
    if not heads.tip:
        return ""
    commit = our_commit(own, own.have_tip(heads, target.branch))
    check_own(ctx, options, commit, branch=target.branch)
    return "" if is_of_step(commit, ctx) else heads.tip


def _place(target: Target, heads: Heads) -> dict[str, JsonValue]:
    place: dict[str, JsonValue] = {"remote": target.remote.address, "base": heads.base_name, "branch": target.branch}
    if target.forge != "none":
        place |= {"forge": target.forge, "api_url": target.api_url, "repository": target.repository}
    return place


def _more(options: Options) -> dict[str, JsonValue]:
    return {"draft": options.draft, "labels": list(options.labels), "reviewers": list(options.reviewers)}


def _told(change: Change) -> JsonObject:
    told: dict[str, JsonValue] = {"path": change.path, "change": change.word}
    if change.new is not None:
        told |= {"mode": change.new.mode, "blob": change.new.oid}
    if change.old is not None:
        told["instead_of"] = change.old.oid  # a long difference is cut off
    return told


def _need_exactly(meant: Iterable[Change], made: Iterable[Change]) -> None:
    """See that nothing goes beside what is meant: a file takes the place of a folder, and of all that is in it."""
    beside = sorted({change.path for change in made} ^ {change.path for change in meant})
    if beside:
        names = shortened(", ".join(beside), 300)
        raise errors.InvalidInput(
            f"what would be committed is not what is meant, since a file is in the place of a folder: {names}",
            code="path-in-use",
            hint="a path cannot be a file and a folder; name the files otherwise",
        )


def _new_contents(own: OwnRepository, changes: Iterable[Change]) -> Iterable[str]:
    names = (change.new.oid for change in changes if change.new is not None and change.new.mode != SUBMODULE)
    return (content.decode("utf-8", "replace") for content in own.contents(names))


def _refuse_secrets(ctx: StepContext, texts: Iterable[str]) -> None:
    values = {name: value for name, value in ctx.secrets.items() if len(value) >= _SHORTEST_SECRET}
    for text in texts:
        for name, value in values.items():
            if value in text:
                raise errors.Denied(
                    f"what would be committed or told holds the secret {name}",
                    code="secret-in-pull-request",
                    hint="take it out of the files, the title and the body",
                )
