"""What git says when a remote does not do as asked, in words that a person can act on."""

import re

from nofx_cli import errors
from nofx_cli.domain.wording import shortened
from nofx_cli.handlers.pull_requests.remote import Remote

_SCOPE = "give the step a token by `secrets_scope`; see nofx doctor"
_TOLD = 300
_DENIED = (
    "authentication failed",
    "could not read username",
    "could not read password",
    "terminal prompts disabled",
    "permission denied",
    "returned error: 401",
    "returned error: 403",
    "host key verification failed",
)
_MISSING = ("not found", "does not exist", "does not appear to be a git repository", "returned error: 404")
_UNREACHABLE = (
    "could not resolve",
    "failed to connect",
    "couldn't connect",
    "connection refused",
    "connection reset",
    "connection timed out",
    "timed out",
    "operation too slow",
    "remote end hung up",
    "unexpected disconnect",
    "early eof",
    "empty reply",
    "recv failure",
    "returned error: 5",
    "returned error: 429",
)
_PROTECTED = re.compile(r"protected branch|GH006|GH013|not allowed to push", re.IGNORECASE)


def remote_failed(remote: Remote, said: str) -> errors.NofxError:
    """Why the remote could not be asked, or would not take a push at all."""
    words, told = said.lower(), _reason(said)
    if any(sign in words for sign in _DENIED):
        message = f"{remote.address} does not let nofx in: {told}"
        return errors.Denied(message, code="remote-denied", hint=_hint_of_access(remote))
    if any(sign in words for sign in _UNREACHABLE):
        message = f"{remote.address} cannot be reached: {told}"
        return errors.Unavailable(message, code="remote-unreachable", hint="try again: nofx retry latest")
    if any(sign in words for sign in _MISSING):
        message = f"there is no repository at {remote.address}, or the token may not see it: {told}"
        return errors.NotFound(message, code="remote-not-found", hint="mend `remote`, or the token's permissions")
    return errors.Unavailable(f"git cannot use {remote.address}: {told}", code="remote-failed")


def push_failed(remote: Remote, branch: str, *, told: str, said: str) -> errors.NofxError:
    """Why a push was refused; `told` is what `git push --porcelain` printed, `said` what it said beside that."""
    line = next((line for line in told.splitlines() if line.startswith("!")), "")
    why = line.rpartition("[")[2].replace("]", ":", 1).strip()
    if not line:
        return remote_failed(remote, said)
    if "stale info" in line or "fetch first" in line or "non-fast-forward" in line or "already exists" in line:
        return errors.Conflict(
            f"somebody else changed the branch {branch} meanwhile; it was left as it is",
            code="push-raced",
            hint="try again: nofx retry latest; nofx replaces only what it made itself",
        )
    remarks = _remarks(said)
    if _PROTECTED.search(f"{line}\n{remarks}"):
        return errors.Denied(
            f"the branch {branch} is protected at {remote.address}: {remarks or why}",
            code="push-protected",
            hint="write another `branch`, or let whoever has the token push there",
        )
    return errors.Denied(
        f"{remote.address} refuses the push: {remarks or why}",
        code="push-refused",
        hint="see what its hooks and rules want of commits and branches",
    )


def _hint_of_access(remote: Remote) -> str:
    if remote.protocol == "ssh":
        return "see whether this gets in: ssh -T, with the key and the host that the remote has"
    if not remote.of_plan:
        return f"{_SCOPE}. A token goes only to hosts that the plan names: write `remote: {remote.address}`"
    return _SCOPE


def _remarks(said: str) -> str:
    """What the remote's hooks said."""
    lines = [line.removeprefix("remote:").strip() for line in said.splitlines() if line.startswith("remote:")]
    return shortened(" ".join(line for line in lines if line), _TOLD)


def _reason(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    text = (fatal or lines or ["it did not say why"])[0].removeprefix("fatal: ").removeprefix("error: ")
    return shortened(text, _TOLD)
