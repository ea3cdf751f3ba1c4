"""Open the pull request, or find the one that is there: there is never a second one."""

from collections.abc import Iterable

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.handlers.pull_requests.body import marked_by, opened_body
from nofx_cli.handlers.pull_requests.forges.api import AlreadyOpen, Api
from nofx_cli.handlers.pull_requests.forges.forge import Forge, PullRequest, Wanted
from nofx_cli.handlers.pull_requests.forges.github import GitHub
from nofx_cli.handlers.pull_requests.forges.gitlab import GitLab
from nofx_cli.handlers.pull_requests.options import Options
from nofx_cli.handlers.pull_requests.target import Target
from nofx_cli.ports.handler import StepContext
from nofx_cli.safety.web import Unanswered


@record
class Opened:
    """The pull request. `adopted` says that it was there before."""

    request: PullRequest
    adopted: bool


def forge_of(ctx: StepContext, target: Target) -> Forge:
    """The forge that the target names; nothing is asked yet."""
    kind = GitLab if target.forge == "gitlab" else GitHub
    api = Api(target.api_url, target.token, headers=kind.HEADERS, check=ctx.check_cancelled)
    return kind(api, target.repository)


def open_request(ctx: StepContext, options: Options, forge: Forge, *, branch: str, base: str) -> Opened:
    """Open it, or take the one that is open from this branch to that base.

    Where the answer is lost, it is looked whether there is one now, before anything is said to have failed.
    """
    wanted = Wanted(options.title, opened_body(ctx, options), base, branch, options.draft)
    there = _open_one(forge.find(branch, base))
    if there is not None:
        return _adopted(ctx, forge, there, wanted)
    try:
        return Opened(forge.open(wanted), adopted=False)
    except AlreadyOpen:
        there = _open_one(forge.find(branch, base))
        if there is None:
            raise
        return _adopted(ctx, forge, there, wanted)
    except errors.Unavailable as exc:
        if isinstance(exc, Unanswered) and not exc.may_have_arrived:
            raise
        found = find_ours(ctx, forge, branch=branch, base=base)
        if found is None:
            raise
        ctx.log(f"the answer was lost, and {found.url} is there")
        return Opened(found, adopted=False)


def find_ours(ctx: StepContext, forge: Forge, *, branch: str, base: str) -> PullRequest | None:
    """The pull request that this step opened with these inputs, also where it is merged or closed by now."""
    return next((one for one in forge.find(branch, base) if marked_by(one.body) == ctx.idempotency_key), None)


def add_to(forge: Forge, opened: PullRequest, options: Options) -> None:
    """Add labels and reviewers; again where that was cut off."""
    try:
        if options.labels:
            forge.label(opened.number, options.labels)
        if options.reviewers:
            forge.ask_reviewers(opened.number, options.reviewers)
    except errors.NofxError as exc:
        message = f"{opened.url} is open, but not with all of its labels and reviewers: {exc.message}"
        raise type(exc)(message, code=exc.code, hint=exc.hint) from exc


def _open_one(found: Iterable[PullRequest]) -> PullRequest | None:
    return next((one for one in found if one.is_open), None)


def _adopted(ctx: StepContext, forge: Forge, there: PullRequest, wanted: Wanted) -> Opened:
    """One that was opened with other inputs is brought up to date; the words of a person are left alone."""
    if marked_by(there.body) not in ("", ctx.idempotency_key):
        forge.update(there.number, wanted)
    ctx.log(f"{there.url} was open already")
    return Opened(there, adopted=True)
