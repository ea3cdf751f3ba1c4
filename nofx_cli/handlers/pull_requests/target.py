"""Where a step's pull request goes, found out from its inputs and from the project's remotes; and what it may use."""

import re

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.handlers.pull_requests.branch import branch_of
from nofx_cli.handlers.pull_requests.checkout import Checkout, find_checkout
from nofx_cli.handlers.pull_requests.options import Options, repository_fault
from nofx_cli.handlers.pull_requests.remote import Remote, find_remote, may_have_token, reach
from nofx_cli.ports.handler import RunTrees, StepContext
from nofx_cli.safety.git_command import Reach
from nofx_cli.safety.hosts import host_fault, is_on_this_machine
from nofx_cli.safety.web_request import origin_of

_API = {"github": "https://api.github.com", "gitlab": "https://gitlab.com/api/v4"}
_EXAMPLE = {"github": "https://HOST/api/v3", "gitlab": "https://HOST/api/v4"}
_TOKEN = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN", "none": "GITHUB_TOKEN"}


@record
class Target:
    """Where it goes.

    Attributes:
        forge: `github`, `gitlab`, or `none`: then there is only a branch.
        repository: `owner/name` as the forge knows it.
        token: secret; empty where there is none.
    """

    checkout: Checkout | None
    trees: RunTrees | None
    remote: Remote
    branch: str
    forge: str
    api_url: str
    repository: str
    token: str

    def __repr__(self) -> str:
        return f"Target({self.remote.address}, {self.branch})"

    @property
    def push_target(self) -> str:
        """Names the effect of the push."""
        return f"{self.remote.address} {self.branch}"

    @property
    def request_target(self) -> str:
        """Names the effect of the pull request."""
        return f"{self.api_url} {self.repository} {self.branch}"

    def reach(self, ctx: StepContext) -> Reach:
        """How git reaches the remote."""
        token = self.token if may_have_token(self.remote, self.api_url, forge=self.forge) else ""
        return reach(self.remote, token, forge=self.remote.public or self.forge, check=ctx.check_cancelled)


def find_target(ctx: StepContext, options: Options) -> Target:
    """Find it out; nothing is asked over a network, and policy is asked for each host that will be.

    Raises:
        errors.NofxError: it cannot be found out, a token is missing (code `token-missing`), or policy denies a host.
    """
    trees = ctx.trees()
    checkout = find_checkout(trees.project if trees else ctx.workspace)
    remote = find_remote(options.remote, checkout, project=trees.project if trees else ctx.workspace)
    forge = options.forge or remote.public
    if not forge:
        raise errors.InvalidInput(
            f"nofx does not know which forge {remote.address} is",
            code="forge-unknown",
            hint="write `forge: github` or `forge: gitlab` with its `api_url`, or `forge: none` to push only",
        )
    if remote.host:
        ctx.check_host(remote.asked_as)
    if forge == "none":
        name = options.token or _TOKEN[remote.public or forge]
        return Target(checkout, trees, remote, branch_of(ctx, options), forge, "", "", ctx.secrets.get(name, ""))
    return Target(
        checkout,
        trees,
        remote,
        branch_of(ctx, options),
        forge,
        _api_url(ctx, options, remote, forge),
        _repository(options, remote),
        _token(ctx, options.token or _TOKEN[forge]),
    )


def _api_url(ctx: StepContext, options: Options, remote: Remote, forge: str) -> str:
    url = options.api_url or (_API[forge] if remote.public == forge else "")
    if not url:
        raise errors.InvalidInput(
            f"the API of the {forge} at {remote.host or remote.address} is not known",
            code="api-url-missing",
            hint=f"write `api_url`, such as {_EXAMPLE[forge].replace('HOST', remote.host or 'git.example.org')}",
        )
    if fault := host_fault(url) or ("it has a query" if re.search(r"[?#\s]", url) else ""):
        raise errors.InvalidInput(
            f"the `api_url` at {origin_of(url)} cannot be used: {fault}",
            code="api-url-invalid",
            hint=f"write it like {_EXAMPLE[forge]}; the token stands in a secret",
        )
    if not url.startswith("https://") and not is_on_this_machine(url):
        raise errors.InvalidInput(
            f"nofx does not send a token to {url}, which is not encrypted",
            code="api-url-insecure",
            hint="write an `api_url` that begins with https://",
        )
    ctx.check_host(url)
    return url


def _repository(options: Options, remote: Remote) -> str:
    if options.repository:
        return options.repository
    if repository_fault(remote.path):
        raise errors.InvalidInput(
            f"{remote.address} does not tell the name of the repository at the forge",
            code="repository-unknown",
            hint="write `repository: owner/name`",
        )
    return remote.path


def _token(ctx: StepContext, name: str) -> str:
    token = ctx.secrets.get(name, "")
    if not token:
        there = ", ".join(sorted(ctx.secrets)) or "none"
        raise errors.InvalidInput(
            f"step {ctx.step} has no secret {name}; those of its scopes are: {there}",
            code="token-missing",
            hint=f"declare {name} below `secrets:` in nofx.yaml, and give the step that scope: `secrets_scope: …`",
        )
    return token
