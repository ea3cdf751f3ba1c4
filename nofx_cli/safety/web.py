"""HTTP requests as steps and notifications make them: one request, one answer, within limits, through `httpx2`.

- **Limits**: of time to connect, of time for the whole, of bytes of the answer. The time for the whole holds whatever
  the server does (one that sends a byte a second, a name that never resolves). The caller's `check` is asked all the
  while, so that a step which is to stop gives its request up.
- **Redirects** are followed for `GET` and `HEAD` only, and only within the same scheme, host and port (or from `http`
  to `https` of the same host), so that no header reaches another server. Any other is given back as the answer that it
  is, with its `location`.
- **Proxies and certificates** are those of the usual variables of nofx's own environment (`HTTPS_PROXY`, `NO_PROXY`,
  `SSL_CERT_FILE`), as for models; addresses of this machine are asked directly. Certificates are always verified. What
  a plan sets in `env` has no part in it, nor has `~/.netrc`; there are no cookies.
- **Errors** name the scheme and the host at most: the path, the query, the headers and the body may hold secrets.
- Nothing is sent twice. An error tells whether the request can have reached the server (`Unanswered.may_have_arrived`).

Who calls asks the policy about the host before (`ctx.check_host(url)`); `on_redirect` is there to ask it again.
"""

from collections.abc import Callable

from nofx_cli.safety.hosts import UnreadableHost, read_address
from nofx_cli.safety.web_request import Limits, Request, Response, Unanswered, endpoint_of, origin_of

__all__ = ["Limits", "Request", "Response", "Unanswered", "endpoint_of", "origin_of", "send"]

_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FOLLOWED = frozenset({"GET", "HEAD"})


def send(
    request: Request,
    *,
    limits: Limits | None = None,
    check: Callable[[], None] | None = None,
    on_redirect: Callable[[str], None] | None = None,
) -> Response:
    """Send a request and read its answer; one with a status of 400 or more is an answer too.

    Args:
        check: asked at least five times a second; what it raises ends the request and is raised here
            (`ctx.check_cancelled`).
        on_redirect: asked with the address before a redirect is followed; what it raises is raised here.

    Raises:
        Unanswered: no whole answer came within the limits.
        errors.InvalidInput: the request cannot be sent as it is (code `http-request-invalid`); nothing was.
    """
    from nofx_cli.safety.web_exchange import Exchange, patience

    bounds = limits or Limits()
    time_is_over = patience(bounds.whole_ms)
    for _ in range(_MOST_REDIRECTS + 1):
        endpoint_of(request.url)
        response = Exchange(request, bounds).outcome(time_is_over, check)
        target = _redirect_to_follow(request, response)
        if not target:
            return response
        if on_redirect is not None:
            on_redirect(target)
        request = Request(request.method, target, request.headers, request.body)
    return response


def _redirect_to_follow(request: Request, response: Response) -> str:
    """Where the same server says that the answer is; empty where the answer stands as it is."""
    from urllib.parse import urljoin

    location = response.headers.get("location", "")
    if response.status not in _REDIRECTS or request.method.upper() not in _FOLLOWED or not location:
        return ""
    try:
        target = urljoin(request.url, location)
    except ValueError:  # such as `http://[::1`
        return ""
    return target if _is_same_server(request.url, target) else ""


def _is_same_server(here: str, there: str) -> bool:
    try:
        before, after = read_address(here), read_address(there)
    except UnreadableHost:
        return False
    schemes = here.partition(":")[0].lower(), there.partition(":")[0].lower()
    if schemes == ("http", "https"):
        return (before.host, before.port, after.port) == (after.host, 80, 443)
    return schemes[0] == schemes[1] and before == after
