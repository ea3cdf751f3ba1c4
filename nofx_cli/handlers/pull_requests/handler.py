"""`git_pr`: commit exactly what was approved on a branch of the step's own, push it, and open a pull request for it.

    approved ──▶ git.push intended ──▶ pushed ──▶ done ──▶ forge.pull_request intended ──▶ opened ──▶ done ──▶ labels

Authority: the remote says whether the branch has the step's commit, which names run, step and tree; the forge says
whether there is a pull request with the step's mark. Crash points: after either "intended" the next attempt looks there
and goes on from what it finds. A push of what is there already changes nothing, and a forge has at most one open pull
request from one branch to another, so an attempt that was late does not double anything either.

Once the branch is pushed, what is left goes on with that commit, whatever became of the files meanwhile.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.effects import Done, Intent, NotDone, Reconciled
from nofx_cli.domain.ids import Digest, JsonObject, digest_of, is_run_id
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.handlers.failures import invalid_inputs
from nofx_cli.handlers.pull_requests.branch import is_of_step, our_commit
from nofx_cli.handlers.pull_requests.failing import may_pass
from nofx_cli.handlers.pull_requests.forges.forge import PullRequest
from nofx_cli.handlers.pull_requests.opening import add_to, find_ours, forge_of, open_request
from nofx_cli.handlers.pull_requests.options import Options, faults, read_options
from nofx_cli.handlers.pull_requests.proposal import Proposal, make_proposal
from nofx_cli.handlers.pull_requests.repository import OwnRepository, own_repository
from nofx_cli.handlers.pull_requests.target import Target, find_target
from nofx_cli.ports.handler import StepContext

PUSH, REQUEST = "git.push", "forge.pull_request"


class PullRequests:
    """The handler."""

    needs_approval = True

    def match(self, tool: str) -> bool:
        return tool == "git_pr"

    def check(self, inputs: JsonObject) -> list[str]:
        return faults(inputs)

    def asks_with(self, ctx: StepContext) -> bool:
        """Nobody is asked where there is nothing to commit and that is to be passed over."""
        if faults(ctx.inputs) or not read_options(ctx.inputs).skips_if_empty:
            return True
        options = read_options(ctx.inputs)
        with _proposal(ctx, options, find_target(ctx, options)) as (proposal, _):
            return bool(proposal.commit)

    def preview(self, ctx: StepContext) -> JsonObject:
        wrong = faults(ctx.inputs)
        if wrong:
            return {"faults": tuple(wrong)}
        options = read_options(ctx.inputs)
        target = find_target(ctx, options)
        with _proposal(ctx, options, target) as (proposal, _):
            if is_run_id(ctx.run_id):
                _need_changes(proposal)
            elif not proposal.commit and target.trees is None and options.files is None:
                return {**proposal.preview, "files": "what the run will have changed in its worktree"}
            return proposal.preview

    def reconcile(self, ctx: StepContext, intent: Intent) -> Reconciled:
        options = read_options(ctx.inputs)
        target = find_target(ctx, options)
        if intent.kind == PUSH:
            return _pushed_before(ctx, options, target, intent)
        base = _base_of(ctx, target) or options.base
        found = find_ours(ctx, forge_of(ctx, target), branch=target.branch, base=base) if base else None
        return Done(_told(found, adopted=False)) if found else NotDone()

    def run(self, ctx: StepContext) -> Outcome:
        wrong = faults(ctx.inputs)
        if wrong:
            return invalid_inputs(wrong)
        try:
            return _run(ctx, read_options(ctx.inputs))
        except errors.PolicyDenied:
            raise
        except errors.NofxError as exc:
            return Failed(StepError(exc.code, exc.message, exc.hint), retryable=may_pass(exc))


def _run(ctx: StepContext, options: Options) -> Outcome:
    target = find_target(ctx, options)
    pushed = ctx.made_before(PUSH, target.push_target) or _push(ctx, options, target)
    if pushed is None:
        ctx.log("there is nothing to commit")
        return Succeeded(
            {"changed": False, "branch": "", "commit": "", "base": options.base, "number": None, "url": ""}
        )
    outputs: JsonObject = {**pushed, "changed": True, "number": None, "url": ""}
    if target.forge == "none":
        return Succeeded(outputs)
    outputs = {**outputs, **_open(ctx, options, target, base=str(pushed["base"]))}
    try:
        request = PullRequest(int(str(outputs["number"])), str(outputs["url"]), options.title, "", is_open=True)
        add_to(forge_of(ctx, target), request, options)
    except errors.NofxError as exc:
        return Failed(StepError(exc.code, exc.message, exc.hint), retryable=may_pass(exc), outputs=outputs)
    return Succeeded(outputs)


def _push(ctx: StepContext, options: Options, target: Target) -> JsonObject | None:
    """Push what was approved; None where there is nothing, and that is to be passed over."""
    with _proposal(ctx, options, target, scratch=ctx.scratch) as (proposal, own):
        if not proposal.commit and options.skips_if_empty:
            return None
        _need_changes(proposal)
        _need_approval(ctx, proposal)
        effect = ctx.effect(PUSH, target.push_target, _digest_of_push(proposal.commit))
        if effect.result is None:
            _push_once(own, proposal, target)
            ctx.log(f"{target.branch} at {target.remote.address} is {proposal.commit}")
            effect.done(_of_push(target, proposal.commit, base=proposal.heads.base_name, tree=proposal.tree))
        return effect.result


def _push_once(own: OwnRepository, proposal: Proposal, target: Target) -> None:
    """Push, unless the branch is so already; after a failure it is looked whether the push arrived all the same."""
    if proposal.instead_of == proposal.commit:
        return
    try:
        own.push(proposal.commit, target.branch, instead_of=proposal.instead_of)
    except errors.NofxError:
        try:
            tip = own.look(target.branch, proposal.heads.base_name).tip
        except errors.NofxError:
            tip = ""  # the first failure is the one to tell
        if tip != proposal.commit:
            raise


def _open(ctx: StepContext, options: Options, target: Target, *, base: str) -> JsonObject:
    before = ctx.made_before(REQUEST, target.request_target)
    if before is not None:
        return before
    effect = ctx.effect(REQUEST, target.request_target, _digest_of_request(options, target, base))
    if effect.result is None:
        opened = open_request(ctx, options, forge_of(ctx, target), branch=target.branch, base=base)
        ctx.log(opened.request.url)
        effect.done(_told(opened.request, adopted=opened.adopted))
    return effect.result or {}


def _digest_of_request(options: Options, target: Target, base: str) -> Digest:
    return digest_of({"title": options.title, "body": options.body, "base": base, "branch": target.branch})


def _digest_of_push(commit: str) -> Digest:
    return digest_of({"commit": commit})


def _pushed_before(ctx: StepContext, options: Options, target: Target, intent: Intent) -> Reconciled:
    """Whether the branch has the commit that was meant: a step that is retried finds its earlier one, too."""
    with own_repository(target.checkout, target.remote, target.reach(ctx)) as own:
        heads = own.look(target.branch, options.base)
        commit = our_commit(own, own.have_tip(heads, target.branch)) if heads.tip else None
        if commit is None or not is_of_step(commit, ctx) or _digest_of_push(commit.oid) != intent.digest:
            return NotDone()
        return Done(_of_push(target, commit.oid, base=heads.base_name, tree=commit.tree))


def _base_of(ctx: StepContext, target: Target) -> str:
    """The base that the branch was pushed for, which the plan need not name."""
    return str((ctx.made_before(PUSH, target.push_target) or {}).get("base", ""))


def _of_push(target: Target, commit: str, *, base: str, tree: str) -> JsonObject:
    return {"branch": target.branch, "commit": commit, "base": base, "tree": tree}


def _told(request: PullRequest, *, adopted: bool) -> JsonObject:
    return {"number": request.number, "url": request.url, "adopted": adopted}


def _need_changes(proposal: Proposal) -> None:
    if not proposal.commit:
        raise errors.InvalidInput(
            f"there is nothing to commit: {proposal.heads.base_name} has all of it already",
            code="nothing-to-commit",
            hint="where that may be so, write `if_empty: skip`",
        )


def _need_approval(ctx: StepContext, proposal: Proposal) -> None:
    """See that what is pushed is what a person saw.

    Raises:
        errors.Conflict: it is not (code `pull-request-changed`); nothing was pushed.
    """
    is_seen = ctx.approval is not None and (
        ctx.previewed is None or digest_of(ctx.previewed) == digest_of(proposal.preview)
    )
    if not is_seen:
        raise errors.Conflict(
            "what would be committed changed after it was approved; nothing was pushed",
            code="pull-request-changed",
            hint=f"nofx retry {ctx.run_id} --from {ctx.step}; it is shown and asked anew",
        )


@contextmanager
def _proposal(
    ctx: StepContext, options: Options, target: Target, *, scratch: Path | None = None
) -> Iterator[tuple[Proposal, OwnRepository]]:
    with own_repository(target.checkout, target.remote, target.reach(ctx), scratch=scratch) as own:
        yield make_proposal(ctx, options, target, own), own


HANDLER = PullRequests()
