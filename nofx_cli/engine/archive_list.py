"""What lies in the archive, and the request that a person means."""

from fnmatch import fnmatchcase

from nofx_cli import errors
from nofx_cli.ports.archive import Archive, ArchiveEntry

_SHOWN = 3
_SHORT = 16


def list_archive(archive: Archive, *, model: str = "", since: str = "") -> list[ArchiveEntry]:
    """The entries that have an answer of that model (a pattern, `openai/*`) and one since then, newest first.

    What cannot be read stands at the end, whatever was asked for.
    """
    every = list(archive.entries())
    shown = [
        entry
        for entry in every
        if not entry.fault
        and entry.at >= since
        and (not model or any(fnmatchcase(answered, model) for answered in entry.models))
    ]
    shown.sort(key=lambda entry: entry.request)
    shown.sort(key=lambda entry: entry.at, reverse=True)
    return [*shown, *(entry for entry in every if entry.fault)]


def find_request(archive: Archive, text: str) -> str:
    """The request whose digest begins so.

    Raises:
        errors.NotFound: there is none (code `not-in-archive`).
        errors.UsageError: there are several (code `digest-ambiguous`); the hint lists some.
    """
    found = list(archive.requests(text.lower())) if text else []
    if not found:
        raise errors.NotFound(
            f"no request of the archive has a digest that begins with {text!r}",
            code="not-in-archive",
            hint="nofx archive ls",
        )
    if len(found) > 1:
        length = max(_SHORT, len(text) + 1)
        some = ", ".join(request[:length] for request in found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
        raise errors.UsageError(
            f"{text!r} begins the digests of {len(found)} requests", code="digest-ambiguous", hint=f"one of {some}"
        )
    return found[0]
