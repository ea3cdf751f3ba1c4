"""The remote that is pushed to: where it is, how it is reached, and which hosts may get the token.

A checkout's own settings say where `origin` is, and an earlier step may have written those. So the token goes only to
hosts that the plan names (`remote` as an address, `api_url`), and to github.com and gitlab.com; and what is found is
shown before it is approved.
"""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.handlers.pull_requests.checkout import Checkout
from nofx_cli.safety.git_command import Git, Reach
from nofx_cli.safety.hosts import UnreadableHost, is_on_this_machine, read_address

_SCP = re.compile(r"(?:(?P<user>[\w.-]+)@)?(?P<host>[\w.-]+):(?!:|//)(?P<path>.+)")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://")
_SSH_PORT = 22
PUBLIC = {"github.com": "github", "gitlab.com": "gitlab"}
_USER = {"gitlab": "oauth2"}
_PASSWORDLESS = "ssh -oBatchMode=yes -oConnectTimeout=30 -oServerAliveInterval=15"


_SLOWEST = [("http.lowSpeedLimit", "1"), ("http.lowSpeedTime", "30")]
"""In bytes a second, and seconds: a server that says nothing is given up."""
_DEFAULT_PORTS = {"https": 443, "ssh": _SSH_PORT}


@record
class Remote:
    """Where it is.

    Attributes:
        address: as git takes it, without a user's password; it may be shown.
        protocol: `https`, `http`, `ssh` or `file`.
        host: with its port where the address has one; empty for a folder.
        path: below the host, without `.git`; `owner/name` at most forges.
        of_plan: whether the plan itself names it.
    """

    address: str
    protocol: str
    host: str
    path: str
    of_plan: bool

    @property
    def public(self) -> str:
        """Which of the public forges lies there; empty where none does."""
        name, _, port = self.host.partition(":")
        return PUBLIC.get(name, "") if port in ("", str(_DEFAULT_PORTS.get(self.protocol))) else ""

    @property
    def asked_as(self) -> str:
        """What policy is asked for; empty where no host is reached."""
        if not self.host:
            return ""
        return self.address if self.protocol.startswith("http") else _with_port(self.host)


def find_remote(name: str, checkout: Checkout | None, *, project: Path) -> Remote:
    """The remote that a name or an address means; a folder that is not absolute begins at `project`, or the checkout.

    Raises:
        errors.NotFound: the project has no remote of that name (code `remote-not-found`).
        errors.InvalidInput: nobody can push there, or not safely (code `remote-invalid`).
    """
    if is_address(name):
        return read_remote(str(project / name) if _is_folder(name) else name, of_plan=True)
    found = checkout.git.ask("remote", "get-url", "--push", "--", name) if checkout else None
    if checkout is None or found is None:
        there = (checkout.git.ask("remote") or "").split() if checkout else []
        raise errors.NotFound(
            f"the project has no remote {name!r}",
            code="remote-not-found",
            hint=f"its remotes are: {', '.join(there) or 'none'}; or write an address as `remote`",
        )
    address = found.splitlines()[0]
    if _is_folder(address) or not is_address(address):
        address = str(checkout.top / address)
    remote = read_remote(address, of_plan=False)
    if remote.protocol == "file" and Path(remote.address).is_relative_to(checkout.top.resolve()):
        raise errors.InvalidInput(
            f"the remote {name} is {remote.address}, which lies in the project: a step may have put it there, and its "
            "hooks would run",
            code="remote-invalid",
            hint=f"if it is yours, name it in the plan: remote: {remote.address}",
        )
    return remote


def is_address(text: str) -> bool:
    """Whether it is an address or a folder, and not the name of a remote."""
    return bool(_ADDRESS.match(text) or _SCP.fullmatch(text)) or _is_folder(text)


def read_remote(address: str, *, of_plan: bool) -> Remote:
    """Take an address apart. Raises as `find_remote`."""
    if not _ADDRESS.match(address):
        scp = _SCP.fullmatch(address)
        if scp is None:
            return Remote(str(Path(address).resolve()), "file", "", "", of_plan)
        return Remote(address, "ssh", scp["host"].lower(), _path(scp["path"]), of_plan)
    try:
        parts = urlsplit(address)
        name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        host = name + (f":{parts.port}" if parts.port else "")
    except ValueError as exc:
        raise _invalid("the remote's address cannot be read") from exc
    if parts.scheme == "file":
        return Remote(unquote(parts.path), "file", "", "", of_plan)
    user = f"{parts.username}@" if parts.username and parts.scheme == "ssh" else ""
    plain = f"{parts.scheme}://{user}{host}{parts.path}"
    if parts.scheme not in ("https", "http", "ssh"):
        raise _invalid(f"nofx does not push to {parts.scheme}:// addresses")
    if parts.scheme == "http" and not is_on_this_machine(plain):
        raise _invalid(f"nofx does not push to {plain}, which is not encrypted")
    if not host:
        raise _invalid(f"{plain} names no host")
    return Remote(plain, parts.scheme, host, _path(parts.path), of_plan)


def reach(remote: Remote, token: str, *, forge: str, check: Callable[[], None]) -> Reach:
    """How git reaches it. The token stands in no argument, no file and no address."""
    settings = [("credential.helper", ""), ("core.askPass", ""), ("http.followRedirects", "false"), *_SLOWEST]
    # What was shown and asked the policy for is what is reached, whatever the user's settings put in its place.
    settings += [(f"url.{remote.address}.{kind}", remote.address) for kind in ("insteadOf", "pushInsteadOf")]
    settings += [("push.gpgSign", "false"), ("push.followTags", "false"), ("push.recurseSubmodules", "no")]
    if token and remote.protocol in ("https", "http"):
        proof = base64.b64encode(f"{_USER.get(forge, 'x-access-token')}:{token}".encode()).decode()
        settings.append((f"http.{remote.protocol}://{remote.host}/.extraHeader", f"Authorization: Basic {proof}"))
    if remote.protocol == "http":  # of this machine, where no proxy has a say in it
        settings.append((f"http.http://{remote.host}/.proxy", ""))
    if remote.protocol == "ssh" and not Git(Path("/")).ask("config", "--get", "core.sshCommand"):
        settings.append(("core.sshCommand", _PASSWORDLESS))
    return Reach(remote.protocol, settings, check=check)


def may_have_token(remote: Remote, api_url: str, *, forge: str) -> bool:
    """Whether the token may go to the remote, and not only to the API of the forge."""
    if remote.of_plan or (remote.public and forge in (remote.public, "none")):
        return True
    try:
        return bool(api_url) and read_address(api_url).host == read_address(remote.host).host
    except UnreadableHost:
        return False


def _is_folder(text: str) -> bool:
    return text.startswith(("/", "./", "../"))


def _path(text: str) -> str:
    return unquote(text).strip("/").removesuffix(".git")


def _with_port(host: str) -> str:
    return host if ":" in host else f"{host}:{_SSH_PORT}"


def _invalid(message: str) -> errors.InvalidInput:
    return errors.InvalidInput(
        message, code="remote-invalid", hint="write `remote: https://host/owner/name.git`, or an address of ssh"
    )
